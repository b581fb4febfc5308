"""What keeps an effect back: a stop, a pause, a cancellation, an opt-out, a rate limit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from engine import agents, executor, halt, suppressions
from engine.errors import TaskClosed
from engine.keyed_hash import contact_hash
from engine.step_run import Run
from tests.engine.hands import OWNER, alarms, begin, cancel, effects_of, procedure, rows, summaries
from tests.engine.test_effects import MAIL, NOTIFY, SEND
from tests.world import Company, company


def stop(office: Company) -> None:
    with office.runtime.database.transaction("halt") as conn:
        assert halt.begin(conn, by=str(OWNER))
        assert not halt.begin(conn, by=str(OWNER))


def go_on(office: Company) -> int | None:
    with office.runtime.database.transaction("lift") as conn:
        return halt.lift(conn, by=str(OWNER))


def test_a_stop_holds_every_effect_and_its_end_lets_them_go(office: Company) -> None:
    stop(office)
    office.import_sop(procedure(SEND))
    tasks = [office.run_sop("small", **MAIL) for _ in range(3)]
    office.settle()
    for task in map(office.see, tasks):
        assert (task.status, task.parked_for, task.wake_at) == ("waiting_on_timer", "halted", None)
    office.pass_time(days=30)
    assert not office.outbox
    assert go_on(office) == 3
    assert go_on(office) is None
    office.settle()
    assert {office.see(task).status for task in tasks} == {"completed"}
    assert len(office.outbox) == 3
    changes = rows(office, "select event_type, actor from task_events where task_id is null"
                           " and event_type like 'effects%%' order by id")  # fmt: skip
    assert changes == [
        {"event_type": "effects_halted", "actor": str(OWNER)},
        {"event_type": "effects_resumed", "actor": str(OWNER)},
    ]


def test_a_stop_that_is_lifted_while_a_task_parks_does_not_forget_it(office: Company) -> None:
    stop(office)
    run = claimed(office)
    outcome = executor.perform(office.runtime, run)
    assert go_on(office) == 0
    executor.record(office.runtime, run, outcome)
    office.settle()
    assert office.see(run.task).status == "completed"
    assert len(office.outbox) == 1


def claimed(office: Company, steps: str = SEND) -> Run:
    office.import_sop(procedure(steps))
    office.run_sop("small", **MAIL)
    run = office.claim()
    assert run is not None
    return run


def pause(office: Company, slug: str = "lead_response") -> None:
    with office.runtime.database.transaction("pause") as conn:
        assert agents.pause(conn, slug, by=str(OWNER))


def resume(office: Company, slug: str = "lead_response") -> None:
    with office.runtime.database.transaction("resume") as conn:
        assert agents.resume(conn, slug, by=str(OWNER))


def test_a_paused_agent_starts_nothing(office: Company) -> None:
    pause(office)
    task = begin(office, SEND, MAIL)
    assert task.status == "pending"
    other = begin(office, NOTIFY, slug="other", agent="billing")
    assert other.status == "completed"
    resume(office)
    office.settle()
    assert office.see(task).status == "completed"


def test_a_pause_holds_the_next_effect_of_what_is_running(office: Company) -> None:
    run = claimed(office)
    pause(office)
    office.carry(run)
    task = office.see(run.task)
    assert (task.status, task.attempt) == ("pending", 0)
    assert summaries(office, task, "task_parked") == ["paused"]
    assert not office.requests("ses")
    assert effects_of(office, task) == []
    resume(office)
    office.settle()
    assert office.see(task).status == "completed"


def test_a_cancelled_task_makes_no_further_call(office: Company) -> None:
    run = claimed(office)
    assert cancel(office, run.task).status == "in_progress"
    office.carry(run)
    task = office.see(run.task)
    assert task.status == "cancelled"
    assert not office.requests("ses")
    assert office.events(task)[-2:] == ["cancel_requested", "task_cancelled"]
    with pytest.raises(TaskClosed):
        cancel(office, task)


def test_a_cancelled_task_ends_also_where_its_worker_died(office: Company) -> None:
    from tests.engine.hands import expire_lease

    run = claimed(office)
    cancel(office, run.task)
    expire_lease(office, run.task)
    office.settle()
    assert office.see(run.task).status == "cancelled"
    assert not office.outbox


def test_a_waiting_task_is_cancelled_at_once(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    done = cancel(office, task)
    assert (done.status, done.wait_token) == ("cancelled", None)
    office.settle()
    [card] = office.messages("#leads-incoming")
    assert "actions" not in [block["type"] for block in card["blocks"]]
    office.pass_time(days=9)
    assert not alarms(office)


@pytest.mark.parametrize("reason", ["unsubscribed", "bounced", "complained", "opted_out"])
def test_nobody_is_written_to_who_said_stop(office: Company, reason: str) -> None:
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.add(conn, contact_hash(office.runtime.settings, "ANNA@example.com "), reason)  # type: ignore[arg-type]
    task = begin(office, SEND, MAIL)
    assert (task.status, task.error) == ("escalated", f"refused:suppressed_{reason}")
    assert not office.requests("ses")


MARKETING = {
    "draft_mail": MAIL["draft_mail"] | {"commercial": True, "unsubscribe_url": "https://x/u"}
}


def test_no_second_marketing_mail_within_the_gap(office: Company) -> None:
    assert begin(office, SEND, MARKETING).status == "completed"
    second = begin(office, SEND, MARKETING, slug="other", agent="marketing")
    assert (second.status, second.error) == ("escalated", "refused:contacted_recently")
    answer_needed = begin(office, SEND, MAIL, slug="reply")
    assert answer_needed.status == "completed", "an answer to a customer is no marketing"
    office.pass_time(days=15)
    third = begin(office, SEND, MARKETING, slug="other", agent="marketing")
    assert third.status == "completed"
    assert len(office.outbox) == 3


FOLLOWED = """
- key: send
  name: Send
  type: api_call
  on_failure: complete
  config: {service: email, operation: send}
