"""What is typed in Slack behind `/sop` and `/agent`, and what is said back, privately.

Each is answered inside Slack's three seconds, from the database alone. Only listed
people get here; the verbs ask again whether they may act.
"""

from __future__ import annotations

from collections.abc import Callable

from engine import agents, halt, hand_starts, inbox, queue, sops, tasks, watcher_pauses
from engine.absence_commands import absence_lines, away, back
from engine.errors import NotFound
from engine.keyed_hash import keyed_hash
from engine.people import Person
from engine.readmission_commands import write_again
from engine.runtime import Runtime
from engine.slack.text import counted

SOP_HELP = """\
`/sop list` – the procedures
`/sop run <procedure>` – start a task of one
`/sop status` – what is open, and whether anything is held
`/sop stop [reason]` – hold everything that would go out, at once
`/sop resume` – let it go again
`/sop away until <day>` – questions go to the other owner, campaigns wait
`/sop back` – you are here again
`/sop write-again <address> [why]` – whether somebody has opted out; with why, lift it"""
AGENT_HELP = """\
`/agent pause <agent>` – its tasks wait from now on
`/agent resume <agent>` – they go on"""
WORDS = {
    "pending": "waiting for their turn",
    "in_progress": "being worked on",
    "waiting_on_human": "waiting for a person",
    "escalated": "stuck, and waiting for a person",
    "waiting_on_timer": "waiting for a time or a vendor",
}

SHOWN = 10

Answer = Callable[[Runtime, str, Person, str], str]


def answer(
    runtime: Runtime, text: str, by: Person, *, command: str = "/sop", occasion: str = ""
) -> str:
    """What is said back. `occasion` names this one command, so that the same one delivered
    twice starts one task."""
    verb, _, rest = text.strip().partition(" ")
    known = AGENT if command == "/agent" else SOP
    act = known.get(verb.casefold())
    if act is None:
        told = AGENT_HELP if command == "/agent" else SOP_HELP
        return told if verb in ("", "help") else f"I do not know “{verb[:40]}”.\n{told}"
    return act(runtime, rest.strip(), by, occasion)


def _stop(runtime: Runtime, reason: str, by: Person, _occasion: str) -> str:
    by.must_act()
    with runtime.database.transaction("halt") as conn:
        # The reason stands in the halt's row and not in the log: it is free text.
        stopped = halt.begin(conn, by=str(by), reason=reason[:200])
    said = "Stopped." if stopped else "It was stopped already."
    return f"{said} Nothing goes out until `/sop resume` or `bin/engine go`.\n{_held(runtime)}"


