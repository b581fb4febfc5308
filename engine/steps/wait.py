"""`wait`: for a while, or until a time of day. Holds no job, no thread, no connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import model_validator

from engine.business import next_business_moment
from engine.steps.contract import Done, Goto, Outcome, Sleep, StepConfig, StepContext
from engine.steps.fields import Duration
from engine.steps.ways import Way


class Config(StepConfig):
    """Either `for` (30s, 45m, 24h, 5d) or `until` (a time of day, the next one to come);
    with `business_hours` the moment is moved to when the office is open. A reply of the
    customer ends the wait at once, at the place that `unless_replied` names."""

    for_: Duration | None = None
    until: time | None = None
    business_hours: bool = False
    unless_replied: str | None = None

    model_config = StepConfig.model_config | {
        "alias_generator": lambda name: name.rstrip("_"),
        "populate_by_name": True,
    }

    @model_validator(mode="after")
    def _one_of_them(self) -> Config:
        if (self.for_ is None) == (self.until is None):
            raise ValueError("give either 'for' (such as 24h) or 'until' (such as 09:00)")
        return self


def calls_out(_config: Config) -> bool:
    return False


def run(config: Config, ctx: StepContext) -> Outcome:
    if config.unless_replied and ctx.context.get("customer_replied"):
        return Goto(config.unless_replied, summary="the customer replied")
    if ctx.woken:
        return Done()
    now = ctx.now()
    moment = (
        now + config.for_
        if config.for_ is not None
        else _next(config.until, now, ctx.business.zone)
    )
    if config.business_hours:
        moment = next_business_moment(ctx.business, moment, timedelta(0))
    return Sleep(until=moment)


def ways(config: Config) -> Iterator[Way]:
    yield Way()
    if config.unless_replied:
        yield Way(target=config.unless_replied)


def _next(at: time | None, now: datetime, zone: ZoneInfo) -> datetime:
    """The next moment at which the clock on the wall shows `at`."""
    assert at is not None  # noqa: S101 - the config's validator saw to it
    today = now.astimezone(zone).date()
    # In the night when the clock is put back it shows some times twice. Compared in UTC, for
    # two moments of one zone are compared by what the clock shows.
    moments = (
        datetime.combine(today + timedelta(days=day), at, zone).replace(fold=fold).astimezone(UTC)
        for day in (0, 1)
        for fold in (0, 1)
    )
    return next(moment for moment in moments if moment > now)
