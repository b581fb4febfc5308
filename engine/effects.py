"""The one gate: nothing that changes the world outside leaves the process by another way.

An effect's intent is committed before the call and its result after. The intent's
transaction locks whatever may hold the effect back (the run token, a cancellation, a
pause, a stop, an opt-out, the contact rule, the rate limit), so that a stop given
before it is honoured and one given after it finds the call already announced.

A resumed step that finds an intent without a result never calls again blindly: it looks
the effect up where the vendor allows, waits while the vendor may still be at it, and
where that does not settle it, a person must (InDoubt); `rulings.py` is what they, and the
vendors' own events, say. State changes by compare-and-set on (state, attempt); the events
are its history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from engine import failpoints, gate, rate_limits, task_events, trees
from engine.business import NotNow
from engine.errors import (
    EngineError,
    InDoubt,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
)
from engine.postgres import DATABASE_DOWN, Connection, Database
from engine.postgres.queries import queries
from engine.settings import Settings
from engine.task_events import Event

sql = queries("effects")

Vendor = Literal["slack", "mail", "crm", "http"]
Result = Mapping[str, Any]
Ruling = Literal["sent", "send", "drop"]

# What the vendor may still be doing after our own timeout.
SETTLE_MARGIN_SECONDS = 5.0
# Between the tries to write down what became of a call: more of them than there are connections.
NAPS_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
# Calls that got no answer and did not arrive, before somebody must look at it.
MOST_LOST_ATTEMPTS = 4
# After these a further attempt is safe: the vendor took nothing, or a person said so.
REPEATABLE = frozenset({"unreachable", "rate_limited", "absent", "not_called", "send_again"})

# The same without a person's word.
NEVER_LEFT = REPEATABLE - {"send_again"}


@dataclass(frozen=True, slots=True)
class Effect:
    """One call that changes the world outside.

    `call(key, timeout)` makes it and returns the vendor's ids. `lookup(key, since,
    timeout)` finds an earlier one by its key, or returns None; it is None itself where
    the vendor cannot say, and `absence_is_proof` is false where not finding it proves
    nothing. `prepare(timeout)` does what is slow about a process's first call, before the
    last look at the lease. `contact` is the customer's address, for opt-outs and the contact rule.
    """

    vendor: Vendor
    purpose: str
    call: Callable[[str, float], Result]
    timeout: float
    lookup: Callable[[str, float, float], Result | None] | None = None
    absence_is_proof: bool = True
    prepare: Callable[[float], None] | None = None
    settle_seconds: float = 0.0
    item: str = ""
    rate_key: str = ""
    rate_gap: float = 0.0
    contact: str | None = None
    marketing: bool = False
    # It answers a message of theirs: allowed also to who has opted out before they wrote.
    answers: bool = False
    # What the company's calendar says to it at a moment: a holiday, the night.
    calendar: Callable[[datetime], NotNow | None] | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """On whose behalf: a run of a task (with its run token), or a card.

    `confirm` raises RunLost where the lease may have run out; it is asked right before
    the call. `slot` names a rate limit's slot that was reserved before parking. `dissolve`
    answers what a person has been asked about the call, once that is known after all. Whatever
    takes its time happens within `away`, in which nothing of the database's is held.
    """

    key: str
    task_id: UUID | None = None
    step_id: UUID | None = None
    run_token: UUID | None = None
    confirm: Callable[[], None] | None = None
    slot: str | None = None
    dissolve: Callable[[Connection, str, Ruling], None] | None = None
    away: Callable[[], AbstractContextManager[None]] = nullcontext


class Settling(EngineError):
    """The effect's outcome is not known yet; look again later."""

    code = "settling"

    def __init__(self, vendor: str, wait: float) -> None:
        self.vendor = vendor
        self.wait = wait
        super().__init__(vendor)


class SlotTaken(EngineError):
    """The rate limit's next slot lies ahead; it is reserved."""

    code = "slot"

    def __init__(self, slot: str, wait: float) -> None:
        self.slot = slot
        self.wait = wait
        super().__init__(slot)


def key_of(owner: Owner, effect: Effect) -> str:
    return ".".join(part for part in (owner.key, effect.purpose, effect.item) if part)


def perform(
    database: Database, settings: Settings, owner: Owner, effect: Effect, *, timeout: float
) -> Result:
    """Make the effect happen once; returns the vendor's ids, also where it happened before.

    Raises Held, Later, RunLost, SlotTaken, Settling (outcome unknown yet), InDoubt (only a
    person can tell), or what the port raises: Refused, Unauthorised, RateLimited,
    Unreachable.
    """
    key = key_of(owner, effect)
    timeout = min(timeout, effect.timeout)
    if effect.prepare is not None:
        with owner.away():
            effect.prepare(timeout)
    while True:
        intent = _intend(database, settings, owner, effect, key, timeout)
        if intent.result is not None:
            return intent.result
        if intent.wait > gate.LONGEST_NAP_SECONDS:
            raise SlotTaken(gate.slot_of(effect), intent.wait)
        if intent.attempt:
            with owner.away() if intent.wait else nullcontext():
                time.sleep(intent.wait)
            return _call(database, owner, effect, key, intent.attempt, timeout)
        found = _settle(database, owner, effect, key, timeout)
        if found is not None:
            return found


# -- intent -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Intent:
    """What the gate said. `attempt` > 0: call, after `wait` seconds. `result`: it has
    happened already. Neither: an earlier intent is open and must be settled first, or,
    with a long `wait`, the slot that is now reserved lies ahead."""

    attempt: int = 0
    result: Result | None = None
    wait: float = 0.0


def _intend(
    database: Database, settings: Settings, owner: Owner, effect: Effect, key: str, timeout: float
) -> Intent:
    settle_seconds = timeout + SETTLE_MARGIN_SECONDS + effect.settle_seconds
    if owner.confirm is not None:
        owner.confirm()
    with database.transaction(f"intend:{effect.vendor}") as conn:
        _hold_task(conn, owner)
        row = sql.lock(conn, key=key)
        if row is not None:
            if row["state"] == "done":
                return Intent(result=row["result"] or {})
            if row["state"] in ("intended", "in_doubt"):
                return Intent()
            _confirm_repeatable(owner, effect, row)
        wait = gate.pass_through(conn, settings, owner, effect, key)
        if wait > gate.LONGEST_NAP_SECONDS:
            return Intent(wait=wait)  # commits, so the slot stays reserved
        attempt = 1
        if row is None:
            sql.intend(
                conn, key=key, task_id=owner.task_id, step_id=owner.step_id,
                vendor=effect.vendor, settle_seconds=settle_seconds,
            )  # fmt: skip
        else:
            attempt = row["attempt"] + 1
            sql.intend_again(conn, key=key, attempt=row["attempt"], settle_seconds=settle_seconds)
        note(conn, owner, "effect_intended", key, attempt)
    return Intent(attempt=attempt, wait=wait)


def _confirm_repeatable(owner: Owner, effect: Effect, row: Mapping[str, Any]) -> None:
    """Raises Refused where a further attempt would be of no use. What a vendor refused it
    refuses again; a card alone is tried for ever, for its channel may come back."""
    if owner.run_token is None:
        return
    if row["code"] not in REPEATABLE:
        raise Refused(effect.vendor, row["code"] or "refused")
    if row["code"] == "absent" and row["attempt"] >= MOST_LOST_ATTEMPTS:
        raise Refused(effect.vendor, "never_arrives")


def never_left(row: Mapping[str, Any]) -> bool:
    """Whether its last attempt is known to have reached nobody, and by no person's ruling."""
    return row["state"] == "refused" and row["code"] in NEVER_LEFT


# -- call ---------------------------------------------------------------------------


def _call(
    database: Database, owner: Owner, effect: Effect, key: str, attempt: int, timeout: float
) -> Result:
    place = f"call:{effect.vendor}:{effect.purpose}"
    try:
        if owner.confirm is not None:
            owner.confirm()
    except EngineError:
        # We know what nobody else can: that this attempt was never made.
        _conclude(database, owner, effect, key, attempt, "refused", "not_called")
        raise
    failpoints.reach(f"{place}:before")
    try:
        with owner.away():
            result = effect.call(key, timeout)
    except RateLimited as error:
        _conclude(database, owner, effect, key, attempt, "refused", "rate_limited")
        with database.statement("push_rate_limit") as conn:
            rate_limits.push(conn, effect.vendor, effect.rate_key, error.retry_after)
        raise
    except Unreachable:
        _conclude(database, owner, effect, key, attempt, "refused", "unreachable")
        raise
    except Refused as error:
        _conclude(database, owner, effect, key, attempt, "refused", error.detail or error.code)
        raise
    except Exception as error:
        # Ambiguous, or an adapter that broke in the middle: nobody knows what arrived.
        failpoints.reach(f"{place}:after")
        _conclude(
            database, owner, effect, key, attempt, "in_doubt", getattr(error, "code", "crashed")
        )
        raise Settling(effect.vendor, timeout + SETTLE_MARGIN_SECONDS) from error
    failpoints.reach(f"{place}:after")
    _conclude(database, owner, effect, key, attempt, "done", None, result)
    return result


def _conclude(
    database: Database,
    owner: Owner,
    effect: Effect,
    key: str,
    attempt: int,
    state: Literal["done", "refused", "in_doubt"],
    code: str | None,
    result: Result | None = None,
    *,
    actor: str | None = None,
    settled: bool = False,
) -> bool:
    """Write what became of an attempt; false where somebody else had settled it. Where it
    was in doubt by then, a person may have been asked already."""
    write = partial(
        _written, database, owner, effect, key, attempt, state, code, result,
        actor=actor, settled=settled,
    )  # fmt: skip
    for nap in NAPS_SECONDS:
        try:
            return write()
        except DATABASE_DOWN:
            # A restart of PostgreSQL in this moment would leave a doubt about what we know.
            time.sleep(nap)
    return write()


def _written(
    database: Database,
    owner: Owner,
    effect: Effect,
    key: str,
    attempt: int,
    state: Literal["done", "refused", "in_doubt"],
    code: str | None,
    result: Result | None,
    *,
    actor: str | None,
    settled: bool,
) -> bool:
    states = ("intended",) if state == "in_doubt" else ("intended", "in_doubt")
    for expected in states:
        with database.transaction(f"conclude:{effect.vendor}:{state}") as conn:
            dissolve = owner.dissolve if expected == "in_doubt" else None
            if dissolve is not None and owner.task_id is not None:
                trees.hold(conn, owner.task_id)
            _hold_task(conn, owner)
            changed = sql.conclude(
                conn, key=key, attempt=attempt, state=state, code=code, expected=[expected],
                result=Jsonb(dict(result)) if result is not None else None,
            )  # fmt: skip
            if changed:
                event = "effect_settled" if settled else f"effect_{state}"
                note(conn, owner, event, key, attempt, code=code, result=result, actor=actor)
                if dissolve is not None:
                    dissolve(conn, key, "sent" if state == "done" else "send")
                return True
    return False


# -- settling -----------------------------------------------------------------------


def _settle(
    database: Database, owner: Owner, effect: Effect, key: str, timeout: float
) -> Result | None:
    """Find out what became of an open intent. A result: it had happened. None: it is
    settled that it has not, so it may be intended again."""
    with database.read() as conn:
        row = sql.settled_at(conn, key=key)
    if row["state"] not in ("intended", "in_doubt"):
        return row["result"] if row["state"] == "done" else None
    if row["state"] == "intended":
        _conclude(database, owner, effect, key, row["attempt"], "in_doubt", "interrupted")
    try:
        with owner.away():
            found = _looked_up(effect, key, row["since"], timeout)
    except Unauthorised:
        raise
    except Refused:
        # The channel is gone, or we are no longer in it: nobody but a person can tell.
        if row["ripe"]:
            raise InDoubt(key) from None
        found = None
    if found is not None:
        _conclude(database, owner, effect, key, row["attempt"], "done", None, found, settled=True)
        return found
    if not row["ripe"]:
        raise Settling(effect.vendor, max(0.5, row["wait"]))
    if effect.lookup is not None and effect.absence_is_proof:
        _conclude(database, owner, effect, key, row["attempt"], "refused", "absent", settled=True)
        return None
    raise InDoubt(key)


def _looked_up(effect: Effect, key: str, since: float, timeout: float) -> Result | None:
    if effect.lookup is None:
        return None
    failpoints.reach(f"call:{effect.vendor}:lookup:before")
    found = effect.lookup(key, since, timeout)
    failpoints.reach(f"call:{effect.vendor}:lookup:after")
    return found


def _hold_task(conn: Connection, owner: Owner) -> None:
    """A task is locked before its effects, as an answer that rules on one does it."""
    if owner.task_id is not None:
        sql.hold_task(conn, task_id=owner.task_id)


def note(
    conn: Connection,
    owner: Owner,
    event_type: Any,
    key: str,
    attempt: int,
    *,
    code: str | None = None,
    result: Result | None = None,
    actor: str | None = None,
) -> None:
    """Write the change into the record of the task, where there is one."""
    if owner.task_id is None:
        return
    summary = code or " ".join(f"{name}={value}" for name, value in (result or {}).items())
    task_events.append(
        conn,
        owner.task_id,
        Event(
            event_type, step_id=owner.step_id, effect_key=key, attempt=attempt,
            output_summary=summary or None, actor=actor,
        ),
    )  # fmt: skip
