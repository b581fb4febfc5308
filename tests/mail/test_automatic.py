"""Which mails no person wrote, and which only look so: a lost customer is the worse mistake."""

from __future__ import annotations

import pytest

from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.automatic import automatic_reason
from engine.mail.composition import compose
from engine.mail.inbound import read_mail
from engine.mail.recipients import FormRelay

OWN = frozenset({"office@us.example"})


def reason(head: str, body: str = "hi", sender: str = "jane@customer.example") -> str:
    raw = f"From: {sender}\n{head}\n\n{body}".encode()
    return read_mail(raw, OWN).automatic


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Auto-Submitted: auto-generated", "auto_submitted"),
        ("Auto-Submitted: Auto-Notified; owner=x", "auto_submitted"),
        ("Auto-Submitted: auto-replied (vacation)", "vacation"),
        ("X-Autoreply: yes", "vacation"),
        ("X-Autorespond: lawn", "vacation"),
        ("Precedence: auto_reply", "vacation"),
        ("Subject: Automatic reply: Lawn\nAuto-Submitted: auto-generated", "vacation"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: junk", "bulk"),
        ("Precedence: list", "list"),
        ("List-Id: News <news.shop.example>", "list"),
        ("X-Auto-Response-Suppress: All", "auto_submitted"),
        ("Return-Path: <>", "auto_submitted"),
        ("X-Failed-Recipients: jane@x.example", "bounce"),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "bounce"),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n"
            "Auto-Submitted: auto-replied",
            "vacation",
        ),
        ("X-Engine-Effect: 0123", "own"),
    ],
)
def test_what_only_machines_set(head: str, expected: str):
    assert reason(head) == expected


@pytest.mark.parametrize(
    ("sender", "head", "expected"),
    [
        ("MAILER-DAEMON@mx.example", "", "bounce"),
        ("mailer-daemon+x@mx.example", "", "bounce"),
        ("postmaster@mx.example", "Subject: Undeliverable: Lawn", "bounce"),
        ("Office@US.example", "", "own"),
        ("office+reply@us.example", "", "own"),
    ],
)
def test_senders_that_are_no_persons(sender: str, head: str, expected: str):
    assert reason(head, sender=sender) == expected


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: no",
        "Precedence: normal",
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
        "X-Auto-Response-Suppress: OOF",
        "X-Autoreply: no",
        "Return-Path: <jane@customer.example>",
        "List-Unsubscribe: <https://x.example>",
        "Subject: Re: Automatic reply: Lawn",
        "Subject: I am out of office until May, please mow",
        # The company's own shared inbox marks every mail as list mail.
        "List-Id: <office.us.example>\nPrecedence: list",
        "Precedence: list\nMailing-List: list office@us.example; contact x@us.example",
        # A contact form: generated, but answers go to the customer.
        "Auto-Submitted: auto-generated\nReply-To: jane@home.example",
        "X-Auto-Response-Suppress: All\nReply-To: jane@home.example",
    ],
)
def test_persons_are_not_taken_for_machines(head: str):
    assert reason(head) == ""


@pytest.mark.parametrize(
    ("sender", "head"),
    [
        ("postmaster@smallshop.example", "Subject: Lawn care for our shop"),
        ("jane@customer.example", "Auto-Submitted: "),
    ],
)
def test_persons_with_odd_addresses(sender: str, head: str):
    assert reason(head, sender=sender) == ""


def test_a_notification_that_answers_to_its_own_service_is_automatic():
    head = "Auto-Submitted: auto-generated\nReply-To: reply+123@service.example"
    assert reason(head, sender="notify@service.example") == "auto_submitted"
    head = "Auto-Submitted: auto-generated\nReply-To: noreply@other.example"
    assert reason(head, sender="notify@service.example") == "auto_submitted"


FORM = FormRelay.model_validate({"from": "noreply@forms.example", "email_field": "Email"})
OWN_FORM = FormRelay.model_validate({"from": "office@us.example", "email_field": "Email"})


@pytest.mark.parametrize(
    "head",
    ["Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <x.forms.example>", ""],
)
def test_a_sender_named_by_the_owner_is_taken_in(head: str):
    raw = f"From: noreply@forms.example\n{head}\n\nEmail: jane@home.example".encode()
    mail = read_mail(raw, OWN)
    assert automatic_reason(mail, [FORM]) is None
    assert (automatic_reason(mail, []) is None) == (not head)


@pytest.mark.parametrize(
    "head", ["Auto-Submitted: auto-replied", "X-Failed-Recipients: a@b.example"]
)
def test_even_such_a_sender_bounces_and_is_on_holiday(head: str):
    mail = read_mail(f"From: noreply@forms.example\n{head}\n\nhi".encode(), OWN)
    assert automatic_reason(mail, [FORM]) == mail.automatic


def test_a_form_that_writes_from_our_own_address_is_told_from_our_own_mail():
    form = read_mail(b"From: office@us.example\n\nName: Jane\nEmail: jane@home.example", OWN)
    assert form.automatic == "own"
    assert automatic_reason(form, [OWN_FORM]) is None
    ours = compose(
        OutgoingMail(
            to="jane@home.example",
            subject="Your quote",
            text="Thank you.\n\nEmail: office@us.example\nPhone: 612-555-0100",
            reply_to="office+t@us.example",
        ),
        Address("Us", "office@us.example"),
        "t1",
    )
    mail = read_mail(ours, OWN)
    assert mail.automatic == "own"
    assert automatic_reason(mail, [OWN_FORM]) == "own"
    # Even where the settings do not know the address it came from.
    assert read_mail(ours).automatic == "own"
