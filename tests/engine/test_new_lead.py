"""The shipped procedure, from the mail to the quote that is due."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from engine.errors import AlreadyAnswered, AnswerInvalid
from tests.engine.hands import (
    PARTNER,
    answer,
    children,
    question,
    rows,
    sent,
    token,
    undo,
)
from tests.world import Company
from web.local.claude import script


def letter(sender: str, text: str, subject: str = "Snow removal", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "office@snowmass.example"
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((sender, text)))}@mail.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


ASKS = "Hi, I need a quote for snow removal at 4100 Lyndale Ave S this winter. Thanks!"


def lead(office: Company):
    task = office.mail("lead")
    office.settle()
    return office.see(task)


def test_a_lead_is_answered_recorded_and_followed_up(office: Company) -> None:
    task = lead(office)
    asked = question(office, task)
    assert not office.outbox
    answer(office, task, "send")

    [mail] = office.outbox
    assert mail["to"] == ["rachel.sandberg@example.com"]
    assert mail["subject"] == asked["mail"]["subject"]
    assert mail["text"].rstrip("\n") == f"{asked['mail']['body']}\n\n{asked['mail']['footer']}"
    assert dict(mail["headers"])["In-Reply-To"] == "<CAHk7rS4kQ2mX-lead-0001@mail.example.com>"

    [written] = sent(office, "crm", path="/customers?")
    assert written["json"]["email"] == "rachel.sandberg@example.com"
    assert written["json"]["status"] == "lead"
    [logged] = sent(office, "crm", path="/interactions")
    assert logged["json"]["kind"] == "email_sent"
    assert any("Answered Rachel" in m["text"] for m in office.messages("#leads-incoming"))

    done = office.see(task)
    assert done.status == "completed"
    assert done.subject == office.local.all("crm_customer")[-1]["id"]
    [child] = children(office, task)
    assert (child.status, child.subject) == ("waiting_on_timer", done.subject)


def test_what_slack_shows_is_what_is_sent(office: Company) -> None:
    task = lead(office)
    [card] = office.messages("#leads-incoming")
    shown = re.sub(r"\s+", " ", str([_texts(block) for block in card["blocks"]]))
    answer(office, task, "send")

    for line in office.outbox[0]["text"].splitlines():
        assert line.strip() in shown.replace("\\n", " "), line


def _texts(block: object) -> list[str]:
    if isinstance(block, dict):
        own = [block["text"]] if isinstance(block.get("text"), str) else []
        return own + [text for value in block.values() for text in _texts(value)]
    return [text for one in block for text in _texts(one)] if isinstance(block, list) else []


def test_a_quote_that_went_out_ends_the_follow_up(office: Company) -> None:
    task = lead(office)
    done = answer(office, task, "send")
    customer = office.local.get("crm_customer", done.subject or "")
    assert customer is not None
    quoted = datetime.now(UTC).isoformat()
    office.local.put("crm_customer", customer["id"], customer | {"quoted_at": quoted})
    office.pass_time(days=5)

    [child] = children(office, task)
    assert office.see(child).status == "completed"
    assert not any("No quote yet" in m["text"] for m in office.messages("#escalations"))


def test_a_quote_that_did_not_go_out_is_asked_about(office: Company) -> None:
    task = lead(office)
    answer(office, task, "send")
    office.pass_time(days=5)

    [child] = children(office, task)
    assert question(office, child)["title"] == "No quote yet for Rachel Sandberg"
    assert any("No quote yet" in str(m["blocks"]) for m in office.messages("#escalations"))
    answer(office, child, "sent")
    assert office.see(child).status == "completed"


# -- spam ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "status"), [(0.95, "completed"), (0.94, "waiting_on_human")]
)
def test_spam_ends_only_where_the_model_is_sure(
    office: Company, confidence: float, status: str
) -> None:
    script(office.local, object={"category": "spam", "confidence": confidence})
    task = office.mail("spam")
    office.settle()

    assert office.see(task).status == status
    assert len(office.requests("claude")) == 1
    assert not office.messages("#leads-incoming")
    if status == "completed":
        assert not office.messages("#escalations")
        return
    assert "human_asked" in office.events(task)
    answer(office, task, "spam")
    assert office.see(task).status == "completed"
    assert len(office.requests("claude")) == 1


def test_spam_that_was_none_goes_on_to_the_draft(office: Company) -> None:
    script(office.local, object={"category": "spam", "confidence": 0.8})
    task = lead(office)
    answer(office, task, "new_lead")

    assert question(office, task)["kind"] == "approval"
    assert office.see(task).context["category"] == "new_lead"


# -- cases for a person -----------------------------------------------------------------


def test_a_complaint_is_replied_to_by_a_person(office: Company) -> None:
    task = office.mail("complaint")
    office.settle()
    asked = question(office, task)
    assert asked["kind"] == "handover"
    assert "sprinkler" in asked["quoted"]

    text = "Hi Tom,\n\nI will be there tomorrow morning and put it right.\n\nChris"
    done = answer(office, task, "reply", draft_subject="Your lawn", draft_body=text)
    [mail] = office.outbox
    assert (mail["to"], mail["subject"]) == (["tom.mcdonald@example.org"], "Your lawn")
    assert mail["text"].startswith(text)
    assert done.status == "completed"
    assert not sent(office, "crm")


def test_a_complaint_may_turn_out_to_be_a_lead(office: Company) -> None:
    task = office.mail("complaint")
    office.settle()
    answer(office, task, "lead")
    assert question(office, task)["kind"] == "approval"
    assert not office.outbox


def test_a_complaint_may_be_done_without_a_mail(office: Company) -> None:
    task = office.mail("complaint")
    office.settle()
    assert answer(office, task, "done").status == "completed"
    assert not office.outbox


# -- answers ------------------------------------------------------------------------


def test_refused_with_a_reason_nothing_is_sent(office: Company) -> None:
    task = lead(office)
    done = answer(office, task, "refuse", reason="Too far away for us")

    assert done.status == "completed"
    assert not office.outbox
    assert not sent(office, "crm")
    assert done.context["draft_refusal_reason"] == "Too far away for us"
    assert any("Nothing was sent" in m["text"] for m in office.messages("#leads-incoming"))
    [card, *_] = office.messages("#leads-incoming")
    assert "Too far away for us" in str(card["blocks"])


def test_an_edited_mail_is_sent_byte_for_byte(office: Company) -> None:
    task = lead(office)
    footer = question(office, task)["mail"]["footer"]
    body = "  Hi Rachel,\n\n\ttabs, “quotes”, <b>no html</b> & {{x}} {% raw %}\n\nüßé 🌨"
    answer(office, task, "edit", draft_subject="Ré: Schnee & <Eis>", draft_body=body)

    [mail] = office.outbox
    assert mail["subject"] == "Ré: Schnee & <Eis>"
    assert mail["text"].rstrip("\n") == f"{body}\n\n{footer}"
    assert "human_answered" in office.events(task)


def test_an_edited_mail_may_not_be_empty(office: Company) -> None:
    task = lead(office)
    with pytest.raises(AnswerInvalid):
        answer(office, task, "edit", draft_subject="Snow", draft_body="  \n ")
    assert office.see(task).status == "waiting_on_human"


def test_undo_reopens_the_question(office: Company) -> None:
    task = lead(office)
    answer(office, task, "send", settle=False)
    office.settle()
    given = token(office, task)
    undo(office, given, by=PARTNER)
    office.pass_time(minutes=5)

    assert office.see(task).status == "waiting_on_human"
    assert not office.outbox
    with pytest.raises(AlreadyAnswered):
        undo(office, given)
    answer(office, task, "send")
    assert len(office.outbox) == 1


def test_a_late_click_on_undo_changes_nothing(office: Company) -> None:
    """The mail is out and the task is somewhere else: the old button still exists."""
    task = lead(office)
    office.order("crm", "answer", path="/customers", status=503, times=100)
    answer(office, task, "send")
    given = token(office, task)
    parked = office.see(task)
    assert (len(office.outbox), parked.status) == (1, "waiting_on_timer")

    with pytest.raises(AlreadyAnswered):
        undo(office, given)
    assert office.see(task) == parked


def test_a_click_on_the_undo_of_an_earlier_answer_changes_nothing(office: Company) -> None:
    task = lead(office)
    answer(office, task, "send", settle=False)
    stale = token(office, task)
    undo(office, stale)
    answer(office, task, "send", settle=False)
    with pytest.raises(AlreadyAnswered):
        undo(office, stale, by=PARTNER)
    office.pass_time(minutes=1)
    assert len(office.outbox) == 1


def test_taken_back_the_form_opens_with_what_was_typed(office: Company) -> None:
    office.import_sop(UNDOABLE_EDIT)
    task = office.run_sop("small", customer_email="anna@example.com", draft_body="First")
    office.settle()
    answer(office, task, "edit", settle=False, draft_subject="S", draft_body="Typed")
    undo(office, token(office, task))
    values = {field["key"]: field["value"] for field in question(office, task)["fields"]}
    assert values["draft_body"] == "Typed"


UNDOABLE_EDIT = """
slug: small
name: Small
agent: lead_response
steps:
  - key: approve
    name: Approve
    type: slack_ask_human
    config:
      title: Send?
      kind: approval
      mail: {subject: 'Hello', body: '{{draft_body}}'}
      choices:
        edit: {label: Edit first, form: edit, undoable: true}
  - key: send
    name: Send
    type: api_call
    config: {service: email, operation: send}
