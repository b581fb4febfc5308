"""Answering in the browser: the same questions as in Slack, and the same one door."""

from __future__ import annotations

import re

import pytest

from engine.tasks import Task
from tests.campaigns.test_batches import campaign
from tests.engine.hands import begin, question, token
from tests.web.browsing import STREAM, Browser
from tests.world import Company

LETTER = "  Hi Rachel,\n\n\nwe come on Tuesday — promised.\n\tSam\n"


@pytest.fixture
def lead(office: Company) -> Task:
    """A lead's draft that waits for approval."""
    task = office.mail("lead")
    office.settle()
    return task


def test_a_card_says_all_that_one_must_know(owner: Browser, office: Company, lead: Task) -> None:
    owner.get("/inbox")
    asked, said = question(office, lead), owner.reads()
    mail = asked["mail"]
    for part in (mail["from"], mail["to"], mail["subject"], mail["body"], mail["footer"]):
        assert " ".join(part.split()) in said
    assert "One question waits for you" in said
    assert "tier 2" in said
    assert "confidence 93%" in said
    assert asked["if_silent"] in said
    assert "Could you give us an estimate?" in said, "what the customer wrote"


def test_a_campaign_counts_among_what_is_listed(owner: Browser, office: Company) -> None:
    campaign(office)
    office.mail("lead")
    office.settle()
    owner.get("/inbox")
    assert "2 questions wait for you" in owner.reads()
    assert "most urgent" not in owner.reads()


