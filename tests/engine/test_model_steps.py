"""Steps that ask a model: tiers, second tries, the person at the cap, and the bill."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from engine import executor
from engine.errors import AnswerInvalid
from engine.llm import Usage
from tests.engine.hands import (
    OWNER,
    alarms,
    answer,
    begin,
    cancel,
    expire_lease,
    procedure,
    question,
    rerun,
    setting,
    summaries,
)
from tests.world import Company
from web.local.claude import script

CLASSIFY = """
- key: classify
  name: What is it?
  type: llm_classify
  tier: 1
  config:
    prompt: Say what it is.
    labels: {good: it is good, bad: it is bad}
    branches: {bad: tell}
- key: end
  name: End
  type: query
  on_success: complete
  config:
    cases: [{when: "true", goto: complete}]
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'It is bad.'}
"""
TEXT = {"email_text": "Something was written to us."}


def models(office: Company) -> list[str]:
    """Which models were asked, in order."""
    asked = [json.loads(bytes(one["body"])) for one in office.requests("claude")]
    return [one["model"].split("-")[1] for one in asked]


def unsure(office: Company, times: int = 3) -> None:
    script(office.local, object={"category": "good", "confidence": 0.5}, times=times)


def test_who_is_unsure_asks_the_next_tier(office: Company) -> None:
    unsure(office, times=1)
    script(office.local, object={"category": "good", "confidence": 0.9}, model="sonnet")
    task = begin(office, CLASSIFY, TEXT)
    assert (task.status, models(office)) == ("completed", ["haiku", "sonnet"])
    assert summaries(office, task, "step_uncertain") == ["low_confidence"]
    assert not alarms(office)


def test_at_the_cap_a_person_decides_and_no_model_is_asked_again(office: Company) -> None:
    unsure(office)
    task = begin(office, CLASSIFY, TEXT)
    assert (task.status, models(office)) == ("waiting_on_human", ["haiku", "sonnet", "opus"])
    assert question(office, task)["channel"] == "#escalations"
    assert any("dearest model" in text for text in alarms(office))

    with pytest.raises(AnswerInvalid):
        answer(office, task, "ugly")
    done = answer(office, task, "bad")
    assert (done.status, len(models(office))) == ("completed", 3)
    assert done.context["category"] == "bad"
    assert any("It is bad." in m["text"] for m in office.messages("#leads-incoming"))
    [decided] = [
        row for row in office.timeline(task)
        if row["event_type"] == "step_completed" and row["step_key"] == "classify"
    ]  # fmt: skip
    assert decided["confidence"] is None
    assert str(OWNER) in {row["actor"] for row in office.timeline(task)}


def test_a_procedure_may_cap_the_tiers(office: Company) -> None:
    unsure(office)
    task = begin(office, CLASSIFY, TEXT, max_tier=2)
    assert (task.status, models(office)) == ("waiting_on_human", ["haiku", "sonnet"])


def test_uncertainty_may_have_a_branch(office: Company) -> None:
    unsure(office)
    task = begin(office, CLASSIFY.replace("tier: 1", "tier: 1\n  on_uncertain: tell"), TEXT)
    assert (task.status, models(office)) == ("completed", ["haiku"])
    assert "category" not in task.context


def test_an_invalid_reply_is_asked_for_once_more_and_then_goes_up(office: Company) -> None:
    script(office.local, text="I think it is good.", times=1)
    script(office.local, text='{"category": "ugly", "reason": "r", "confidence": 0.9}', times=1)
    script(office.local, object={"category": "good", "confidence": 0.9}, model="sonnet")
    task = begin(office, CLASSIFY, TEXT)
    assert (task.status, models(office)) == ("completed", ["haiku", "haiku", "sonnet"])
    second = json.loads(bytes(office.requests("claude")[1]["body"]))
    assert "not_json" in str(second["messages"])


def test_a_second_try_may_be_good(office: Company) -> None:
    script(office.local, text="no json", times=1)
    script(office.local, object={"category": "good", "confidence": 0.9})
    task = begin(office, CLASSIFY, TEXT)
    assert (task.status, models(office)) == ("completed", ["haiku", "haiku"])


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "slow"])
def test_silence_is_asked_once_more_and_then_goes_up(office: Company, kind: str) -> None:
    office.order("claude", kind, seconds=10.0, times=2)
    script(office.local, object={"category": "good", "confidence": 0.9}, model="sonnet")
    with setting(office, llm_timeout_seconds=2):
        task = begin(office, CLASSIFY, TEXT)
    assert (task.status, models(office)) == ("completed", ["haiku", "haiku", "sonnet"])
    assert task.attempt == 0
    assert len(summaries(office, task, "llm_failed")) == 2


def test_invalid_to_the_top_ends_at_a_person(office: Company) -> None:
    script(office.local, text="no json", times=6)
    task = begin(office, CLASSIFY, TEXT)
    assert task.status == "waiting_on_human"
    assert models(office) == ["haiku"] * 2 + ["sonnet"] * 2 + ["opus"] * 2
    assert answer(office, task, "good").status == "completed"
    assert len(models(office)) == 6


def test_an_overloaded_model_parks_everyone_and_uses_no_retry(office: Company) -> None:
    office.order("claude", "answer", status=529, headers={"Retry-After": "40"})
    office.import_sop(procedure(CLASSIFY))
    first = office.run_sop("small", **TEXT)
    second = office.run_sop("small", **TEXT)
    office.settle()
    assert len(models(office)) == 1, "the second did not even ask"
    for task in (office.see(first), office.see(second)):
        assert (task.status, task.attempt) == ("waiting_on_timer", 0)
        assert task.parked_for == "rate_limited:claude"
        assert task.run_token is None
        assert task.wake_at is not None
        assert 35 < (task.wake_at - task.created_at).total_seconds() < 45
    script(office.local, object={"category": "good", "confidence": 0.9}, times=2)
    office.pass_time(seconds=41)
    assert [office.see(task).status for task in (first, second)] == ["completed"] * 2
    assert len(models(office)) == 3


@pytest.mark.parametrize(("stop", "text"), [("refusal", ""), ("max_tokens", '{"category": "go')])
def test_what_was_refused_or_cut_off_is_paid_for_all_the_same(
    office: Company, stop: str, text: str
) -> None:
    script(office.local, text=text, stop_reason=stop, times=2)
    script(office.local, object={"category": "good", "confidence": 0.9}, model="sonnet")
    task = begin(office, CLASSIFY, TEXT)
    calls = [row for row in office.timeline(task) if row["event_type"] == "llm_called"]
    assert [row["output_summary"].split()[0] for row in calls] == [stop, stop, "end_turn"]
    for row in calls:
        usage = Usage(row["tokens_in"], row["tokens_out"], row["tokens_cached"])
        assert row["tokens_in"] > 100
        assert row["cost_usd"] > 0
        least = office.runtime.tiers.cost_usd(row["tier"], usage)
        # What was written to the cache costs a quarter more, and is counted as input.
        assert least <= row["cost_usd"] <= least * Decimal("1.26")


def test_a_finished_reply_is_not_paid_for_twice(office: Company) -> None:
    script(office.local, object={"category": "good", "confidence": 0.9})
    office.import_sop(procedure(CLASSIFY))
    task = office.run_sop("small", **TEXT)
    run = office.claim()
    assert run is not None
    executor.perform(office.runtime, run)  # and the worker dies before it writes that down
    expire_lease(office, task)
    office.settle()
    assert office.see(task).status == "completed"
    assert len(models(office)) == 1
    assert office.events(task).count("llm_called") == 1
    assert "task_rescued" in office.events(task)


def test_a_retry_after_a_person_said_so_asks_the_model_anew(office: Company) -> None:
    script(office.local, object={"category": "good", "confidence": 0.9}, times=2)
    task = begin(office, CLASSIFY, TEXT)
    rerun(office, task, "classify")
    office.settle()
    assert office.see(task).status == "completed"
    assert len(models(office)) == 2


def test_an_unreachable_model_uses_retries_and_then_a_person_is_asked(office: Company) -> None:
    office.order("claude", "answer", status=500, times=100)
    task = begin(office, CLASSIFY.replace("tier: 1", "tier: 1\n  max_retries: 2"), TEXT)
    waits = []
    for _ in range(2):
        task = office.see(task)
        assert (task.status, task.parked_for) == ("waiting_on_timer", "retry")
        assert task.wake_at is not None
        with office.runtime.database.read() as conn:
            now = conn.execute("select engine_now() as now").fetchone()
        assert now is not None
        waits.append((task.wake_at - now["now"]).total_seconds())
        office.pass_time(seconds=30)
    task = office.see(task)
    assert (task.status, task.error) == ("escalated", "unreachable:http_500")
    assert len(models(office)) == 3
    assert 0.5 < waits[0] < 2.6 < waits[1] < 5.1
    office.local.clear_faults()
    script(office.local, object={"category": "good", "confidence": 0.9})
    assert answer(office, task, "retry").status == "completed"


def test_a_key_that_is_not_accepted_is_told_once_and_not_retried(office: Company) -> None:
    office.order("claude", "answer", status=401, times=2)
    first = begin(office, CLASSIFY, TEXT)
    second = office.run_sop("small", **TEXT)
    office.settle()
    assert [office.see(task).status for task in (first, second)] == ["escalated"] * 2
    assert len(models(office)) == 2
    assert len([text for text in alarms(office) if "credential" in text]) == 1


def test_an_agent_without_the_right_asks_no_model(office: Company) -> None:
    with office.runtime.database.statement("strip") as conn:
        conn.execute('update agents set capabilities = \'{"services": ["llm:tier2"]}\'')
    task = begin(office, CLASSIFY, TEXT)
    assert task.status == "escalated"
    assert "llm:tier1" in (task.error or "")
    assert not models(office)


def test_a_cancelled_task_asks_no_bigger_model(office: Company) -> None:
    unsure(office)
    office.import_sop(procedure(CLASSIFY))
    task = office.run_sop("small", **TEXT)
    run = office.claim()
    assert run is not None
    outcome = executor.perform(office.runtime, run)
    cancel(office, task)
    if executor.record(office.runtime, run, outcome):
        office.carry(run)
    office.settle()
    assert office.see(task).status == "cancelled"
    assert models(office) == ["haiku"]


# -- each type's answer by a person ---------------------------------------------------------

DRAFT = """
- key: draft
  name: Draft
  type: llm_draft
  tier: 3
  config: {prompt: Write to them.}
