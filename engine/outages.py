"""A vendor that is down: one cause, one alarm, however many tasks wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine import cards, rate_limits, task_events
from engine.reasons import called
from engine.runtime import Runtime
from engine.task_events import Event


@dataclass(frozen=True, slots=True)
class Pause:
    """For how many seconds the vendor is left alone; `tried` where this task has tried it."""

    wait: float
    tried: bool


def begin(runtime: Runtime, vendor: str) -> Pause:
    """Note one more failed attempt to reach the vendor."""
    with runtime.database.transaction("outage") as conn:
        outage = rate_limits.outage(conn, vendor)
        if outage is not None and outage.wait > 0:
            # The pause is under way: nothing was tried, so nothing new is known.
            return Pause(outage.wait, tried=False)
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
    return Pause(outage.wait, tried=True)


def stands(runtime: Runtime, vendor: str) -> bool:
    """Whether somebody has found the vendor down, and nobody has got through since."""
    with runtime.database.read() as conn:
        return rate_limits.outage(conn, vendor) is not None


def over(runtime: Runtime, vendor: str) -> None:
    """A call went through: the outage, if there was one, is over."""
    if not stands(runtime, vendor):
        return
    with runtime.database.transaction("recovered") as conn:
        if rate_limits.recover(conn, vendor):
            task_events.append_configuration(
                conn, Event("vendor_back", actor="engine", output_summary=vendor)
            )
            cards.close_alarm(conn, f"outage:{vendor}")
