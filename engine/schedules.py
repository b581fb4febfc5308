"""Schedules: the moments of a cron line by the company's clock.

Of moments that were missed only the last one counts, and where the clock is put back an
hour that is shown twice counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cronsim import CronSim, CronSimError

from engine.business import Business, is_selling
from engine.errors import SopInvalid


def last_moment(
    config: Mapping[str, Any], business: Business, since: datetime, now: datetime
) -> datetime | None:
    """The last moment in (since, now]; with `season`, only while that one is on offer."""
    here = now.astimezone(business.zone)
    # It looks back from there, that moment itself not included.
    for moment in CronSim(config["cron"], here + timedelta(seconds=1), reverse=True):
        if moment <= now:
            fits = moment > since and _on_offer(config, business, moment)
            return moment if fits else None
    return None


def _on_offer(config: Mapping[str, Any], business: Business, moment: datetime) -> bool:
    season = config.get("season")
    return not season or is_selling(business, season, moment.astimezone(business.zone).date())


def check(config: Mapping[str, Any], *, where: str, seasons: set[str]) -> None:
    """Raises SopInvalid that names the place and what is wrong with it."""
    unknown = sorted(set(config) - {"cron", "season"})
    if unknown:
        raise SopInvalid(f"{where}, check_config.{unknown[0]}: is not known; use cron and season")
    try:
        next(CronSim(str(config.get("cron", "")), datetime(2027, 1, 1)))
    except CronSimError as wrong:
        raise SopInvalid(
            f"{where}, check_config.cron: {wrong}; Mondays at nine are '0 9 * * 1'"
        ) from None
    if config.get("season") not in {None, *seasons}:
        raise SopInvalid(
            f"{where}, check_config.season: business.yaml has no season"
            f" {config['season']!r}; it has: {', '.join(sorted(seasons))}"
        )