- key: show
  name: Show
  type: slack_notify
  config: {text: '{{draft_subject}} / {{draft_body}}'}
"""


def test_a_persons_text_is_the_drafts_output(office: Company) -> None:
    script(office.local, object={"subject": "S", "body": "Hi Anna, {name}", "confidence": 0.9})
    task = begin(office, DRAFT, {"customer_name": "Anna Berg"})
    assert summaries(office, task, "step_uncertain") == ["placeholder_left"]
    fields = {f["key"]: f["value"] for f in question(office, task)["fields"]}
    assert fields == {"draft_subject": "S", "draft_body": "Hi Anna, {name}"}
    done = answer(office, task, "use", draft_subject="Hello", draft_body="Hi Anna, {{x}} and so on")
    assert done.status == "completed"
    [post] = office.messages("#leads-incoming")
    assert "Hello / Hi Anna, {{x}} and so on" in post["text"]
    assert len(models(office)) == 1


def test_a_person_may_want_no_mail(office: Company) -> None:
    script(office.local, object={"subject": "S", "body": "Hi {name}", "confidence": 0.9})
    task = begin(office, DRAFT, {"customer_name": "Anna Berg"})
    assert answer(office, task, "give_up").status == "completed"
    assert not office.messages("#leads-incoming")


def test_a_missing_name_goes_to_a_person_at_once(office: Company) -> None:
    script(office.local, object={"subject": "S", "body": "Hello, thanks.", "confidence": 0.9})
    task = begin(office, DRAFT.replace("tier: 3", "tier: 1"), TEXT)
    assert summaries(office, task, "step_uncertain") == ["recipient_name_missing"]
    assert models(office) == ["haiku"]


DECIDE = """
- key: decide
  name: Which way?
  type: llm_decide
  tier: 3
  config:
    prompt: Decide.
    choices:
      left: {means: go left}
      right: {means: go right, goto: complete}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: Left it is.}
