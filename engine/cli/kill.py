"""“Kill the worker now” in the demo: what became of the last kill, and the walk with one.

The stand-in for the mail provider kills (`web/local/worker_kill.py`), the demo starts a new
worker as a platform would, and the engine does the rest by itself. What is written here
beside the kill is for the page that tells a newcomer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from engine.demo import World
from engine.postgres import connect

STANDING = """
select t.number as task, t.status,
       coalesce(t.wait_token is not null and t.question ->> 'kind' = 'in_doubt', false) as asks,
       exists (select from task_events v where v.task_id = t.id and v.event_type = 'task_rescued'
                  and v.created_at > to_timestamp(%(at)s)) as rescued,
       s.actor as settled_by, s.output_summary as settled_as
  from effects e join tasks t on t.id = e.task_id
  left join lateral (select v.actor, v.output_summary from task_events v
      where v.effect_key = e.key and v.event_type = 'effect_settled'
      order by v.seq desc limit 1) s on true
 where e.key = %(effect)s
"""
WHO = "select name from users where id::text = %s"
OVER = frozenset({"completed", "failed", "cancelled"})


def follow(world: World, local: Any) -> None:
    """Write down what has become of the last kill since."""
    kill = last(local)
    if kill is None or kill.get("status") in OVER:
        return
    worker = world.processes.pid("worker")
    known = {"code": world.processes.ended.get(kill["pid"]), "new_pid": worker}
    now = kill | (known if worker != kill["pid"] else {}) | _standing(world, kill)
    if now != kill:
        local.put("worker_kill", str(kill["number"]), now)


def last(local: Any) -> dict[str, Any] | None:
    kills = local.all("worker_kill")
    return kills[-1] if kills else None


def _standing(world: World, kill: dict[str, Any]) -> dict[str, Any]:
    with connect(world.dsn) as conn:
        found = conn.execute(STANDING, {"effect": kill["effect"], "at": kill["at"]}).fetchone()
        if found is None:
            return {}
        # web:<id> or slack:<id> is a person, a vendor's name the vendor's own event.
        via, _, who = (found["settled_by"] or "").partition(":")
        if who:
            user = conn.execute(WHO, [who]).fetchone()
            return {**found, "settled_by": user["name"] if user else "The command line"}
    return {**found, "settled_by": "vendor" if via else ""}


def order(world: World) -> None:
    """Press the button on the page."""
    world.http.post(f"{world.local_url}/kill/", follow_redirects=True).raise_for_status()


Until = Callable[[Callable[[], Any], str], Any]


def watch(world: World, local: Any, press: Callable[[str], None], until: Until) -> None:
    """Tell what happens from the kill to the end of the task, and answer its doubt by looking
    into the outbox, as a person would."""

    def seen(fact: str) -> Callable[[], Any]:
        def look() -> Any:
            follow(world, local)
            kill = last(local)
            return kill if kill and kill.get(fact) else None

        return look

    kill = until(seen("pid"), "the kill")
    click.echo(
        f"killed worker {kill['pid']} by SIGKILL in the middle of sending {kill['subject']!r}"
    )
    kill = until(seen("new_pid"), "another worker")
    click.echo(f"it ended with code {kill['code']}; the demo started worker {kill['new_pid']}")
    kill = until(seen("rescued"), "the task to be taken over")
    click.echo(f"task {kill['task']} was taken over when the dead worker's lease had run out")
    kill = until(lambda: seen("asks")() or seen("settled_by")(), "the mail to be settled")
    if kill["asks"]:
        mails = len(local.all("outbox"))
        click.echo(f"it asks whether the mail went out; in the outbox: {mails}")
        press("It went out" if mails else "It did not: send it now")
    else:
        click.echo("the mail provider's own event settled that it had gone out")
