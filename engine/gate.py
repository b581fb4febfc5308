"""What may hold an effect back, in the transaction that announces it.

A cancellation, a pause, a stop, the calendar, an owner who is away, an outage, a rate
limit, an opt-out, the contact rule: each is read under a lock, so that none of it changes
between this look and the intent's commit. `effects.py` asks; nobody else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import halt, keyed_hash, rate_limits
from engine.errors import EngineError, Held, RateLimited, Refused, RunLost, Unreachable
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.effects import Effect, Owner

sql = queries("gate")

# A slot that is nearer than this is waited for in the thread.
LONGEST_NAP_SECONDS = 1.0
# So long a reserved slot is good for after its moment.
SLOT_GRACE_SECONDS = 2.0
# The turns of those who come with a slot, beside the slots themselves.
HELD = "held "
# So often it is looked whether an owner is back.
AWAY_LOOK_SECONDS = 3600.0
# So long after the mail that it follows up, a follow-up may go out within the gap, once.
FOLLOW_UP_DAYS = 3


class Later(EngineError):
    """The company's calendar holds the effect back."""

    code = "later"

    def __init__(self, why: str, wait: float) -> None:
        self.why = why
        self.wait = wait
        super().__init__(why)


def pass_through(
    conn: Connection, settings: Settings, owner: Owner, effect: Effect, key: str
) -> float:
    """Raise what holds the effect back; returns the seconds until its slot comes."""
    overdue = None
    if owner.run_token is not None:
        task = sql.task(conn, task_id=owner.task_id)
        if task is None or task["run_token"] != owner.run_token:
            raise RunLost(owner.key)
        if task["cancel_requested_at"] is not None:
            raise Held("cancelled")
        if task["agent_status"] != "active":
            raise Held("paused")
        if halt.standing(conn) is not None:
            raise Held("halted")
        overdue = task["overdue"]
    _keep_calendar(conn, effect)
    down = rate_limits.outage(conn, effect.vendor)
    if down is not None and down.wait > 0:
        raise Unreachable(effect.vendor, "outage")
    paused = rate_limits.wait_for(conn, effect.vendor, effect.rate_key)
    if paused > 0:
        raise RateLimited(effect.vendor, "waiting", retry_after=paused)
    wait = _take_slot(conn, owner, effect, overdue)
    if effect.contact is not None and wait <= LONGEST_NAP_SECONDS:
        _keep_contact_rule(conn, settings, owner, effect, key)
    return wait


def _keep_calendar(conn: Connection, effect: Effect) -> None:
    """Raise Later on a holiday, at night, and for marketing while an owner is away."""
    now = sql.now(conn)
    held = effect.calendar(now) if effect.calendar is not None else None
    if held is not None:
        raise Later(held.why, (held.until - now).total_seconds())
    away_until = sql.away_until(conn) if effect.marketing else None
    if away_until is not None:
        # Looked at again within the hour: they may come back sooner.
        raise Later("away", min((away_until - now).total_seconds(), AWAY_LOOK_SECONDS))


def slot_of(effect: Effect) -> str:
    """The name under which a task remembers that it has reserved its slot."""
    return f"slot:{effect.vendor}:{effect.rate_key}"


def _take_slot(conn: Connection, owner: Owner, effect: Effect, overdue: float | None) -> float:
    """Reserve the next slot; the seconds until it comes."""
    if effect.rate_gap <= 0:
        return 0.0
    if owner.slot == slot_of(effect):
        wait = _use_slot(conn, effect, overdue)
        if wait is not None:
            return wait
    if owner.run_token is None:
        # A card cannot remember its slot: reserving one that lies ahead at each try would
        # push the next free one away for ever.
        wait = rate_limits.next_slot(conn, effect.vendor, effect.rate_key)
        if wait > LONGEST_NAP_SECONDS:
            return wait
    return rate_limits.take(conn, effect.vendor, effect.rate_key, effect.rate_gap)


def _use_slot(conn: Connection, effect: Effect, overdue: float | None) -> float | None:
    """The seconds to wait for whoever comes with a slot, or None where it has passed.

    After a pause, or an hour without a worker, all come at once: who is late waits for the
    turn of those who really call, or takes a new slot. Where everybody is late, for there is
    much to do, somebody always goes."""
    vendor, gap, turn = effect.vendor, effect.rate_gap, HELD + effect.rate_key
    if overdue is not None and overdue <= SLOT_GRACE_SECONDS:
        rate_limits.take(conn, vendor, turn, gap)
        return 0.0
    if rate_limits.next_slot(conn, vendor, turn) > LONGEST_NAP_SECONDS:
        return None
    wait = rate_limits.take(conn, vendor, turn, gap)
    if rate_limits.next_slot(conn, vendor, effect.rate_key) <= LONGEST_NAP_SECONDS:
        wait = max(wait, rate_limits.take(conn, vendor, effect.rate_key, gap))
    return wait


def _keep_contact_rule(
    conn: Connection, settings: Settings, owner: Owner, effect: Effect, key: str
) -> None:
    contact_hash = keyed_hash.contact_hash(settings, effect.contact or "")
    held = sql.suppressed(conn, contact_hash=contact_hash, task_id=owner.task_id)
    if held is not None and not _asked_for(effect, held):
        raise Refused(effect.vendor, f"suppressed_{held['reason']}")
    if not effect.marketing:
        return
    sql.lock_contact(conn, contact_hash=contact_hash)
    row = _contact(conn, settings, contact_hash, owner.task_id, key)
    if _too_soon(row):
        raise Refused(effect.vendor, "contacted_recently")
    follows_up = row["recent"] and row["follows_up"]
    sql.contacted(conn, contact_hash=contact_hash, task_id=owner.task_id, follows_up=follows_up)


def barred(
    conn: Connection, settings: Settings, task_id: UUID, address: str, *, offer: bool
) -> str:
    """What would be said against a mail of this task to this address, were it to go out now;
    empty where nothing would. For whoever is about to draft one. It is no answer to theirs."""
    contact_hash = keyed_hash.contact_hash(settings, address)
    held = sql.suppressed(conn, contact_hash=contact_hash, task_id=task_id)
    if held is not None:
        return f"suppressed_{held['reason']}"
    row = _contact(conn, settings, contact_hash, task_id, "") if offer else None
    return "contacted_recently" if row is not None and _too_soon(row) else ""


def _contact(
    conn: Connection, settings: Settings, contact_hash: bytes, task_id: UUID | None, key: str
) -> Any:
    return sql.contact(
        conn, contact_hash=contact_hash, days=settings.marketing_gap_days, task_id=task_id,
        follow_up_days=FOLLOW_UP_DAYS, key=key,
    )  # fmt: skip


def _too_soon(row: Mapping[str, Any]) -> bool:
    return bool(row["recent"] and not row["same_mail"] and not row["follows_up"])


def _asked_for(effect: Effect, held: Mapping[str, Any]) -> bool:
    """Whether it answers what the customer has written since they opted out of offers. After
    a bounce or a complaint nothing goes out."""
    return effect.answers and not effect.marketing and held["opted_out"] and held["before"]
