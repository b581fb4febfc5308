"""Whom to answer, and when to ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.mail import InboundMail
from engine.mail.addresses import deliverable, is_no_reply, read_addresses
from engine.mail.inbound import read_mail
from engine.mail.recipients import FormRelay, Recipient, form_field, recipient

RELAY = FormRelay.model_validate(
    {
        "from": "*@forms.example",
        "email_field": "Your e-mail:",
        "name_field": "Name",
        "phone_field": "Phone number",
    }
)


def mail(head: str, body: str = "hi") -> InboundMail:
    return read_mail(f"{head}\n\n{body}".encode())


def test_a_person_is_answered_where_the_mail_came_from():
    found = recipient(mail('From: "Doe, Jane" <jane@home.example>'))
    assert found == Recipient("jane@home.example", "Doe, Jane", "", "from")


def test_reply_to_goes_first():
    found = recipient(mail("From: Jane <jane@work.example>\nReply-To: jane@home.example"))
    assert found == Recipient("jane@home.example", "Jane", "", "reply_to")


@pytest.mark.parametrize(
    "head",
    [
        "From: no-reply@portal.example",
        "From: Portal <noreply@portal.example>\nReply-To: do-not-reply@portal.example",
        'From: no-reply@portal.example\nReply-To: "JANE" <>',
        "From: donotreply@portal.example\nReply-To: nonsense",
        "Subject: no sender",
        "Return-Path: <bounce-17@portal.example>",
        "From: jane@localhost",
        "From: jäne@home.example",
    ],
)
def test_where_nobody_can_be_answered_nobody_is_named(head: str):
    assert recipient(mail(head)) is None


def test_a_reply_to_that_nobody_reads_gives_way_to_the_person():
    found = recipient(mail("From: Jane <jane@home.example>\nReply-To: noreply@home.example"))
    assert found == Recipient("jane@home.example", "Jane", "", "from")


def test_our_own_address_is_never_the_customer():
    own = frozenset({"office@us.example"})
    head = "From: Jane <jane@home.example>\nReply-To: office+x@us.example"
    assert recipient(mail(head), (), own) == Recipient("jane@home.example", "Jane", "", "from")


@pytest.mark.parametrize(
    "body",
    [
        "Name: Jane Doe\nYour e-mail: jane@home.example\nPhone number: (612) 555-0100",
        "Name\nJane Doe\n\nYour e-mail\njane@home.example\n\nPhone number\n(612) 555-0100",
        "*Name:* Jane Doe\n*Your e-mail:* jane@home.example\n*Phone number:* (612) 555-0100",
        "> Name = Jane Doe\n> YOUR E-MAIL:jane@home.example\n> Phone number - (612) 555-0100",
        "Name | Jane Doe\nYour e-mail | <jane@home.example>\nPhone number | (612) 555-0100",
    ],
)
def test_behind_a_form_the_owners_fields_are_read(body: str):
    found = recipient(mail("From: Website <noreply@forms.example>", body), [RELAY])
    assert found == Recipient("jane@home.example", "Jane Doe", "(612) 555-0100", "form_field")


def test_a_form_in_a_table():
    page = (
        "<table><tr><td><b>Name</b></td><td>Jane Doe</td></tr><tr><td>Your e-mail:</td><td>"
        '<a href="mailto:jane@home.example">jane@home.example</a></td></tr></table>'
    )
    head = "From: noreply@forms.example\nContent-Type: text/html"
    found = recipient(mail(head, page), [RELAY])
    assert found == Recipient("jane@home.example", "Jane Doe", "", "form_field")


def test_a_form_without_the_field_answers_to_reply_to():
    head = "From: Website <x@forms.example>\nReply-To: jane@home.example"
    found = recipient(mail(head, "Name: Jane"), [RELAY])
    assert found == Recipient("jane@home.example", "Jane", "", "reply_to")


@pytest.mark.parametrize(
    "head",
    [
        "From: lead@forms.example",
        "From: lead@forms.example\nReply-To: other@forms.example",
        "From: lead@forms.example\nReply-To: noreply@elsewhere.example",
    ],
)
def test_the_form_itself_is_never_answered(head: str):
    assert recipient(mail(head, "Your e-mail: none\nName: Jane"), [RELAY]) is None


def test_the_first_rule_that_fits_counts():
    rules = [FormRelay.model_validate({"from": "other@forms.example"}), RELAY]
    found = recipient(mail("From: x@forms.example", "Your e-mail: a@b.example"), rules)
    assert found is not None
    assert found.source == "form_field"


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Email me at x@y.example", "Email", ""),
        ("Email address: x", "Email", ""),
        ("Company name: X\nName: Jane", "Name", "Jane"),
        ("Name:", "Name", ""),
        ("Name: Jane\nName: Joe", "Name", "Jane"),
        ("anything", "", ""),
    ],
)
def test_form_field(text: str, label: str, value: str):
    assert form_field(text, label) == value


@pytest.mark.parametrize("sender", ["", "x", "@forms.example", "*@", "*", "a@b", "*@a b.example"])
def test_a_rule_names_an_address_or_a_domain(sender: str):
    with pytest.raises(ValidationError):
        FormRelay.model_validate({"from": sender})


def test_a_rule_with_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="e_mail_field"):
        FormRelay.model_validate({"from": "a@b.example", "e_mail_field": "x"})


@pytest.mark.parametrize(
    "address",
    [
        "jane@home.example\nBcc: x@y.example",
        "jane@home.example,x@y.example",
        "jane@home.example x@y.example",
        "jane@home.example\u202e",
        "jane@home..example",
        ".jane@home.example",
        "jane..doe@home.example",
        '"jane doe"@home.example',
        "jane@[127.0.0.1]",
        "jane@home",
        "jane@-home.example",
        "jane@home.example.1",
        "jane@ho_me.example",
        "jаne@home.example",  # a Cyrillic a
        "a" * 65 + "@home.example",
        "jane@" + "a" * 64 + ".example",
        "jane@" + "a." * 130 + "example",
        "@home.example",
        "jane",
        "",
    ],
)
def test_what_is_no_address_is_not_sent_to(address: str):
    assert deliverable(address) == ""


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("Jane.O'Doe+lawn@Home.Example", "Jane.O'Doe+lawn@home.example"),
        (" jane@home.example ", "jane@home.example"),
        ("jane@münchen.example", "jane@xn--mnchen-3ya.example"),
        ("jane@home.xn--p1ai", "jane@home.xn--p1ai"),
    ],
)
def test_what_is_an_address_is(address: str, sent_to: str):
    assert deliverable(address) == sent_to


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b'"boss@us.example" <evil@x.example>', [("boss@us.example", "evil@x.example")]),
        (b"O'Brien <o'brien@x.example>", [("O'Brien", "o'brien@x.example")]),
        (b"o'brien@x.example", [("", "o'brien@x.example")]),
        (b"Bob <bob@x.example", [("Bob", "bob@x.example")]),
        (b'"open <bob@x.example>', [("open", "bob@x.example")]),
        (b"=?utf-8?q?Bob_=3Cbob=40x.example=3E?=", [("Bob", "bob@x.example")]),
        (b"bob@x.example (Bob (the) Man)", [("Bob the Man", "bob@x.example")]),
        (b"Office: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
        (b"undisclosed recipients:;", []),
        (b"", []),
    ],
)
def test_addresses_are_read_as_people_write_them(header: bytes, found: list[tuple[str, str]]):
    assert [tuple(one) for one in read_addresses(header)] == found


def test_names_that_mean_nobody():
    for nobody in (
        "no-reply",
        "noreply1",
        "shop-noreply",
        "do-not-reply",
        "bounce+x",
        "dont.reply",
    ):
        assert is_no_reply(f"{nobody}@x.example"), nobody
    for somebody in ("reno.reply", "bob", "norah", "reply", "bouncer", "sales"):
        assert not is_no_reply(f"{somebody}@noreply.example"), somebody


@given(st.text())
def test_a_deliverable_address_stays_one(text: str):
    once = deliverable(text)
    assert deliverable(once) == once
    assert not set(once) & set(' \r\n\t,;<>()[]"\\:')