def _resume(runtime: Runtime, _rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    with runtime.database.transaction("lift_halt") as conn:
        released = halt.lift(conn, by=str(by))
    if released is None:
        return "Nothing was stopped."
    return f"Going on. {counted(released, 'held task')} released."


def _status(runtime: Runtime, _rest: str, _by: Person, _occasion: str) -> str:
    with runtime.database.read() as conn:
        stopped = halt.standing(conn)
        alive = queue.has_worker(conn)
        counts = {row["status"]: row["n"] for row in tasks.sql.counts(conn)}
        waiting = inbox.count(conn)
        absent = absence_lines(runtime, conn)
        resting = watcher_pauses.paused(conn)
        paused = [agent.name for agent in agents.list_all(conn) if agent.status != "active"]
    lines = [f"{counted(counts[status], 'task')} {words}" for status, words in WORDS.items()
             if counts.get(status)]  # fmt: skip
    if stopped is not None:
        lifted = "`/sop resume` or `bin/engine go` lifts it."
        lines.insert(0, f"*Everything is stopped*; {lifted}\n{_held(runtime)}")
    lines += [f"{said}." for said in absent]
    if paused:
        lines.append(f"Not active: {', '.join(paused)}")
    if resting:
        lines.append(f"Watchers that are paused: {', '.join(resting)}")
    if waiting:
        lines.append(f"{counted(waiting, 'question')} in the inbox: {_inbox(runtime)}")
    said = "\n".join(lines) or "Nothing is open."
    if not alive:
        said = f"*No worker is running*: nothing is taken up or sent until one is.\n{said}"
    return said


def _list(runtime: Runtime, _rest: str, _by: Person, _occasion: str) -> str:
    with runtime.database.read() as conn:
        rows = [row for row in sops.sql.list(conn) if row["status"] != "draft"]
    lines = [
        f"`{row['slug']}` {row['name']} · version {row['version']}"
        + ("" if row["status"] == "active" else f" · {row['status']}")
        for row in rows
    ]
    return "\n".join(lines) or "There is no procedure yet."


def _run(runtime: Runtime, wanted: str, by: Person, occasion: str) -> str:
    by.must_act()
    slug, _, more = wanted.partition(" ")
    if not slug:
        return "Which one? `/sop run <procedure>`; `/sop list` names them."
    dedupe_key = keyed_hash(runtime.settings, "command", occasion) if occasion else None
    with runtime.database.transaction("run_sop") as conn:
        try:
            sop = sops.active(conn, slug)
        except NotFound as unknown:
            return str(unknown)
        missing = hand_starts.lack_of(conn, sop, ()).missing
        if missing and more.strip() != "anyway":
            return (
                f"{sop.name} needs {', '.join(missing)}, which nobody gives it here; whoever has a"
                f" shell can, by `bin/engine sop run {slug} --set`. To start it without:"
                f" `/sop run {slug} anyway`"
            )
        task = tasks.start(
            conn,
            sop.id,
            context={"trigger": f"/sop run by {by.via}"},
            actor=str(by),
            dedupe_key=dedupe_key,
        )
    if task is None:
        return "That command has started its task already."
    return f"Task {task.number} of {sop.name} is started: {_task(runtime, task.number)}"


def _pause(runtime: Runtime, slug: str, by: Person, _occasion: str) -> str:
    return _set_agent(runtime, slug, by, agents.pause, "is paused", "was paused already")


def _go_on(runtime: Runtime, slug: str, by: Person, _occasion: str) -> str:
    return _set_agent(runtime, slug, by, agents.resume, "goes on", "was active already")


def _set_agent(
    runtime: Runtime,
    slug: str,
    by: Person,
    act: Callable[..., bool],
    changed: str,
    unchanged: str,
) -> str:
    by.must_act()
    with runtime.database.transaction("set_agent") as conn:
        try:
            done = act(conn, slug, by=str(by))
            name = agents.get_by_slug(conn, slug).name
        except NotFound as unknown:
            return str(unknown)
    return f"{name} {changed if done else unchanged}."


SOP: dict[str, Answer] = {
    "stop": _stop,
    "resume": _resume,
    "status": _status,
    "list": _list,
    "run": _run,
    "away": away,
    "back": back,
    "write-again": write_again,
}
AGENT: dict[str, Answer] = {"pause": _pause, "resume": _go_on}


def _held(runtime: Runtime) -> str:
    """What a stop holds back, by name."""
    with runtime.database.read() as conn:
        held = halt.held(conn)
        leaving = halt.leaving(conn)
    lines = [f"{counted(len(held), 'task')} held so far" + (":" if held else ".")]
    lines += [
        f"• task {row['number']}, {row['sop_name']}: {row['step_name'] or 'not begun'}"
        for row in held[:SHOWN]
    ]
    if len(held) > SHOWN:
        lines.append(f"• and {len(held) - SHOWN} more")
    if leaving:
        lines.append(f"{counted(leaving, 'approved message')} about to go out will be held too.")
    return "\n".join(lines)


def _inbox(runtime: Runtime) -> str:
    return f"{runtime.settings.web_base_url.rstrip('/')}/inbox"


def _task(runtime: Runtime, number: int) -> str:
    return f"{runtime.settings.web_base_url.rstrip('/')}/tasks/{number}"
