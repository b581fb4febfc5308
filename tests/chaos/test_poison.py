"""A step that ends every worker which takes it up: after three of them in a row it is given
up, and the workers go on with the rest. One or two deaths are nobody's fault."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from engine.failpoints import KILLED
from tests.chaos import accounts
from tests.chaos.matrix import Theatre
from tests.chaos.stage import Stage
from tests.chaos.stories import allow_http
from tests.engine.hands import procedure

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0
# Where a program that is killed for its memory, or by a fault of a library, would end.
IN_A_READ = "call:crm:read:before"
READ = "- {key: read, name: Read, type: query, config: {operation: find_customer, email: 'a@b.c'}}"
BRANCHING = """
- {key: read, name: Read, type: query, on_failure: tell, on_success: complete,
   config: {operation: find_customer, email: 'a@b.c'}}
- {key: tell, name: Tell, type: slack_notify, config: {text: 'It could not be read.'}}
"""
CALL = """
- {key: call, name: Call, type: api_call, on_failure: fail,
   config: {service: http, operation: request, url: '%s/http/poison'}}
"""
SORT = """
- {key: sort, name: Sort, type: llm_classify, tier: 1,
   config: {prompt: Say what it is., labels: {good: it is good, bad: it is bad}}}
"""
HARMLESS = "- {key: tell, name: Tell, type: slack_notify, config: {text: 'No harm was done.'}}"
RESCUES = "select count(*)::int from task_events where event_type = 'task_rescued'"
EVENTS = "select event_type, output_summary from task_events where task_id = %s order by seq"


@pytest.fixture
def place(theatre: Theatre) -> Iterator[Stage]:
    with theatre.empty_stage() as here:
        yield here


def deaths_until(place: Stage, look: str, *places: str) -> int:
    """Start a worker after each one's death, as a platform does: the first dies at the first
    of `places`, and so on, the last of them for every further one. Returns how many died by
    the time that `look` was true."""
    targets = chain(places, repeat(places[-1]))
    worker = place.worker(ENGINE_FAILPOINT=next(targets))
    died = 0

    def tend() -> bool:
        nonlocal worker, died
        if worker.ended.is_set():
            assert worker.code == KILLED, place.standing()
            died += 1
            worker = place.worker(ENGINE_FAILPOINT=next(targets))
        return bool(place.value(look))

    place.until(tend, seconds=PATIENCE_SECONDS, what=look)
    return died


def events(place: Stage, task: Any) -> list[tuple[str, str | None]]:
    return [(row["event_type"], row["output_summary"]) for row in place.rows(EVENTS, task.id)]


def test_a_step_that_ends_every_worker_is_given_up_and_the_others_go_on(place: Stage) -> None:
    place.import_sop(procedure(READ, slug="poison"))
    place.import_sop(procedure(HARMLESS, slug="harmless"))
    task = place.run_sop("poison")
    escalated = "select exists (select from tasks where status = 'escalated')"
    assert deaths_until(place, escalated, IN_A_READ) == 3
    place.run_sop("harmless")
    completed = "select exists (select from tasks where status = 'completed')"
    place.until(lambda: place.value(completed), seconds=20, what="the task that does no harm")
    assert not place.children[-1].ended.is_set(), "the fourth worker lives"
    assert place.value(RESCUES) == 3
    names = [name for name, _ in events(place, task)]
    given_up = ["step_failed", "task_escalated", "human_asked"]
    # What comes then is the card's posting.
    assert names[:7] == ["task_started", *["task_rescued"] * 3, *given_up]
    assert ("step_failed", "worker_lost: 3 times in a row") in events(place, task)
    [row] = place.until(
        lambda: [row for row in place.open_questions() if row["ts"]], seconds=10, what="the card"
    )
    assert row["question"]["title"] == "The step “Read” failed"
    assert place.value("select sum(running_tasks)::int from agents") == 0
    # Who has it tried again grants it three more.
    place.children[-1].kill()
    place.answer(row["question"], "retry")
    assert deaths_until(place, escalated, IN_A_READ) == 3
    assert not list(accounts.books(place))


def test_its_branch_is_taken_and_the_alarm_names_the_step(place: Stage) -> None:
    place.import_sop(procedure(BRANCHING, slug="poison"))
    place.run_sop("poison")
    completed = "select exists (select from tasks where status = 'completed')"
    assert deaths_until(place, completed, IN_A_READ) == 3
    place.until(place.at_rest, seconds=20, what="rest")
    told = [post["text"] for post in accounts.posts(place.local)]
    assert sum("It could not be read." in text for text in told) == 1
    [alarm] = [text for text in told if "Poison: the step “Read” failed" in text]
    assert "worker_lost" in alarm
    assert not list(accounts.books(place))


def test_a_call_in_flight_is_put_to_a_person_and_never_made_again(place: Stage) -> None:
    allow_http(place)
    place.import_sop(procedure(CALL % place.local_url, slug="poison"))
    task = place.run_sop("poison")
    asked = "select exists (select from tasks where status = 'waiting_on_human')"
    # The first dies when the call has arrived, the others when they look into it.
    looking = "commit:conclude:http:in_doubt:before"
    # One more, where the other system may still have been at it at the third one.
    assert deaths_until(place, asked, "call:http:request:after", looking) in (3, 4)
    [row] = place.open_questions()
    assert "may or may not have gone out" in row["question"]["title"]
    [said] = [what for name, what in events(place, task) if name == "step_failed"]
    assert (said or "").startswith("worker_lost: ")
    place.answer(row["question"], place.truth(row["question"]["effect_key"]))
    place.until(lambda: "task_completed" in dict(events(place, task)), seconds=20, what="its end")
    assert len(place.local.all("http_call")) == 1
    place.until(place.at_rest, seconds=20, what="rest")
    assert not list(accounts.books(place))
    told = [post["text"] for post in accounts.posts(place.local)]
    assert any("Poison: the step “Call” failed" in text for text in told)


def test_a_worker_that_is_told_to_stop_has_not_died(place: Stage) -> None:
    """As by four deploys within one slow step."""
    place.import_sop(procedure(READ, slug="slow"))
    place.order("crm", "slow", seconds=6, times=4)
    task = place.run_sop("slow")
    reading = "select count(*) > %s from task_events where event_type = 'task_rescued'"
    for stops in range(4):
        worker = place.worker(SHUTDOWN_SECONDS="0.5", CRM_TIMEOUT_SECONDS="15")
        place.until(
            lambda n=stops: len(place.local.requests("crm")) > n, seconds=20, what="the read"
        )
        worker.signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    place.worker()
    place.until(lambda: place.value(reading, 3), seconds=20, what="the last rescue")
    completed = "select exists (select from tasks where status = 'completed')"
    place.until(lambda: place.value(completed), seconds=20, what="its end")
    names = [name for name, _ in events(place, task)]
    assert names == ["task_started", *["task_rescued"] * 4, "step_completed", "task_completed"]


def test_two_deaths_in_a_row_are_nobodys_fault(place: Stage) -> None:
    """As by a deploy or an outage: each of two steps is interrupted twice, and is done."""
    steps = [READ.replace("read, name: Read", f"{key}, name: Read") for key in ("one", "two")]
    place.import_sop(procedure("\n".join(steps), slug="unlucky"))
    task = place.run_sop("unlucky")
    completed = "select exists (select from tasks where status = 'completed')"
    # The third worker does the first step, and dies in the second one.
    died = deaths_until(place, completed, IN_A_READ, IN_A_READ, f"{IN_A_READ}#2", IN_A_READ, "")
    assert died == 4
    names = [name for name, _ in events(place, task)]
    twice = ["task_rescued", "task_rescued", "step_completed"]
    assert names == ["task_started", *twice, *twice, "task_completed"]


def test_who_was_only_there_is_not_blamed(place: Stage) -> None:
    """Slow steps, that are in flight whenever the one step ends their worker."""
    place.import_sop(procedure(READ, slug="slow"))
    place.import_sop(procedure(SORT, slug="poison"))
    place.change("update agents set max_concurrent_tasks = null")
    place.order("crm", "slow", seconds=1.5, times=1000)
    slow = [place.run_sop("slow") for _ in range(4)]
    poison = place.run_sop("poison", email_text="A good garden.")
    over = (
        "select exists (select from tasks where status = 'escalated')"
        " and 4 = (select count(*) from tasks where status = 'completed')"
    )
    place.environment["WORKER_CONCURRENCY"] = "6"
    assert deaths_until(place, over, "call:claude:reply:before") == 3
    rescued = [sum(name == "task_rescued" for name, _ in events(place, task)) for task in slow]
    assert max(rescued) == 2, "in flight at the first two deaths, and not at the third"
    assert place.value("select status from tasks where id = %s", poison.id) == "escalated"
    # The question's card is still under way to Slack just then.
    place.until(lambda: not list(accounts.books(place)), seconds=20, what="right books")
