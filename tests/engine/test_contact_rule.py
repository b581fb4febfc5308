"""No second offer to one customer within the gap, from one and the same task either."""

from __future__ import annotations

from tests.engine.hands import answer, begin, rerun
from tests.engine.test_effects import SEND
from tests.engine.test_holding import MARKETING
from tests.world import Company

ONLY = SEND.partition("- key: tell")[0]


def test_one_task_makes_no_second_offer_either(office: Company) -> None:
    """Each of its mails was approved by a person, and still it is two to one customer."""
    task = begin(office, ONLY + ONLY.replace("key: send", "key: again"), MARKETING)
    assert (task.status, task.error) == ("escalated", "refused:contacted_recently")
    assert len(office.outbox) == 1
    office.pass_time(days=15)
    answer(office, task, "retry")
    assert office.see(task).status == "completed", "with the gap over it may"
    assert len(office.outbox) == 2


def test_an_offer_that_went_out_is_not_made_again_by_running_its_step_again(
    office: Company,
) -> None:
    task = begin(office, ONLY, MARKETING)
    rerun(office, task, "send")
    office.settle()
    assert office.see(task).error == "refused:contacted_recently"
    assert len(office.outbox) == 1


def test_an_offer_that_never_left_does_not_stand_in_its_own_way(office: Company) -> None:
    """Run again by a person after a refusal, and by itself after the vendor's "later"."""
    office.order("ses", "answer", status=400, times=1)
    task = begin(office, ONLY, MARKETING)
    assert (task.status, len(office.outbox)) == ("escalated", 0)
    office.order("ses", "answer", status=429, times=1, headers={"Retry-After": "5"})
    answer(office, task, "retry")
    for _ in range(3):
        office.pass_time(minutes=1)
    assert office.see(task).status == "completed"
    assert len(office.outbox) == 1
