"""Schedules go by the company's clock: once for each moment, and only in season."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine import schedules, watchers
from engine.business import load_business
from engine.errors import SopInvalid
from engine.settings import PROJECT
from tests.campaigns.hands import look, no_customers
from tests.engine.hands import rows
from tests.world import Company

CHICAGO = ZoneInfo("America/Chicago")
BUSINESS = load_business(PROJECT / "seeds" / "business.yaml")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def moments(cron: str, begin: str, end: str, **more: str) -> list[str]:
    """What a tick each minute would start, by the clock on the wall."""
    since, now, found = at(begin).astimezone(UTC), at(begin).astimezone(UTC), []
    while now < at(end):
        now += timedelta(minutes=1)
        moment = schedules.last_moment({"cron": cron, **more}, BUSINESS, since, now)
        if moment is not None:
            found.append(moment.astimezone(CHICAGO).isoformat())
        since = now
    return found


def test_mondays_at_nine_winter_and_summer() -> None:
    assert moments("0 9 * * 1", "2027-03-07", "2027-03-16") == [
        "2027-03-08T09:00:00-06:00",
        "2027-03-15T09:00:00-05:00",
    ]


def test_an_hour_that_is_skipped_and_one_that_is_shown_twice_count_once() -> None:
    assert len(moments("30 2 * * *", "2027-03-14", "2027-03-15")) == 1
    assert len(moments("30 1 * * *", "2026-11-01", "2026-11-02")) == 1


def test_of_missed_moments_the_last_one_counts() -> None:
    config = {"cron": "0 9 * * 1"}
    found = schedules.last_moment(config, BUSINESS, at("2027-03-01"), at("2027-04-01"))
    assert found == at("2027-03-29T09:00")
    assert schedules.last_moment(config, BUSINESS, at("2027-03-29T09:00"), at("2027-04-01")) is None


def test_only_while_the_season_is_on_offer() -> None:
    assert moments("0 9 * * 1", "2027-02-07", "2027-02-23", season="lawn") == [
        "2027-02-15T09:00:00-06:00",
        "2027-02-22T09:00:00-06:00",
    ]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"cron": "0 9 * * 9"}, "check_config.cron: Bad day-of-week"),
        ({}, "check_config.cron"),
        ({"cron": "0 9 * * 1", "season": "mud"}, "has no season 'mud'; it has: lawn, snow"),
        ({"cron": "0 9 * * 1", "every": "day"}, "check_config.every: is not known"),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, str], said: str) -> None:
    with pytest.raises(SopInvalid, match=said):
        schedules.check(config, where="watchers.yaml: watcher 'x'", seasons={"lawn", "snow"})


def test_a_schedule_starts_each_occasion_once(office: Company, tmp_path: Path) -> None:
    no_customers(office)

    def started() -> int:
        found = rows(office, "select count(*) as n from tasks t join sops s on s.id = t.sop_id"
                             " where s.slug = 'invoice_follow_up'")  # fmt: skip
        return found[0]["n"]

    look(office)
    before = started()
    office.pass_time(days=3)
    look(office)
    look(office)
    assert started() == before + 1, "missed moments run once"
    office.pass_time(days=4)
    look(office)
    assert started() == before + 2
    with office.runtime.database.statement("forget") as conn:
        conn.execute("update watchers set cursor = null")
    look(office)
    assert started() == before + 2, "the cursor only saves work"


def test_where_schedules_rest_nothing_starts_by_itself(office: Company) -> None:
    """What the demo does, until somebody types /sop run."""
    no_customers(office)
    with office.runtime.database.transaction("rest") as conn:
        watchers.rest_schedules(conn)
    office.pass_time(days=8)
    look(office)
    assert rows(office, "select count(*)::int as n from tasks") == [{"n": 0}]
    office.run_sop("past_customer_reactivation", trigger="the test")
    office.settle()
    assert rows(office, "select count(*)::int as n from tasks") == [{"n": 1}]
