"""The outlook's page: the same as the evening's card, and the first who strikes out wins."""

from __future__ import annotations

import pytest

from engine import outlooks
from engine.tasks import Task
from tests.engine.hands import begin, cancel, rows, set_clock
from tests.engine.test_outlooks import FRIDAY, LATER
from tests.web.browsing import Browser
from tests.world import Company


@pytest.fixture(autouse=True)
def _friday(office: Company) -> None:
    set_clock(office, FRIDAY)
    with office.runtime.database.statement("no_schedules") as conn:
        conn.execute("update watchers set status = 'paused' where check_type = 'schedule'")


def waiting(office: Company, name: str, slug: str) -> Task:
    return begin(office, LATER, {"customer_name": name}, slug=slug)


def test_it_lists_what_comes_and_strikes_it_out(
    office: Company, owner: Browser, partner: Browser
) -> None:
    anna = waiting(office, "Anna Berg", "one")
    bert = waiting(office, "Bert Dahl", "two")
    office.pass_time(hours=8.1)
    outlooks.tell_due(office.runtime)
    office.settle()
    owner.get("/inbox")
    assert 'href="/outlook"' in owner.page
    owner.get("/outlook")
    said = owner.reads()
    assert "2 to come" in said
    assert "tomorrow 12:00 · Anna Berg" in said
    stale = owner.page
    owner.follow(owner.send(button="Strike out"))
    office.settle()
    assert office.see(anna).status == "cancelled"
    assert f"Task {anna.number} is struck out: nothing of it goes out." in owner.reads()
    assert "<s>Anna Berg</s>" in owner.page
    assert "1 to come" in owner.reads()
    [card] = [m for m in office.messages("#ops-log") if m.get("username") == "Outlook"]
    assert "struck out" in str(card["blocks"])
    assert str(card["blocks"]).count("outlook:") == 1

    # The other owner was first: a page that still shows the button says so.
    partner.get("/outlook")
    partner.follow(partner.send(button="Strike out"))
    assert office.see(bert).status == "cancelled"
    owner.page = stale
    owner.follow(owner.post(f"/outlook/{bert.number}/strike"))
    assert f"Task {bert.number} is cancelled; there is nothing to cancel." in owner.reads()
    assert "is struck out: nothing" not in owner.reads()
    [row] = rows(office, "select count(*)::int as n from task_events where task_id = %s"
                         " and event_type = 'task_cancelled'", bert.id)  # fmt: skip
    assert row["n"] == 1


def test_what_was_struck_out_before_the_evening_stays_to_be_seen(
    office: Company, owner: Browser, partner: Browser
) -> None:
    anna = waiting(office, "Anna Berg", "one")
    partner.get("/outlook")
    assert f"task {anna.number}" in partner.page, "tomorrow at noon"
    partner.follow(partner.send(button="Strike out"))
    office.pass_time(hours=1)
    owner.get("/outlook")
    assert "<s>Anna Berg</s>" in owner.page
    assert "struck out by Sam, 10:00" in owner.reads()
    office.pass_time(hours=8)
    outlooks.tell_due(office.runtime)
    office.settle()
    assert [m for m in office.messages("#ops-log") if m.get("username") == "Outlook"] == []
    office.pass_time(days=3)
    owner.get("/outlook")
    assert "Anna Berg" not in owner.reads(), "its day is over"


def test_what_was_cancelled_elsewhere_is_not_on_it(office: Company, owner: Browser) -> None:
    anna = waiting(office, "Anna Berg", "one")
    cancel(office, anna)
    owner.get("/outlook")
    assert "Anna Berg" not in owner.reads()


def test_who_may_only_look_strikes_nothing_out(office: Company, viewer: Browser) -> None:
    anna = waiting(office, "Anna Berg", "one")
    viewer.get("/outlook")
    assert "Anna Berg" in viewer.reads()
    assert "Strike out" not in viewer.reads()
    assert viewer.post(f"/outlook/{anna.number}/strike").status_code == 403
    assert office.see(anna).status == "waiting_on_timer"


def test_it_says_where_nothing_is_due(office: Company, owner: Browser) -> None:
    owner.get("/outlook")
    assert "Nothing is due until tomorrow night." in owner.reads()
