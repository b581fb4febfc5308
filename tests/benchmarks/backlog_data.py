"""Tables as they are after years: written by set-based SQL, since starting a million tasks
one by one would take an hour. Foreign keys are not checked meanwhile."""

from __future__ import annotations

from engine import agents
from engine.agents import AgentDefinition
from engine.postgres import Connection
from tests.benchmarks.procedures import FIVE_STEPS, load

AGENTS = 20
# Half of the agents have a limit, and of those the first few are full: the claim must
# pass their queues by.
FULL = 5

FINISHED = """
insert into tasks (id, sop_id, agent_id, status, context, subject, created_at, started_at,
                   finished_at, queued_at, step_id, events, visit)
select new_id(), s.id, s.agent_id,
       case when n % 50 = 0 then 'failed' when n % 70 = 0 then 'cancelled' else 'completed' end,
       jsonb_build_object('size', 10, 'customer_name', 'Pat ' || n, 'category', 'new_lead'),
       'cust-' || n % 20000, at, at, at + interval '1 m', at, s.step_id, %(events)s, 5
  from generate_series(1, %(count)s) n
  join bench_sops s on s.place = n %% %(agents)s
 cross join lateral (select now() - interval '2 years' * (1 - n::float8 / %(count)s) as at) a
 order by n
"""
EVENTS = """
insert into task_events (task_id, seq, step_id, agent_id, event_type, duration_ms, cost_usd,
                         created_at)
select t.id, e, t.step_id, t.agent_id,
       case e when 1 then 'task_started' else 'step_completed' end,
       12, case when e % 5 = 0 then 0.0004 end, t.created_at
  from tasks t, generate_series(1, t.events) e
 where t.finished_at is not null
"""
PENDING = """
insert into tasks (sop_id, agent_id, context, priority, queued_at, step_id, events)
select s.id, s.agent_id, '{"size": 10, "nobody": []}', n %% 5, now() - interval '1 h' * random(),
       s.step_id, 0
  from generate_series(1, %(count)s) n
  join bench_sops s on s.place = n %% %(agents)s
"""


def fill(conn: Connection, *, finished: int, pending: int, events_each: int) -> None:
    with conn.transaction():
        _procedures(conn)
        conn.execute("set local session_replication_role = replica")
        given = {"count": finished, "agents": AGENTS, "events": events_each}
        conn.execute(FINISHED.replace("n % ", "n %% "), given)
        conn.execute(EVENTS)
        conn.execute(PENDING, {"count": pending, "agents": AGENTS})
    conn.execute("vacuum (analyze) tasks")
    conn.execute("vacuum (analyze) task_events")


def _procedures(conn: Connection) -> None:
    """An agent and a procedure of its own for each place, and the table that lists them."""
    for place in range(AGENTS):
        limit = 3 if place % 2 == 0 else None
        agents.define(conn, AgentDefinition(f"bench_{place}", f"Bench {place}", "Measures.",
                                            max_concurrent_tasks=limit))  # fmt: skip
        text = FIVE_STEPS.replace("slug: five_steps", f"slug: bench_{place}")
        load(conn, text.replace("sop: five_steps", f"sop: bench_{place}"), agent=f"bench_{place}")
    conn.execute(
        "update agents set running_tasks = 3 where slug = any(%s)",
        [[f"bench_{2 * place}" for place in range(FULL)]],
    )
    conn.execute(
        "create temporary table bench_sops on commit drop as"
        " select s.id, s.agent_id, st.id as step_id,"
        "   substring(s.slug from '[0-9]+')::int as place"
        " from sops s join steps st on st.sop_id = s.id and st.position = 1"
        " where s.slug like 'bench\\_%'"
    )
