"""Calls whose answer was lost, and calls that were refused: nothing happens twice unless
a person says so."""

from __future__ import annotations

import pkgutil
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from engine import effects, executor, failures, rulings, tasks
from engine.step_run import Run
from engine.tasks import Task
from tests.engine.hands import (
    alarms,
    answer,
    begin,
    effects_of,
    expire_lease,
    procedure,
    question,
    rerun,
    rows,
    sent,
    summaries,
    vendors_have_answered,
)
from tests.world import Company

NOTIFY = """
- key: notify
  name: Notify
  type: slack_notify
  config: {text: 'The lawn is green.'}
"""
WRITE = """
- key: write
  name: Write
  type: api_call
  config:
    service: crm
    operation: upsert_lead
    fields: {name: '{{customer_name}}', email: '{{customer_email}}'}
"""
SEND = """
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'The mail is out.'}
"""
ANNA = {"customer_name": "Anna Berg", "customer_email": "anna@example.com"}
MAIL = {
    "draft_mail": {
        "to": "anna@example.com", "to_name": "Anna Berg", "subject": "Hello", "text": "Hi Anna",
    }
}  # fmt: skip


def posts(office: Company) -> list[dict[str, Any]]:
    return sent(office, "slack", path="chat.postMessage")


# -- found again ------------------------------------------------------------------------


def test_a_post_whose_answer_was_lost_is_found_and_not_made_again(office: Company) -> None:
    office.order("slack", "drop_after", path="chat.postMessage")
    task = begin(office, NOTIFY)
    assert (task.status, task.parked_for) == ("waiting_on_timer", "settling:slack")
    office.pass_time(seconds=20)
    assert office.see(task).status == "completed"
    assert len(posts(office)) == len(office.messages("#leads-incoming")) == 1
    assert effects_of(office, task) == [("notify", "done", 1)]
    assert "effect_settled" in office.events(task)
    assert office.see(task).attempt == 0


def test_a_post_that_never_arrived_is_made_once_more_when_that_is_certain(office: Company) -> None:
    office.order("slack", "drop_before", path="chat.postMessage")
    task = begin(office, NOTIFY)
    for _ in range(3):
        office.pass_time(minutes=1)
    assert len(posts(office)) == 1, "Slack may still be at it"
    vendors_have_answered(office)
    assert office.see(task).status == "completed"
    assert (len(posts(office)), len(office.messages("#leads-incoming"))) == (2, 1)
    assert effects_of(office, task) == [("notify", "done", 2)]


def test_a_crm_write_whose_answer_was_lost_is_found_by_its_key(office: Company) -> None:
    office.order("crm", "drop_after", path="/customers")
    task = begin(office, WRITE, ANNA)
    office.pass_time(seconds=30)
    done = office.see(task)
    assert done.status == "completed"
    assert len(sent(office, "crm")) == 1
    assert done.subject == office.local.all("crm_customer")[-1]["id"]


def test_a_crm_write_that_never_arrived_is_made_once_more(office: Company) -> None:
    office.order("crm", "drop_before", path="/customers")
    task = begin(office, WRITE, ANNA)
    office.pass_time(minutes=1)
    assert len(sent(office, "crm")) == 1
    vendors_have_answered(office)
    assert office.see(task).status == "completed"
    assert len(sent(office, "crm")) == 2
    assert sum(one["email"] == "anna@example.com" for one in office.local.all("crm_customer")) == 1


def test_what_never_arrives_ends_at_a_person(office: Company) -> None:
    """The vendor can be asked, and swallows every write: somebody must hear of it."""
    office.order("crm", "drop_before", path="/customers", times=50)
    task = begin(office, WRITE, ANNA)
    for _ in range(12):
        vendors_have_answered(office)
    assert office.see(task).status == "escalated"
    assert 2 <= len(sent(office, "crm")) <= 6


