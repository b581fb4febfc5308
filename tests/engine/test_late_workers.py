"""A worker that is frozen between the intent of a mail and the call, and wakes up while a
person is asked about it: what it knows closes the question, and what a person says holds."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from engine import effects, executor, failures
from engine.errors import AlreadyAnswered
from engine.step_run import Run
from engine.tasks import Task
from tests.engine.hands import (
    answer,
    effects_of,
    expire_lease,
    question,
    token,
    vendors_have_answered,
)
from tests.engine.test_effects import MAIL, SEND, claimed
from tests.world import Company

Meanwhile = Callable[[Task], None]


def frozen(office: Company, monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> Run:
    """The worker has announced the mail, and sleeps for longer than its lease: others do
    `meanwhile`, and then it wakes up."""
    run = claimed(office, SEND, MAIL)

    def freeze(_: float) -> None:
        monkeypatch.undo()
        run.lease_until -= 60
        expire_lease(office, run.task)
        meanwhile(run.task)

    monkeypatch.setattr(effects, "time", SimpleNamespace(sleep=freeze))
    office.carry(run)
    return run


def has_asked(office: Company, task: Task) -> None:
    office.settle()
    vendors_have_answered(office)
    assert question(office, task)["kind"] == "in_doubt"


def test_who_knows_that_it_was_never_called_closes_the_question(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def meanwhile(task: Task) -> None:
        has_asked(office, task)
        asked.append(token(office, task))

    task = frozen(office, monkeypatch, meanwhile).task
    assert question(office, task)["answer"]["by"]["name"] == "The engine"
    with pytest.raises(AlreadyAnswered):
        answer(office, task, "drop")
    office.settle()
    assert office.see(task).status == "completed"
    assert len(office.outbox) == 1
    [card] = [m for m in office.messages("#escalations") if "may or may not" in str(m)]
    assert "button" not in str(card["blocks"])


def test_who_sends_it_late_closes_the_question(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was frozen in the call itself: what the vendor said is known after all."""
    run = claimed(office, SEND, MAIL)
    mailer = office.runtime.mailer

    class Slow:
        prepare = mailer.prepare

        def send(self, *given: object, **more: object) -> str:
            object.__setattr__(office.runtime, "mailer", mailer)
            message_id = mailer.send(*given, **more)  # type: ignore[arg-type]
            expire_lease(office, run.task)
            has_asked(office, run.task)
            return message_id

    object.__setattr__(office.runtime, "mailer", Slow())
    office.carry(run)
    assert question(office, run.task)["answer"]["choice"] == "sent"
    office.settle()
    assert office.see(run.task).status == "completed"
    assert len(office.outbox) == 1


@pytest.mark.parametrize(
    ("ruling", "status", "mails", "state"),
    [("drop", "escalated", 0, "refused"), ("sent", "completed", 0, "done"),
     ("send", "completed", 1, "done")],
)  # fmt: skip
def test_a_ruling_holds_where_it_became_known_before_the_question(
    office: Company,
    monkeypatch: pytest.MonkeyPatch,
    ruling: str,
    status: str,
    mails: int,
    state: str,
) -> None:
    """The other worker had found that only a person can tell, and was about to ask."""
    runs: list[tuple[Run, object]] = []

    def meanwhile(_: Task) -> None:
        office.settle()
        vendors_have_answered_but_nobody_looks(office)
        run = office.claim()
        assert run is not None
        runs.append((run, executor.perform(office.runtime, run)))

    task = frozen(office, monkeypatch, meanwhile).task
    assert effects_of(office, task) == [("send", "refused", 1)]
    [(run, outcome)] = runs
    assert isinstance(outcome, failures.Doubtful)
    executor.record(office.runtime, run, outcome)
    assert question(office, task)["kind"] == "in_doubt"
    assert answer(office, task, ruling).status == status
    assert len(office.outbox) == mails
    assert effects_of(office, task)[0][:2] == ("send", state)


def vendors_have_answered_but_nobody_looks(office: Company) -> None:
    with office.runtime.database.statement("ripen") as conn:
        conn.execute("update effects set settle_after = now()")
        conn.execute("update tasks set status = 'pending' where status = 'waiting_on_timer'")