"""


# -- recipients and names -----------------------------------------------------------


def test_without_a_recipient_the_card_asks_for_one(office: Company) -> None:
    taken = office.raw_mail(letter("no-reply@portal.example", ASKS + "\n\nJane Hall"))
    [task] = taken.tasks
    office.settle()
    if question(office, task)["kind"] != "approval":
        answer(office, task, "use", draft_subject="Snow removal", draft_body="Hi Jane, thanks.")
    asked = question(office, task)
    assert asked["mail"]["to"] == ""
    assert "customer_email" in [field["key"] for field in asked["fields"]]

    with pytest.raises(AnswerInvalid, match="is missing"):
        answer(office, task, "send")
    with pytest.raises(AnswerInvalid, match="address"):
        answer(office, task, "edit", customer_email="jane at home")
    answer(office, task, "edit", customer_email="jane@home.example")
    [mail] = office.outbox
    assert mail["to"] == ["jane@home.example"]
    [written] = sent(office, "crm", path="/customers?")
    assert written["json"]["email"] == "jane@home.example"


def test_a_name_in_odd_case_is_put_right_on_the_card(office: Company) -> None:
    [task] = office.raw_mail(letter('"MIKE" <mike.h@example.com>', ASKS)).tasks
    office.settle()
    asked = question(office, task)
    assert asked["kind"] == "escalation"
    assert office.see(task).slack_channel is None or asked["channel"] == "#escalations"
    assert len(office.requests("claude")) == 2, "no bigger model can mend a name"

    answer(office, task, "use", draft_subject="Snow removal", draft_body="Hi Mike,\n\nthanks.")
    asked = question(office, task)
    assert asked["kind"] == "approval"
    assert any("odd case" in fact[1] for fact in asked["facts"])
    assert "MIKE" in str(office.messages("#leads-incoming")), "the second card is shown too"
    done = answer(office, task, "edit", customer_name="Mike Hanson")

    assert done.context["customer_name"] == "Mike Hanson"
    [written] = sent(office, "crm", path="/customers?")
    assert written["json"]["name"] == "Mike Hanson"
    to = dict(office.outbox[0]["headers"])["To"]
    assert "Mike Hanson" in to
    assert "MIKE" not in to


# -- without a CRM ----------------------------------------------------------------------


def test_without_a_crm_the_lead_is_written_down_by_hand(office: Company) -> None:
    object.__setattr__(office.runtime, "crm", None)
    task = lead(office)
    answer(office, task, "send")
    asked = question(office, task)
    assert (asked["kind"], asked["title"]) == ("to_copy", "Write this lead down")
    assert dict(asked["facts"])["E-mail"] == "rachel.sandberg@example.com"
    answer(office, task, "done")
    asked = question(office, task)
    assert asked["title"] == "Note this about the customer"
    assert list(dict(asked["facts"])) == ["Name", "E-mail", "Email sent"]
    assert dict(asked["facts"])["Name"] == "Rachel Sandberg"
    answer(office, task, "done")
    assert office.see(task).status == "completed"
    assert not office.requests("crm")


def test_the_web_form_starts_the_same_procedure(office: Company) -> None:
    from engine import deliveries

    body = (
        b'{"id": "f-1", "name": "Jo Park", "email": "jo@example.com", "phone": "612-555-0199",'
        b' "message": "Can I get a quote for snow removal?"}'
    )
    with office.runtime.database.transaction("accept") as conn:
        settings = office.runtime.settings
        assert deliveries.accept(conn, settings, source="lead_form", key="f-1", body=body)
        assert not deliveries.accept(conn, settings, source="lead_form", key="f-1", body=body)
    office.settle()
    [row] = rows(office, "select context from tasks")
    assert row["context"]["customer_phone"] == "612-555-0199"
    assert rows(office, "select body from deliveries") == [{"body": None}]
