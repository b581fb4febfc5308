"""A vendor that is down: one cause, one alarm, however many tasks wait for it."""

from __future__ import annotations

from engine import cards, rate_limits, task_events
from engine.reasons import called
from engine.runtime import Runtime
from engine.task_events import Event


def begin(runtime: Runtime, vendor: str) -> float:
    """Note one more failed attempt to reach the vendor; returns the seconds to wait."""
    with runtime.database.transaction("outage") as conn:
        outage = rate_limits.outage(conn, vendor)
        if outage is not None and outage.wait > 0:
            # The pause is under way: nothing was tried, so nothing new is known.
            return outage.wait
        outage = rate_limits.fail(conn, vendor)
        if outage.began:
            task_events.append_configuration(
                conn, Event("vendor_down", actor="engine", output_summary=vendor)
            )
            cards.raise_alarm(
                conn,
                f"outage:{vendor}",
                f"{called(vendor)} cannot be reached. Tasks that need it wait and go on by"
                " themselves.",
                channel=runtime.settings.channel_escalations,
            )
    return outage.wait


def over(runtime: Runtime, vendor: str) -> None:
    """A call went through: the outage, if there was one, is over."""
    with runtime.database.read() as conn:
        if rate_limits.outage(conn, vendor) is None:
            return
    with runtime.database.transaction("recovered") as conn:
        if rate_limits.recover(conn, vendor):
            task_events.append_configuration(
                conn, Event("vendor_back", actor="engine", output_summary=vendor)
            )
            cards.close_alarm(conn, f"outage:{vendor}")