"""


@pytest.mark.parametrize(("choice", "posts"), [("left", 1), ("right", 0)])
def test_a_persons_decision_goes_its_way(office: Company, choice: str, posts: int) -> None:
    script(office.local, object={"decision": "left", "confidence": 0.1})
    task = begin(office, DECIDE, TEXT)
    done = answer(office, task, choice)
    assert (done.status, done.context["decision"]) == ("completed", choice)
    assert len(office.messages("#leads-incoming")) == posts


ANALYZE = """
- key: look
  name: What do they want?
  type: llm_analyze
  tier: 3
  config:
    prompt: Find out.
    spread: true
    findings:
      - {name: service}
      - {name: visits, type: number}
      - {name: urgent, type: yes_no}
      - {name: mood, type: label, labels: [calm, angry]}
      - {name: wishes, type: list}
- key: branch
  name: Urgent?
  type: query
  config:
    cases: [{when: 'draft_findings.urgent and draft_findings.visits == 3', goto: tell}]
  on_success: complete
- key: tell
  name: Tell
  type: slack_notify
  config: {text: 'Urgent: {{draft_findings.wishes[1]}}'}
"""
FOUND = {"service": "mowing", "visits": 2, "urgent": False, "mood": "calm", "wishes": ["edging"]}


def test_a_persons_findings_are_the_analysis(office: Company) -> None:
    script(office.local, object={"findings": FOUND, "confidence": 0.2})
    task = begin(office, ANALYZE, TEXT)
    values = {f["key"]: f["value"] for f in question(office, task)["fields"]}
    assert values["draft_findings_wishes"] == "edging"
    given = {"draft_findings_visits": "3", "draft_findings_urgent": "yes",
             "draft_findings_wishes": "edging, mulch"}  # fmt: skip
    with pytest.raises(AnswerInvalid, match="number"):
        answer(office, task, "supply", **(given | {"draft_findings_visits": "three"}))
    with pytest.raises(AnswerInvalid, match="calm"):
        answer(office, task, "supply", **(given | {"draft_findings_mood": "furious"}))
    done = answer(office, task, "supply", **given)

    assert done.status == "completed"
    assert done.context["draft_findings"] == FOUND | {
        "visits": 3, "urgent": True, "wishes": ["edging", "mulch"],
    }  # fmt: skip
    assert done.context["draft_findings_visits"] == 3
    assert any("Urgent: mulch" in m["text"] for m in office.messages("#leads-incoming"))


def test_a_models_findings_are_spread(office: Company) -> None:
    script(office.local, object={"findings": FOUND | {"visits": None}, "confidence": 0.9})
    task = begin(office, ANALYZE, TEXT)
    assert task.context["draft_findings_urgent"] is False
    assert task.context["draft_findings"]["visits"] is None
