"""The procedures that the benchmarks run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import agents, sop_files, tasks
from engine.agents import AgentDefinition
from engine.postgres import Connection

# Five steps that need no vendor: conditions, a fan-out over nobody, a wait that is over before
# it begins, and a branch at the end. Of the types that ship, `enqueue_next` is left out, for it
# would start a second task, and all others call somebody or ask a person.
FIVE_STEPS = """
slug: five_steps
name: Five steps
agent: bench
steps:
  - {key: known, name: Known, type: query, config: {cases: [{when: size > 0, goto: each}]}}
  - {key: each, name: For each of none, type: for_each, config: {items: nobody, sop: five_steps}}
  - {key: heard, name: Heard, type: wait, config: {for: 1h, unless_replied: late}}
  - {key: late, name: Late, type: query, config: {cases: [{when: size > 1, goto: last}]}}
  - {key: last, name: Last, type: query, config: {cases: [{when: size > 2, goto: complete}]}}
"""
FIVE_STEPS_CONTEXT: dict[str, Any] = {"size": 10, "nobody": [], "customer_replied": True}
ONE_STEP = """
slug: one_step
name: One step
agent: bench
steps:
  - {key: only, name: Only, type: query, config: {cases: [{when: size > 0, goto: complete}]}}
"""
SLOW_VENDOR = """
slug: slow_vendor
name: A slow vendor
agent: bench
steps:
  - {key: look, name: Look, type: query, config: {operation: get_customer, id: "{{customer_id}}"}}
"""
WAITING = """
slug: waiting
name: Waiting
agent: bench
steps:
  - {key: wait, name: Wait, type: wait, config: {for: 1s}}
"""
WAITING_AN_HOUR = """
slug: waiting_an_hour
name: Waiting an hour
agent: bench
steps:
  - {key: known, name: Known, type: query, config: {cases: [{when: size > 0, goto: wait}]}}
  - {key: wait, name: Wait, type: wait, config: {for: 1h}}
  - {key: last, name: Last, type: query, config: {cases: [{when: size > 2, goto: complete}]}}
"""
ASKING = """
slug: asking
name: Asking
agent: bench
steps:
  - key: ask
    name: Ask
    type: slack_ask_human
    config: {title: Shall we go on, choices: {"yes": {label: "Yes"}, "no": {label: "No"}}}
"""


def load(conn: Connection, text: str, *, agent: str = "bench") -> UUID:
    """Import a procedure under this agent; the id of its active version."""
    if agent == "bench":
        services = ("crm:read", "slack:post", "email:send", "llm")
        agents.define(conn, AgentDefinition("bench", "Bench", "Measures.", services=services))
    text = text.replace("agent: bench", f"agent: {agent}")
    checked = sop_files.parse(text, name="the benchmark's procedure")
    return sop_files.save(conn, checked, origin="import", by="bench").id


def start(conn: Connection, sop_id: UUID, count: int, **context: Any) -> None:
    """So many tasks, in one transaction."""
    with conn.transaction():
        for number in range(count):
            tasks.start(conn, sop_id, context=context | {"customer_id": str(number)}, actor="bench")
