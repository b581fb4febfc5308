"""What is said of an effect from outside the run that made it.

A person rules on one in doubt, a vendor's own event says that a call arrived, a rescue finds
a call that was cut short, and the end of a task leaves one unknown. Each locks the effect
and settles it by compare-and-set, as `effects.py` does from within.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from engine import trees
from engine.effects import REPEATABLE, Owner, Result, Ruling, note, sql
from engine.postgres import Connection

# How an effect ends whose task has ended before it was settled; see `leftovers.py`.
UNKNOWN = "unknown"
# Where a person finds out what became of a call.
PLACES: Mapping[str, str] = {
    "mail": "the customer's mailbox, or the mail provider's log",
    "crm": "the CRM",
    "slack": "the channel in Slack",
    "http": "the other system",
}


def rule(conn: Connection, key: str, ruling: Ruling, *, by: str) -> None:
    """A person settles an effect in doubt: it went out; send it now; drop it. Where it has
    become known meanwhile that it did not go out, what they say holds all the same."""
    row = sql.lock(conn, key=key)
    if row is None or not _to_be_ruled(row, ruling):
        return
    state, code = {
        "sent": ("done", None),
        "send": ("refused", "send_again"),
        "drop": ("refused", "dropped"),
    }[ruling]
    sql.conclude(
        conn, key=key, attempt=row["attempt"], state=state, code=code,
        expected=[row["state"]], result=Jsonb({}) if state == "done" else None,
    )  # fmt: skip
    owner = Owner(key=key, task_id=row["task_id"], step_id=row["step_id"])
    note(conn, owner, "effect_settled", key, row["attempt"], code=code or "sent", actor=by)


def _to_be_ruled(row: Mapping[str, Any], ruling: Ruling) -> bool:
    if row["state"] == "refused":
        return row["code"] in REPEATABLE and ruling != "send"
    return row["state"] == "in_doubt"


def confirm_sent(conn: Connection, key: str, result: Result) -> bool:
    """A vendor's own event says that this effect happened. False where that was known, and
    where nothing can be changed any more: a person had it dropped, say."""
    row = sql.get(conn, key=key)
    if row is not None and row["task_id"] is not None:
        trees.hold(conn, row["task_id"])
        row = sql.lock(conn, key=key)
    if row is None or not _unsettled(row):
        return False
    sql.conclude(
        conn, key=key, attempt=row["attempt"], state="done", code=None,
        expected=["intended", "in_doubt", "refused"], result=Jsonb(dict(result)),
    )  # fmt: skip
    owner = Owner(key=key, task_id=row["task_id"], step_id=row["step_id"])
    note(conn, owner, "effect_settled", key, row["attempt"], result=result, actor=row["vendor"])
    return True


def leave_in_doubt(conn: Connection, key: str) -> None:
    """The run that made this call is dead, and nobody will look the call up: a person must."""
    row = sql.lock(conn, key=key)
    if row is None or row["state"] != "intended":
        return
    sql.conclude(
        conn, key=key, attempt=row["attempt"], state="in_doubt", code="interrupted",
        expected=["intended"], result=None,
    )  # fmt: skip
    owner = Owner(key=key, task_id=row["task_id"], step_id=row["step_id"])
    note(conn, owner, "effect_in_doubt", key, row["attempt"], code="interrupted")


def leave_unknown(conn: Connection, key: str) -> Mapping[str, Any] | None:
    """Close an effect whose task has ended, and which nobody will look into any more; None
    where it is settled, or its task was taken up again."""
    row = sql.get(conn, key=key)
    if row is None or row["task_id"] is None:
        return None
    sql.hold_task(conn, task_id=row["task_id"])
    row = sql.lock_left_over(conn, key=key)
    if row is None:
        return None
    sql.conclude(
        conn, key=key, attempt=row["attempt"], state="refused", code=UNKNOWN,
        expected=["intended", "in_doubt"], result=None,
    )  # fmt: skip
    owner = Owner(key=key, task_id=row["task_id"], step_id=row["step_id"])
    note(conn, owner, "effect_settled", key, row["attempt"], code=UNKNOWN)
    return row


def _unsettled(row: Mapping[str, Any]) -> bool:
    """Whether the vendor's word still counts. "Send it now" is a promise that nothing has
    gone out yet; until the second call begins, the event of the first one is in time. What
    was left as unknown is known by it."""
    if row["state"] == "refused":
        return row["code"] in ("send_again", UNKNOWN)
    return row["state"] in ("intended", "in_doubt")
