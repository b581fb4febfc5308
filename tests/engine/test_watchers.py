"""Checks that are cut short: a worker dies in the middle of one."""

from __future__ import annotations

from typing import Any

import pytest

from engine import watchers
from tests.engine.hands import procedure, rows
from tests.world import Company

TELL = "- {key: tell, name: Tell, type: slack_notify, config: {text: 'It is time.'}}"


class Killed(BaseException):
    """The process ends here."""


def watch(office: Company) -> None:
    """A schedule that is due, among no others."""
    office.import_sop(procedure(TELL, slug="timely"))
    with office.runtime.database.statement("watch") as conn:
        conn.execute("update watchers set status = 'paused'")
        conn.execute(
            "insert into watchers (agent_id, sop_slug, name, check_type, check_config,"
            " interval_seconds, created_at) select id, 'timely', 'new year', 'schedule',"
            """ '{"cron": "0 9 1 1 *"}', 3600, now() - interval '370 days'"""
            " from agents where slug = 'lead_response'"
        )


def later(office: Company, seconds: int) -> int:
    """So much time passes, and then the clock strikes; how many were checked."""
    with office.runtime.database.statement("later") as conn:
        conn.execute(
            "update watchers set next_check_at = next_check_at - make_interval(secs => %s)",
            [seconds],
        )
    return watchers.check_due(office.runtime)


def die_in(monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The next check ends its worker, before or after it has started what is due."""
    check = watchers.CHECKS["schedule"]

    def die(*given: Any) -> None:
        monkeypatch.setitem(watchers.CHECKS, "schedule", check)
        if after:
            check(*given)
        raise Killed

    monkeypatch.setitem(watchers.CHECKS, "schedule", die)


@pytest.mark.parametrize("after", [False, True])
def test_a_check_that_is_cut_short_is_made_again_by_the_next_tick(
    office: Company, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    watch(office)
    die_in(monkeypatch, after=after)
    with pytest.raises(Killed):
        watchers.check_due(office.runtime)
    assert watchers.check_due(office.runtime) == 0, "its worker may be alive, and at it"
    assert later(office, 60) == 1
    office.settle()
    assert [m["text"] for m in office.messages("#leads-incoming")] == ["It is time."]
    assert later(office, 60) == 0, "and then its interval counts again"


def test_who_asks_for_a_check_in_the_middle_of_one_gets_another(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(office)
    check = watchers.CHECKS["schedule"]

    def ask(*given: Any) -> None:
        monkeypatch.setitem(watchers.CHECKS, "schedule", check)
        with office.runtime.database.transaction("ask") as conn:
            watchers.check_now(conn, "new year")
        check(*given)

    monkeypatch.setitem(watchers.CHECKS, "schedule", ask)
    assert watchers.check_due(office.runtime) == 2
    assert watchers.check_due(office.runtime) == 0
    assert rows(office, "select count(*)::int as n from tasks") == [{"n": 1}]
