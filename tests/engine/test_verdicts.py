"""The record of how people judged drafts: kept with the answer, shown beside the step."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from engine import questions
from engine.answers import Answer
from engine.cli import cli
from engine.erasure import erase
from engine.errors import AlreadyAnswered
from engine.tasks import Task
from tests.engine.hands import PARTNER, answer, begin, procedure, question, rerun, rows, token, undo
from tests.world import Company

DRAFT = """
- key: draft
  name: Draft
  type: llm_draft
  tier: 2
  config:
    prompt: {prompt}
    facts: [customer_name]
- key: approve
  name: Approve
  type: slack_ask_human
  on_failure: fail
  config:
    title: {title}
    kind: approval
    mail: {{}}
    choices:
      send: {{label: Send as is, style: primary, undoable: true}}
      edit: {{label: Edit first, form: edit}}
      refuse: {{label: Don't send, style: danger, form: reason, goto: complete}}
      call: {{label: I'll call, goto: complete}}
- key: told
  name: Tell
  type: slack_notify
  config: {{text: Sent.}}
"""
RACHEL = {"customer_name": "Rachel Sandberg", "customer_email": "rachel@example.com",
          "email_text": "I need a quote for snow removal."}  # fmt: skip


def steps(prompt: str = "Write a reply.", title: str = "A reply") -> str:
    return DRAFT.format(prompt=json.dumps(prompt), title=title)


@pytest.fixture
def asked(office: Company) -> Task:
    return begin(office, steps(), RACHEL)


def another(office: Company, **more: Any) -> Task:
    task = office.run_sop("small", **RACHEL | more)
    office.settle()
    return office.see(task)


def verdicts(office: Company) -> list[tuple[str, str]]:
    kept = rows(office, "select * from verdicts order by created_at")
    return [(row["verdict"], row["reason"]) for row in kept]


def small_print(office: Company, task: Task) -> str:
    return question(office, task)["record"]


def test_sent_as_it_is(office: Company, asked: Task) -> None:
    answer(office, asked, "send")
    [kept] = rows(
        office,
        "select v.*, s.key, d.key as drafted from verdicts v"
        " join steps s on s.id = v.step_id join steps d on d.id = v.draft_step_id",
    )
    assert (kept["verdict"], kept["changed"], kept["reason"]) == ("unchanged", None, "")
    assert (kept["key"], kept["drafted"]) == ("approve", "draft")
    assert kept["model"] == office.runtime.settings.model_tier_2
    assert 0.7 <= kept["confidence"] <= 1


def test_edited_and_how_much(office: Company, asked: Task) -> None:
    mail = question(office, asked)["mail"]
    answer(office, asked, "edit", draft_subject="Your snow", draft_body=mail["body"] + " See you!")
    [kept] = rows(office, "select * from verdicts")
    assert kept["verdict"] == "edited"
    assert 0 < kept["changed"] < 0.5


def test_an_edit_of_white_space_is_none(office: Company, asked: Task) -> None:
    mail = question(office, asked)["mail"]
    spaced = mail["body"].replace("\n\n", "\n \n\n") + "\n"
    answer(office, asked, "edit", draft_subject=mail["subject"], draft_body=spaced)
    assert verdicts(office) == [("unchanged", "")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Wrong facts", "wrong_facts"),
        ("wrong_tone", "wrong_tone"),
        ("Rachel Sandberg moved to 12 Elm St", "own_words"),
        ("", "none_given"),
    ],
)
def test_a_refusal_keeps_a_code_and_never_words(
    office: Company, asked: Task, given: str, kept: str
) -> None:
    answer(office, asked, "refuse", reason=given)
    assert verdicts(office) == [("refused", kept)]


def test_another_way_than_sending_refuses_the_draft(office: Company, asked: Task) -> None:
    answer(office, asked, "call")
    assert verdicts(office) == [("refused", "none_given")]


def test_undo_takes_it_back_and_the_next_answer_counts(office: Company, asked: Task) -> None:
    answer(office, asked, "send", settle=False)
    assert verdicts(office) == [("unchanged", "")]
    undo(office, token(office, asked))
    assert verdicts(office) == []
    answer(office, asked, "refuse", reason="Wrong tone")
    assert verdicts(office) == [("refused", "wrong_tone")]


EDITS = """
    choices:
      send: {label: Send, style: primary, undoable: true}
      edit: {label: Edit first, form: edit, undoable: true}
"""


def test_an_edit_that_was_taken_back_and_then_sent_is_an_edit(office: Company) -> None:
    head, _, tail = steps().partition("    choices:")
    task = begin(
        office, head + EDITS.lstrip("\n") + "- key: told" + tail.partition("- key: told")[2], RACHEL
    )
    answer(office, task, "edit", settle=False, draft_subject="Snow", draft_body="I will call you.")
    undo(office, token(office, task))
    answer(office, task, "send")
    assert [verdict for verdict, _ in verdicts(office)] == ["edited"]


def test_who_comes_second_leaves_no_verdict(office: Company, asked: Task) -> None:
    given = token(office, asked)
    answer(office, asked, "send", settle=False)
    refusal = Answer("refuse", {"reason": "Wrong tone"})
    with pytest.raises(AlreadyAnswered), office.runtime.database.transaction("answer") as conn:
        questions.answer(conn, office.runtime.settings, given, refusal, PARTNER)
    assert verdicts(office) == [("unchanged", "")]


def test_a_rerun_makes_another(office: Company, asked: Task) -> None:
    answer(office, asked, "send")
    rerun(office, asked, "draft")
    office.settle()
    assert small_print(office, asked) == "So far: 1 sent as is, 0 edited, 0 refused."
    answer(office, asked, "refuse", reason="Wrong tone")
    assert verdicts(office) == [("unchanged", ""), ("refused", "wrong_tone")]


def test_the_card_says_how_it_went_so_far(office: Company, asked: Task) -> None:
    assert small_print(office, asked) == ""
    answer(office, asked, "send")
    task = another(office)
    [card] = [m for m in office.messages("#leads-incoming") if "actions" in str(m["blocks"])]
    assert "So far: 1 sent as is, 0 edited, 0 refused." in str(card["blocks"])
    answer(office, task, "refuse", reason="Wrong tone")
    assert "1 sent as is, 0 edited, 1 refused" in small_print(office, another(office))


def test_other_questions_are_not_judged(office: Company) -> None:
    ask = """
- key: ask
  name: Ask
  type: slack_ask_human
  config: {title: 'Go on?', mail: {body: A text}, kind: handover, choices: {ok: {label: OK}}}
"""
    task = begin(office, ask, RACHEL)
    answer(office, task, "ok")
    assert verdicts(office) == []


def test_a_text_that_no_model_wrote_has_a_series_of_its_own(office: Company) -> None:
    """The draft lacks a name, so a person supplies the text, and then approves it."""
    task = begin(office, steps(), RACHEL | {"customer_name": "MIKE"})
    answer(office, task, "use", draft_subject="Snow", draft_body="Hello Mike, I will call you.")
    answer(office, task, "send")
    [kept] = rows(office, "select * from verdicts")
    assert (kept["model"], kept["draft_step_id"], kept["confidence"]) == ("", None, None)
    assert small_print(office, another(office)) == ""


# -- series -----------------------------------------------------------------------------


def again(office: Company, text: str) -> str:
    office.import_sop(procedure(text))
    return small_print(office, another(office))


def test_a_version_that_changes_nothing_of_it_goes_on(office: Company, asked: Task) -> None:
    answer(office, asked, "send")
    assert again(office, steps().replace("text: Sent.", "text: It went out."))


@pytest.mark.parametrize(
    "text",
    [steps(prompt="Write a very short reply."), steps(title="Another reply")],
    ids=["prompt", "asking step"],
)
def test_a_changed_step_begins_anew(office: Company, asked: Task, text: str) -> None:
    answer(office, asked, "send")
    assert again(office, text) == ""


def test_another_model_begins_anew(office: Company, asked: Task) -> None:
    answer(office, asked, "send")
    tiers = office.runtime.tiers
    newer = tuple(replace(t, model="claude-sonnet-5") if t.number == 2 else t for t in tiers.tiers)
    object.__setattr__(office.runtime, "tiers", replace(tiers, tiers=newer))
    assert small_print(office, another(office)) == ""


def test_another_remit_of_the_agent_begins_anew(office: Company, asked: Task) -> None:
    answer(office, asked, "send")
    with office.runtime.database.statement("change") as conn:
        conn.execute("update agents set description = description || ' Be brief.'")
    assert small_print(office, another(office)) == ""


def test_it_outlives_the_customers_data(office: Company, asked: Task) -> None:
    answer(office, asked, "refuse", reason="Rachel Sandberg wrote again")
    with office.runtime.database.transaction("erase") as conn:
        erase(conn, asked.id)
    [kept] = rows(office, "select * from verdicts")
    assert "Rachel" not in str(kept)


# -- what is shown ------------------------------------------------------------------------


def test_the_command_shows_the_record_beside_the_step(
    office: Company, asked: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(office, asked, "send")
    answer(office, another(office), "refuse", reason="Wrong facts")
    task = another(office)
    body = question(office, task)["mail"]["body"]
    answer(office, task, "edit", draft_subject="Snow", draft_body=body)
    shown = run(office, monkeypatch, "sop", "show", "small")
    model = office.runtime.settings.model_tier_2
    assert f"{model}: 1 sent as is, 1 edited, 1 refused; at most 98.4 % bad" in shown
    assert "refused for: Wrong facts (1)" in shown
    assert "edits changed" in shown
    assert "tier 2-3" in shown


def test_the_command_names_the_procedures_there_are(
    office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "new_lead_response" in run(office, monkeypatch, "sop", "show", "no_such")


def run(office: Company, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    settings = office.runtime.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ENGINE_DATA_DIR", str(settings.data_dir))
    return CliRunner().invoke(cli, list(words)).output