def test_a_post_made_before_the_thread_opened_is_found_outside_it(office: Company) -> None:
    """Slack falters: the task's card is posted between the call and the look-up."""
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', choices: {ok: {label: OK}}}
"""
    refused = '{"ok": false, "error": "channel_not_found"}'
    office.order("slack", "answer", path="chat.postMessage", status=200, body=refused, times=2)
    task = begin(office, ask + NOTIFY)
    office.local.clear_faults()
    answer(office, task, "ok", settle=False)
    office.order("slack", "drop_after", path="chat.postMessage")
    run = office.claim()
    assert run is not None
    office.carry(run)
    assert office.see(task).parked_for == "settling:slack"
    with office.runtime.database.statement("patience") as conn:
        conn.execute("update cards set next_try_at = now()")
    office.settle()
    assert office.see(task).slack_thread_ts is not None
    vendors_have_answered(office)
    assert office.see(task).status == "completed"
    assert sum("lawn is green" in str(m) for m in office.messages("#leads-incoming")) == 1


# -- a mail in doubt ----------------------------------------------------------------------


def in_doubt(office: Company, kind: str = "drop_after", **more: Any) -> Task:
    office.order("ses", kind)
    task = begin(office, SEND, MAIL, **more)
    assert task.parked_for == "settling:mail"
    vendors_have_answered(office)
    task = office.see(task)
    assert task.status == "waiting_on_human"
    asked = question(office, task)
    assert (asked["kind"], asked["channel"]) == ("in_doubt", "#escalations")
    assert [option["value"] for option in asked["options"]] == ["sent", "send", "drop"]
    assert any("may or may not have gone out" in str(m) for m in office.messages("#escalations"))
    assert len(sent(office, "ses")) == 1
    return task


@pytest.mark.parametrize(
    ("ruling", "requests", "status"), [("sent", 1, "completed"), ("send", 2, "completed")]
)
def test_a_person_rules_on_a_mail_in_doubt(
    office: Company, ruling: str, requests: int, status: str
) -> None:
    task = in_doubt(office)
    assert answer(office, task, ruling).status == status
    assert len(sent(office, "ses")) == requests
    assert any("The mail is out." in m["text"] for m in office.messages("#leads-incoming"))


def test_a_mail_in_doubt_that_is_dropped_counts_as_not_sent(office: Company) -> None:
    task = in_doubt(office, "drop_before")
    task = answer(office, task, "drop")
    assert (task.status, task.error) == ("escalated", "refused:dropped")
    assert not office.outbox
    assert not office.messages("#leads-incoming")
    done = answer(office, task, "skip")
    assert done.status == "completed"
    assert len(sent(office, "ses")) == 1


def test_a_mail_in_doubt_follows_the_branch_when_dropped(office: Company) -> None:
    office.order("ses", "drop_before")
    task = begin(office, SEND.replace("type: api_call", "type: api_call\n  on_failure: fail"), MAIL)
    vendors_have_answered(office)
    assert answer(office, task, "drop").status == "failed"


def test_a_ruling_that_nobody_gives_does_not_ask_for_ever(office: Company) -> None:
    """Reminder, then expired: the task follows on_failure, and nothing is sent."""
    task = in_doubt(office)
    for _ in range(20):
        office.pass_time(days=2)
    task = office.see(task)
    assert task.status == "escalated"
    assert office.events(task).count("human_asked") == 2
    assert len(sent(office, "ses")) == 1


def test_trying_again_after_a_doubt_that_expired_asks_about_the_doubt_first(
    office: Company,
) -> None:
    task = in_doubt(office)
    office.pass_time(days=6)
    office.pass_time(days=6)
    assert office.see(task).status == "escalated"
    task = answer(office, task, "retry")
    assert len(sent(office, "ses")) == 1, "nobody has ruled that it may be sent twice"
    assert question(office, task)["kind"] == "in_doubt"
    assert answer(office, task, "sent").status == "completed"
    assert len(sent(office, "ses")) == 1


def test_the_vendors_own_event_settles_a_mail(office: Company) -> None:
    office.order("ses", "drop_after")
    task = begin(office, SEND, MAIL)
    [row] = rows(office, "select key from effects where vendor = 'mail'")
    with office.runtime.database.transaction("event") as conn:
        assert rulings.confirm_sent(conn, row["key"], {"message_id": "m-1"})
        assert not rulings.confirm_sent(conn, row["key"], {"message_id": "m-1"})
    vendors_have_answered(office)
    assert office.see(task).status == "completed"
    assert len(sent(office, "ses")) == 1


def test_a_worker_that_dies_in_the_call_leaves_it_in_doubt(office: Company) -> None:
    """The mail went out, and nobody was left to write that down."""
    office.import_sop(procedure(SEND))
    task = office.run_sop("small", **MAIL)
    run = office.claim()
    assert run is not None
    mailer = office.runtime.mailer
    object.__setattr__(office.runtime, "mailer", _Dying(mailer))
    with pytest.raises(_Killed):
        office.carry(run)
    object.__setattr__(office.runtime, "mailer", mailer)
    expire_lease(office, task)
    office.settle()
    vendors_have_answered(office)
    assert question(office, task)["kind"] == "in_doubt"
    assert len(sent(office, "ses")) == 1


class _Killed(BaseException):
    pass


class _Dying:
    def __init__(self, mailer: Any) -> None:
        self._mailer = mailer

    def prepare(self, timeout: float) -> None:
        self._mailer.prepare(timeout)

    def send(self, *given: Any, **more: Any) -> str:
        self._mailer.send(*given, **more)
        raise _Killed


# -- refused --------------------------------------------------------------------------------


def test_a_key_the_crm_does_not_accept_is_told_and_not_retried(office: Company) -> None:
    office.order("crm", "answer", status=401, times=1)
    task = begin(office, WRITE, ANNA)
    assert (task.status, task.error) == ("escalated", "unauthorised:http_401")
    office.pass_time(days=1)
    assert len(sent(office, "crm")) == 1
    [told] = [text for text in alarms(office) if "CRM" in text]
    assert "credential" in told

    task = answer(office, task, "retry")
    assert task.status == "completed"
    first, second = sent(office, "crm")
    assert first["headers"]["Idempotency-Key"] != second["headers"]["Idempotency-Key"]
    assert effects_of(office, task) == [("upsert_lead", "refused", 1), ("upsert_lead", "done", 1)]


def test_what_slack_refuses_is_not_tried_again(office: Company) -> None:
    task = begin(office, NOTIFY.replace("}", ", channel: '#nowhere'}"))
    assert (task.status, task.error) == ("escalated", "refused:channel_not_found")
    assert len(posts(office)) == 2, "the post, and the card that tells of it"
    assert answer(office, task, "fail").status == "failed"


def test_a_card_that_slack_refused_is_shown_once_slack_takes_it(office: Company) -> None:
    body = '{"ok": false, "error": "channel_not_found"}'
    office.order("slack", "answer", path="chat.postMessage", status=200, body=body)
    ask = NOTIFY.replace("slack_notify", "slack_ask_human").replace(
        "text: 'The lawn is green.'", "title: 'Green?', choices: {ok: {label: OK}}"
    )
    task = begin(office, ask)
    assert task.status == "waiting_on_human"
    with office.runtime.database.statement("patience") as conn:
        conn.execute("update cards set next_try_at = now()")
    office.settle()
    assert any("Green?" in str(m) for m in office.messages("#leads-incoming"))


def test_a_404_takes_the_branch(office: Company) -> None:
    steps = """