def test_an_answer_is_carried_out_after_the_seconds_to_undo(
    owner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    owner.follow(owner.send(button="Send as is"))
    assert "Nothing waits for you" in owner.reads()
    assert re.search(r"Chris: Send as is .* in (29|30) s", owner.reads())
    assert office.outbox == []
    office.pass_time(seconds=31)
    assert len(office.outbox) == 1
    assert office.see(lead).status == "completed"


def test_an_answer_can_be_taken_back(owner: Browser, office: Company, lead: Task) -> None:
    owner.get("/inbox")
    owner.follow(owner.send(button="Send as is"))
    owner.follow(owner.send(button="Undo"))
    assert "Taken back" in owner.reads()
    assert "One question waits for you" in owner.reads()
    office.pass_time(seconds=60)
    assert office.outbox == []


def test_it_is_too_late_to_undo_what_has_gone_out(
    owner: Browser, partner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    owner.follow(owner.send(button="Send as is"))
    office.pass_time(seconds=31)
    assert owner.send(button="Undo").status_code == 409
    assert "too late to undo" in owner.reads()
    assert len(office.outbox) == 1


def test_what_was_edited_is_sent_as_it_was_seen(
    owner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    seen = LETTER.replace("\n", "\r\n")
    owner.send(button="Send this", field__draft_subject="Tuesday", field__draft_body=seen)
    sent = office.see(lead).question
    assert sent is not None
    assert sent["mail"]["body"] == LETTER
    office.pass_time(seconds=31)
    assert LETTER.rstrip("\n") in office.outbox[0]["text"].replace("\r\n", "\n")
    assert office.outbox[0]["subject"] == "Tuesday"


def test_a_form_that_nobody_touched_changes_nothing(
    owner: Browser, office: Company, lead: Task
) -> None:
    """Line breaks at the beginning and the end of a text area are easily lost."""
    before = question(office, lead)["mail"]["body"]
    owner.get("/inbox")
    owner.send(button="Send this")
    assert question(office, lead)["mail"]["body"] == before


def test_after_an_undo_the_form_holds_what_was_edited(owner: Browser, office: Company) -> None:
    steps = """
    - key: ask
      name: Ask
      type: slack_ask_human
      config:
        title: Reply
        kind: approval
        mail: {subject: Hello, body: Hello}
        choices: {edit: {label: Edit first, form: edit, undoable: true}}
    """
    context = {"customer_email": "rachel@example.com", "customer_name": "Rachel"}
    task = begin(office, steps, context)
    owner.get("/inbox")
    owner.follow(owner.send(button="Send this", field__draft_body=LETTER))
    owner.follow(owner.send(button="Undo"))
    owner.send(button="Send this")
    assert question(office, task)["mail"]["body"] == LETTER


def test_a_reason_is_one_tap_or_ones_own_words(owner: Browser, office: Company, lead: Task) -> None:
    owner.get("/inbox")
    owner.send(button="Wrong tone")
    asked = question(office, lead)
    assert asked["answer"]["choice"] == "refuse"
    assert list(asked["answer"]["fields"].values()) == ["Wrong tone"]
    office.settle()
    assert office.outbox == []


def test_the_second_person_is_told_who_was_first_and_loses_nothing(
    owner: Browser, partner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    partner.get("/inbox")
    assert partner.send(button="Send as is").status_code == 303
    late = owner.send(button="Send this", field__draft_body=LETTER)
    assert late.status_code == 409
    assert "Sam answered “Send as is”" in owner.reads()
    assert LETTER in owner.page.replace("&#39;", "'")
    office.pass_time(seconds=31)
    assert len(office.outbox) == 1


def test_slack_and_the_web_are_one_inbox(owner: Browser, office: Company, lead: Task) -> None:
    owner.get("/inbox")
    from engine import questions
    from engine.answers import Answer
    from engine.people import Person

    with office.runtime.database.transaction("answer") as conn:
        sam = Person("sam", "Sam", "slack", may_act=True)
        given = Answer("refuse", {"reason": "no"})
        questions.answer(conn, office.runtime.settings, token(office, lead), given, sam)
    assert owner.send(button="Send as is").status_code == 409
    assert "Sam answered “Don&#39;t send”" in owner.page


def test_a_form_with_a_gap_comes_back_with_everything_else(
    owner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    answer = owner.send(button="Send this", field__draft_subject="", field__draft_body=LETTER)
    assert answer.status_code == 422
    assert "Subject must not be empty" in owner.reads()
    assert LETTER in owner.page
    assert owner.send(button="Send this", field__draft_subject="Tuesday").status_code == 303
    assert question(office, lead)["mail"]["body"] == LETTER


def test_an_opened_form_is_seen_by_the_others(
    owner: Browser, partner: Browser, office: Company, lead: Task
) -> None:
    assert owner.post(f"/questions/{token(office, lead)}/editing").status_code == 204
    partner.get("/inbox")
    assert "Chris is editing this" in partner.reads()
    assert partner.send(button="Send as is").status_code == 303
    assert owner.post(f"/questions/{token(office, lead)}/editing").status_code == 409


def test_oldest_deadline_first(owner: Browser, office: Company) -> None:
    ask = """
    - key: ask
      name: Ask
      type: slack_ask_human
      config:
        title: "{title}"
        deadline_hours: {hours}
        choices: {{agree: {{label: Agreed}}, refuse: {{label: Refused}}}}
    """
    for title, hours in (("Later", 8), ("Soon", 1), ("Between", 3)):
        begin(office, ask.format(title=title, hours=hours), slug=title.lower())
    owner.get("/inbox")
    order = re.findall(r'id="title-[^"]+"[^>]*>([A-Z]\w+)', owner.page)
    assert order == ["Soon", "Between", "Later"]


def test_viewers_see_and_have_nothing_to_press(
    viewer: Browser, office: Company, lead: Task
) -> None:
    viewer.get("/inbox")
    assert "You may look; an admin answers." in viewer.reads()
    assert "Send as is" not in viewer.page
    refused = viewer.post(f"/questions/{token(office, lead)}/answer", data={"choice": "send"})
    assert refused.status_code == 403
    assert question(office, lead)["state"] == "open"


@pytest.mark.parametrize(
    "given", ["nothing", "x.y", "00000000-0000-0000-0000-000000000000.x", "%00"]
)
def test_a_token_that_is_not_ours(owner: Browser, given: str) -> None:
    assert owner.post(f"/questions/{given}/answer", data={"choice": "send"}).status_code == 409


# -- live ---------------------------------------------------------------------------


def test_nothing_is_sent_while_nothing_changes(owner: Browser, office: Company, lead: Task) -> None:
    owner.get("/inbox")
    version = re.search(r'data-param-version="(\w+)"', owner.page)
    assert version
    address = f"/inbox/changes?version={version[1]}"
    assert owner.get(address, headers=STREAM).status_code == 204
    office.mail("complaint")
    office.settle()
    answer = owner.get(address, headers=STREAM)
    assert answer.status_code == 200
    assert answer.mimetype == "text/vnd.turbo-stream.html"
    assert '<turbo-stream action="replace" target="inbox" method="morph">' in owner.page
    assert "2 questions wait for you" in owner.reads()


def test_an_answer_by_script_gets_the_list_and_no_page(
    owner: Browser, office: Company, lead: Task
) -> None:
    owner.get("/inbox")
    answer = owner.send(button="Send as is", headers=STREAM)
    assert answer.status_code == 200
    assert "<html" not in owner.page
    assert "Undo" in owner.reads()


def test_a_late_answer_by_script_keeps_the_text_on_the_page(
    owner: Browser, partner: Browser, lead: Task
) -> None:
    owner.get("/inbox")
    partner.get("/inbox")
    partner.send(button="Send as is")
    late = owner.send(button="Send this", headers=STREAM, field__draft_body=LETTER)
    assert late.status_code == 409
    assert 'target="late"' in owner.page
    assert LETTER in owner.page


def test_what_is_wrong_stands_at_its_field(owner: Browser, office: Company) -> None:
    steps = """
    - key: ask
      name: Ask
      type: slack_ask_human
      config:
        title: Reply
        kind: approval
        mail: {subject: Hello, body: Hello}
        choices: {edit: {label: Edit first, form: edit}}
    """
    task = begin(office, steps, {"customer_name": "Rachel"})
    owner.get("/inbox")
    assert "not known yet" in owner.reads()
    refused = owner.send(button="Send this", field__customer_email="rachel at home")
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in owner.page
    assert 'value="rachel at home"' in owner.page
    assert owner.send(button="Send this", field__customer_email="r@example.com").status_code == 303
    assert question(office, task)["mail"]["to"] == "r@example.com"
