"""One click and no more mail with offers."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from engine import erasure
from engine.keyed_hash import contact_hash
from engine.mail.unsubscribe import unsubscribe_url
from tests.engine.hands import answer, question, rows, setting
from tests.world import Company

ADDRESS = "Ann@Example.com"


def path(office: Company) -> str:
    return urlsplit(unsubscribe_url(office.runtime.settings, ADDRESS)).path


def suppressed(office: Company) -> list[tuple[bytes, str]]:
    return [
        (bytes(r["contact_hash"]), r["reason"]) for r in rows(office, "select * from suppressions")
    ]


def test_looking_unsubscribes_nobody(app: Flask, office: Company) -> None:
    for _ in range(3):
        answer = app.test_client().get(path(office))
        assert answer.status_code == 200
        assert "Unsubscribe me" in answer.text
        assert "example.com" not in answer.text.replace("snowmass.example", "").lower()
    assert suppressed(office) == []


def test_a_mail_program_unsubscribes_by_itself(app: Flask, office: Company) -> None:
    """RFC 8058: a POST without cookies, sign-in or a form's token."""
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        assert app.test_client().post(path(office), data=body).status_code == 200
    settings = office.runtime.settings
    assert suppressed(office) == [(contact_hash(settings, "ann@example.com"), "unsubscribed")]


def test_the_button_does_the_same(app: Flask, office: Company) -> None:
    answer = app.test_client().post(path(office))
    assert "You are unsubscribed." in answer.text
    assert "Set-Cookie" not in answer.headers
    assert len(suppressed(office)) == 1


def test_a_cut_link_says_what_to_do(app: Flask, office: Company) -> None:
    answer = app.test_client().post(path(office)[:-4])
    assert answer.status_code == 404
    assert "take you off the list" in " ".join(answer.text.split())
    assert suppressed(office) == []


OFFER = """
slug: offer
name: Offer
agent: marketing
steps:
  - key: lead
    name: Lead
    type: api_call
    config: {service: crm, operation: upsert_lead, fields: {name: Ann, email: ann@example.com}}
  - key: ask
    name: Approve
    type: slack_ask_human
    config:
      title: An offer
      kind: approval
      mail: {to: ann@example.com, subject: Spring, body: Hello Ann, commercial: true}
      choices: {send: {label: Send, style: primary}}
  - key: send
    name: Send
    type: api_call
    config: {service: email, operation: send}
"""


def test_from_the_offer_to_the_crm(app: Flask, office: Company) -> None:
    """What a mail program does with the headers of a mail that really went out."""
    office.import_sop(OFFER)
    task = office.run_sop("offer")
    office.settle()
    answer(office, task, "send")
    [mail] = office.outbox
    headers = dict(mail["headers"])
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link in mail["text"]
    assert " ".join(office.runtime.business.postal_address.split()[:3]) in mail["text"]
    body = {"List-Unsubscribe": "One-Click"}
    assert app.test_client().post(urlsplit(link).path, data=body).status_code == 200
    office.settle()
    assert "customer_opted_out" in office.events(task)
    task = office.see(task)
    assert task.context["customer_opted_out"] is True
    [known] = [one for one in office.local.all("crm_customer") if one["id"] == task.subject]
    assert known["opted_out"] is True
    with setting(office, erase_after_days=0):
        erasure.erase_due(office.runtime)
    again = office.run_sop("offer")
    office.settle()
    facts = [text for _, text in question(office, again)["facts"]]
    assert any("not to be written to any more (unsubscribed)" in text for text in facts)
    assert answer(office, again, "send").error == "refused:suppressed_unsubscribed"
    assert len(office.outbox) == 1