- key: look_up
  name: Look up
  type: query
  config: {operation: get_customer, id: 'C-nobody', absent: tell}
- key: found
  name: Found
  type: query
  on_success: complete
  config: {cases: [{when: 'true', goto: complete}]}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: Nobody is there.}
"""
    task = begin(office, steps)
    assert (task.status, task.context["customer_found"]) == ("completed", False)
    assert len(office.messages("#leads-incoming")) == 1


def test_an_agent_without_the_right_makes_no_call(office: Company) -> None:
    with office.runtime.database.statement("strip") as conn:
        conn.execute('update agents set capabilities = \'{"services": ["slack:post"]}\'')
    task = begin(office, WRITE, ANNA)
    assert task.status == "escalated"
    assert "crm:write" in (task.error or "")
    assert not office.requests("crm")
    assert effects_of(office, task) == []


# -- who may call -----------------------------------------------------------------------------


def claimed(office: Company, steps: str, context: dict[str, Any]) -> Run:
    office.import_sop(procedure(steps))
    office.run_sop("small", **context)
    run = office.claim()
    assert run is not None
    return run


def test_a_run_that_was_taken_over_writes_nothing(office: Company) -> None:
    late = claimed(office, SEND, MAIL)
    expire_lease(office, late.task)
    now = office.claim()
    assert now is not None
    office.carry(now)
    before = office.timeline(late.task)

    office.carry(late)
    assert office.timeline(late.task) == before
    assert len(office.outbox) == 1


def test_a_lease_that_ran_out_keeps_the_mail_back(office: Company) -> None:
    run = claimed(office, SEND, MAIL)
    run.lease_until -= 60
    office.carry(run)
    assert not office.requests("ses")
    expire_lease(office, run.task)
    office.settle()
    assert len(office.outbox) == 1


@pytest.mark.parametrize(
    ("steps", "context", "slow", "vendor"),
    [
        (SEND, MAIL, "engine.mail.ses_clients.Clients._make", "ses"),
        (NOTIFY, {}, "engine.slack.web_api.ssl.create_default_context", "slack"),
    ],
)
def test_nothing_slow_lies_between_the_lease_and_the_call(
    office: Company,
    monkeypatch: pytest.MonkeyPatch,
    steps: str,
    context: dict[str, Any],
    slow: str,
    vendor: str,
) -> None:
    """A process's first call imports the vendor's SDK: time enough to lose the lease, so it
    comes before the last look at that."""
    run = claimed(office, steps, context)
    calm = pkgutil.resolve_name(slow)

    def lose_the_lease(*given: Any) -> Any:
        run.lease_until -= 60
        return calm(*given)

    monkeypatch.setattr(slow, lose_the_lease)
    office.carry(run)
    monkeypatch.undo()
    assert not office.requests(vendor)
    assert effects_of(office, run.task) == []


def test_a_lease_that_runs_out_between_intent_and_call_leaves_no_doubt(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed(office, SEND, MAIL)

    def freeze(_: float) -> None:
        run.lease_until -= 60

    # The module's own name for it: `time.sleep` itself belongs to every thread there is.
    monkeypatch.setattr(effects, "time", SimpleNamespace(sleep=freeze))
    office.carry(run)
    monkeypatch.undo()
    assert not office.requests("ses")
    expire_lease(office, run.task)
    office.settle()
    assert len(office.outbox) == 1
    assert effects_of(office, run.task)[0] == ("send", "done", 2)


def test_a_rerun_by_a_person_sends_again(office: Company) -> None:
    task = begin(office, SEND, MAIL)
    assert (task.status, len(office.outbox)) == ("completed", 1)
    rerun(office, task, "send")
    office.settle()
    assert len(office.outbox) == 2
    assert effects_of(office, task)[0] != effects_of(office, task)[1] or len(office.outbox) == 2


def test_a_retry_by_the_engine_is_the_same_effect(office: Company) -> None:
    """The call went through, the record of the step did not."""
    run = claimed(office, SEND, MAIL)
    outcome = executor.perform(office.runtime, run)
    expire_lease(office, run.task)
    office.settle()
    assert office.see(run.task).status == "completed"
    assert len(office.outbox) == 1
    office.carry(run)
    assert outcome is not None


def test_backoff_doubles_with_jitter() -> None:
    for attempt, middle in ((1, 2), (2, 4), (3, 8), (20, 900)):
        found = {round(failures.backoff(attempt) / middle, 3) for _ in range(200)}
        assert min(found) >= 0.75
        assert max(found) <= 1.25
        assert len(found) > 20
    assert failures.later(tasks.datetime(2026, 1, 1), 1.5) == tasks.datetime(
        2026, 1, 1
    ) + timedelta(seconds=1.5)


def test_an_effects_summary_holds_ids_only(office: Company) -> None:
    task = begin(office, WRITE, ANNA)
    [summary] = summaries(office, task, "effect_done")
    assert summary == f"id={task.subject}"
