"""What people and the world do in these tests, and what they look at afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent, indent
from typing import Any
from zoneinfo import ZoneInfo

from engine import questions, tasks
from engine.answers import Answer
from engine.people import Person
from engine.tasks import Task
from tests.world import Company

OWNER = Person("chris", "Chris", "web", may_act=True)
PARTNER = Person("sam", "Sam", "web", may_act=True)
VIEWER = Person("pat", "Pat", "web", may_act=False)


def procedure(
    steps: str, *, slug: str = "small", agent: str = "lead_response", **more: object
) -> str:
    """A procedure's file around its steps."""
    head = {"slug": slug, "name": slug.replace("_", " ").capitalize(), "agent": agent, **more}
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    return "\n".join([*lines, "steps:", indent(dedent(steps), "  ")])


def begin(office: Company, steps: str, context: dict[str, Any] | None = None, **more: Any) -> Task:
    """Import a procedure, start a task of it, and let things settle."""
    office.import_sop(procedure(steps, **more))
    task = office.run_sop(more.get("slug", "small"), **(context or {}))
    office.settle()
    return office.see(task)


def question(office: Company, task: Task) -> dict[str, Any]:
    asked = office.see(task).question
    assert asked is not None, f"task {task.number} asks nothing"
    return asked


def token(office: Company, task: Task) -> str:
    return questions.token_of(question(office, task))


def answer(
    office: Company,
    task: Task,
    choice: str,
    *,
    by: Person = OWNER,
    settle: bool = True,
    **fields: str,
) -> Task:
    """Decide, and wait out the seconds in which it can be taken back."""
    with office.runtime.database.transaction("answer") as conn:
        questions.answer(
            conn, office.runtime.settings, token(office, task), Answer(choice, fields), by
        )
    if settle:
        office.pass_time(seconds=office.runtime.settings.undo_seconds + 1)
    return office.see(task)


def undo(office: Company, given: str, *, by: Person = OWNER) -> Task:
    with office.runtime.database.transaction("undo") as conn:
        return questions.undo(conn, given, by)


def cancel(office: Company, task: Task) -> Task:
    with office.runtime.database.transaction("cancel") as conn:
        return tasks.cancel(conn, task.id, by=str(OWNER))


def rerun(office: Company, task: Task, key: str) -> Task:
    with office.runtime.database.transaction("rerun") as conn:
        step = office.runtime.procedures.of(conn, task.sop_id).by_key(key)
        return tasks.rerun(conn, task.id, step.id, by=str(OWNER))


@contextmanager
def setting(office: Company, **changes: Any) -> Iterator[None]:
    """The same company under other settings, for a while."""
    before = office.runtime.settings
    object.__setattr__(office.runtime, "settings", before.model_copy(update=changes))
    try:
        yield
    finally:
        object.__setattr__(office.runtime, "settings", before)


def children(office: Company, task: Task) -> list[Task]:
    with office.runtime.database.read() as conn:
        rows = conn.execute("select * from tasks where parent_id = %s order by number", [task.id])
        return [Task(**row) for row in rows]


def rows(office: Company, query: str, *given: object) -> list[dict[str, Any]]:
    """What the database says."""
    with office.runtime.database.read() as conn:
        return conn.execute(query, given).fetchall()


def alarms(office: Company) -> list[str]:
    """What stands in #escalations as an alarm of the engine."""
    return [
        message["text"]
        for message in office.messages("#escalations")
        if message.get("username") == "Engine"
    ]


def sent(office: Company, vendor: str, method: str = "POST", path: str = "") -> list[Any]:
    """The requests of that method which a vendor received, with their JSON bodies."""
    found = [one for one in office.requests(vendor, path) if one["method"] == method]
    return [one | {"json": json.loads(bytes(one["body"]) or b"null")} for one in found]


def summaries(office: Company, task: Task, event: str) -> list[str]:
    return [
        row["output_summary"] or "" for row in office.timeline(task) if row["event_type"] == event
    ]


def rescue(office: Company) -> int:
    """What a worker's keeper does for the tasks of one that is dead."""
    with office.runtime.database.statement("rescue") as conn:
        return len(tasks.sql.rescue(conn))


def expire_lease(office: Company, task: Task) -> None:
    """Half a minute passes in which nobody renews it."""
    with office.runtime.database.statement("expire") as conn:
        conn.execute("update tasks set lease_until = now() where id = %s", [task.id])
    assert rescue(office) == 1


def vendors_have_answered(office: Company) -> None:
    """So much time passes that no call of ours can still be under way."""
    with office.runtime.database.statement("ripen") as conn:
        conn.execute("update effects set settle_after = now() where state <> 'done'")
        conn.execute("update cards set next_try_at = now()")
    office.pass_time(minutes=20)


def effects_of(office: Company, task: Task) -> list[tuple[str, str, int]]:
    """What became of a task's effects: (purpose, state, attempt)."""
    found = rows(office, "select * from effects where task_id = %s order by intended_at", task.id)
    return [
        (row["key"].split(".")[2], row["state"], row["attempt"])
        for row in found
        if not row["key"].startswith("card-")
    ]


def set_clock(office: Company, moment: str) -> None:
    """Business time jumps to this moment (ISO, with its offset)."""
    with office.runtime.database.statement("set_clock") as conn:
        conn.execute("update clock set shift = %s::timestamptz - now()", [moment])


def seconds_until_woken(office: Company, task: Task) -> float:
    [row] = rows(
        office,
        "select extract(epoch from wake_at - engine_now())::float8 as s from tasks where id = %s",
        task.id,
    )
    return row["s"]


def woken_at(office: Company, task: Task, zone: str = "America/Chicago") -> str:
    """The moment at which it goes on, by the clock on the office wall."""
    task = office.see(task)
    assert task.status == "waiting_on_timer", task.status
    assert task.wake_at is not None
    return task.wake_at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")