- key: follow
  name: Another one
  type: enqueue_next
  config: {sop: NEXT, keys: [draft_mail], after: WAIT}
"""


def chain(office: Company, *waits: str) -> None:
    """Offers that follow each other: p0, then p1 after the first wait, and so on."""
    for n in range(len(waits), -1, -1):
        last = n == len(waits)
        steps = SEND.partition("- key: tell")[0] if last else (
            FOLLOWED.replace("NEXT", f"p{n + 1}").replace("WAIT", waits[n])
        )  # fmt: skip
        office.import_sop(procedure(steps, slug=f"p{n}", agent="marketing"))


def test_a_follow_up_is_one_mail_and_some_days_later(office: Company) -> None:
    chain(office, "5d", "5d")
    office.run_sop("p0", **MARKETING)
    office.settle()
    office.pass_time(days=6)
    assert len(office.outbox) == 2, "the reminder after five days"
    office.pass_time(days=6)
    assert len(office.outbox) == 2, "and no reminder of the reminder"
    office.pass_time(days=15)
    assert begin(office, SEND, MARKETING, slug="later", agent="marketing").status == "completed"


def test_another_offer_is_no_follow_up_because_a_procedure_starts_it(office: Company) -> None:
    chain(office, "1m")
    office.run_sop("p0", **MARKETING)
    office.settle()
    office.pass_time(minutes=5)
    assert len(office.outbox) == 1
    [second] = [t for t in rows(office, "select error from tasks") if t["error"]]
    assert second["error"] == "refused:contacted_recently"


def test_of_two_procedures_in_two_workers_one_yields(office: Company) -> None:
    """Both have the customer's approved mail in hand at the same moment."""
    only = SEND.partition("- key: tell")[0]
    for slug in ("spring", "autumn"):
        office.import_sop(procedure(only, slug=slug, agent="marketing"))
    both = [office.run_sop(slug, **MARKETING) for slug in ("spring", "autumn")]
    runs = [office.claim() for _ in both]
    together = threading.Barrier(2)

    def work(run: Any) -> None:
        together.wait(30)
        office.carry(run)

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ended = {(task.status, task.error) for task in map(office.see, both)}
    assert ended == {("completed", None), ("escalated", "refused:contacted_recently")}
    assert len(office.outbox) == 1
    [later] = [task for task in map(office.see, both) if task.error]
    assert summaries(office, later, "step_failed") == ["refused:contacted_recently"]


def test_the_tally_of_a_campaign_counts_who_was_written_to_lately(office: Company) -> None:
    assert begin(office, SEND, MARKETING).status == "completed"
    only = SEND.partition("- key: tell")[0].replace(
        "type: api_call", "type: api_call\n  on_failure: fail"
    )
    office.import_sop(procedure(only, slug="one", agent="marketing"))
    fan = """
    - key: each
      name: Each
      type: for_each
      config: {items: customer_list, sop: one}
    """
    bert = {"draft_mail": MARKETING["draft_mail"] | {"to": "bert@example.com"}}
    parent = begin(office, fan, {"customer_list": [MARKETING, bert]}, slug="campaign")
    assert parent.status == "completed"
    assert parent.context["tally"]["completed"] == 1
    assert parent.context["tally"]["failed"] == 1


def test_mails_keep_their_distance(database: str, tmp_path: Path) -> None:
    """Four a second: every gap is kept, though the tasks begin together."""
    with company(database, tmp_path, web=False, ses_sends_per_second=4) as office:
        only = SEND.partition("- key: tell")[0]
        begin(office, only, MAIL)  # the first one also pays for the SDK's start
        tasks = [office.run_sop("small", **MAIL) for _ in range(5)]
        for _ in range(8):
            office.settle()
            with office.runtime.database.statement("pass_time") as conn:
                conn.execute("update clock set shift = shift + interval '10 s'")
        assert {office.see(task).status for task in tasks} == {"completed"}
        times = [one["at"] for one in office.requests("ses")]
        assert len(times) == 6
        # One that arrives late on a busy machine is nearer to the next; all of them are not.
        took = times[-1] - times[1]
        assert took > 0.8, "four gaps of a quarter of a second"
        assert took < 4, "and none is waited for much longer than it must be"


def test_a_slot_that_lies_ahead_is_reserved_and_not_asked_for_again(office: Company) -> None:
    office.import_sop(procedure(NOTIFY))
    with office.runtime.database.statement("fill") as conn:
        conn.execute(
            "insert into rate_limits (vendor, key, next_free)"
            " values ('slack', '#leads-incoming', now() + interval '5 s')"
        )
    first, second = office.run_sop("small"), office.run_sop("small")
    for _ in range(2):
        run = office.claim()
        assert run is not None
        office.carry(run)
    first, second = office.see(first), office.see(second)
    assert first.parked_for == second.parked_for == "slot:slack:#leads-incoming"
    assert first.attempt == second.attempt == 0
    assert first.wake_at is not None
    assert second.wake_at is not None
    assert 0.9 < (second.wake_at - first.wake_at).total_seconds() < 1.2
