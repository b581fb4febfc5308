"""What is composed is what was approved, and nothing else can get into it."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.composition import compose, quoted_printable, to_html
from engine.mail.inbound import read_mail

SENDER = Address("Snow & Lawn, Inc.", "office@us.example")
AT = datetime(2025, 6, 3, 14, 0, tzinfo=UTC)
MAIL = OutgoingMail(
    to="jane@home.example",
    to_name="Jane Doe",
    subject="Your quote",
    text="Hello Jane,\n\nsee https://us.example/q?a=1&b=2.\n\n-- \nUs\n1 Main St",
    reply_to="office+t1@us.example",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=120)


def parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def text_of(raw: bytes, kind: str = "plain") -> str:
    part = parse(raw).get_body((kind,))
    assert part is not None
    assert not part.defects
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


def test_an_answer():
    raw = compose(replace(MAIL, in_reply_to="<q@home.example>"), SENDER, "t1:send", at=AT)
    message = parse(raw)
    assert message["From"] == '"Snow & Lawn, Inc." <office@us.example>'
    assert message["To"] == "Jane Doe <jane@home.example>"
    assert message["Subject"] == "Your quote"
    assert message["Reply-To"] == "office+t1@us.example"
    assert message["In-Reply-To"] == "<q@home.example>"
    assert message["Date"].datetime == AT
    assert message["Message-ID"].endswith("@us.example>")
    assert "Auto-Submitted" not in message  # a person has read and sent it
    assert "List-Unsubscribe" not in message
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_campaign_can_be_left_with_one_click():
    url = "https://us.example/unsubscribe/abc_-123"
    raw = compose(replace(MAIL, commercial=True, unsubscribe_url=url), SENDER, "t1")
    message = parse(raw)
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_mail_that_nobody_approved_says_so():
    assert parse(compose(MAIL, SENDER, "t", approved=False))["Auto-Submitted"] == "auto-generated"
    answer = replace(MAIL, in_reply_to="<q@home.example>")
    assert parse(compose(answer, SENDER, "t", approved=False))["Auto-Submitted"] == "auto-replied"


def test_the_same_mail_is_composed_alike():
    assert compose(MAIL, SENDER, "t1", at=AT) == compose(MAIL, SENDER, "t1", at=AT)
    assert compose(MAIL, SENDER, "t1", at=AT) != compose(MAIL, SENDER, "t2", at=AT)


def test_references_keep_the_beginning_and_the_end_of_a_thread():
    ids = tuple(f"<{n:040}{'x' * 60}@home.example>" for n in range(60))
    raw = compose(replace(MAIL, references=(*ids, "broken", "<a b@c>")), SENDER, "t1")
    kept = read_mail(raw).references
    assert (kept[0], kept[-1], len(kept)) == (ids[0], ids[-1], 20)
    assert max(map(len, raw.split(b"\r\n"))) < 998


@given(text=TEXT)
@settings(max_examples=300)
def test_the_text_part_is_the_approved_text(text: str):
    raw = compose(replace(MAIL, text=text), SENDER, "t1", at=AT)
    assert text_of(raw).replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 200
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)


@given(text=TEXT)
def test_quoted_printable_keeps_to_its_rules(text: str):
    for line in quoted_printable(text).split("\r\n"):
        assert len(line) <= 76
        assert not line.endswith((" ", "\t"))
        assert not line.startswith("From ")


@given(subject=LINE, name=LINE)
@settings(max_examples=300)
def test_names_and_subjects_arrive_as_written(subject: str, name: str):
    raw = compose(replace(MAIL, subject=subject, to_name=name), SENDER, "t1", at=AT)
    message = parse(raw)
    assert [key for key in message.keys() if key in {"Bcc", "Cc"}] == []  # noqa: SIM118
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == "jane@home.example"
    assert raw.isascii()
    ours = read_mail(raw)
    assert ours.to == ("jane@home.example",)
    assert ours.subject.split() == subject.split()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "jane@home.example\nBcc: x@y.example"}, "recipient_invalid"),
        ({"to": "jane@home.example, x@y.example"}, "recipient_invalid"),
        ({"to": ""}, "recipient_invalid"),
        ({"to": "jane@münchen.example"}, "recipient_invalid"),
        ({"to_name": "Jane\r\nBcc: x@y.example"}, "recipient_name_invalid"),
        ({"subject": "Hi\nBcc: x@y.example"}, "subject_invalid"),
        ({"subject": "Hi\x00"}, "subject_invalid"),
        ({"reply_to": "x@y.example\nX: y"}, "reply_to_invalid"),
        ({"text": "half \ud83d a character"}, "text_invalid"),
        ({"text": "nothing\x00"}, "text_invalid"),
        ({"commercial": True}, "unsubscribe_missing"),
        ({"unsubscribe_url": "https://x.example/>\r\nBcc: a@b.example"}, "unsubscribe_invalid"),
        ({"unsubscribe_url": "javascript:x"}, "unsubscribe_invalid"),
        ({"unsubscribe_url": "https://x.example/" + "x" * 2000}, "list-unsubscribe_too_long"),
        ({"to_name": "x " * 600}, "to_too_long"),
    ],
)
def test_what_cannot_be_sent_as_approved_is_refused(change: dict, code: str):
    with pytest.raises(Refused) as caught:
        compose(replace(MAIL, **change), SENDER, "t1")
    assert code in str(caught.value)


def test_a_message_id_that_is_none_is_left_out():
    raw = compose(replace(MAIL, in_reply_to="<a@b>\r\nBcc: x@y.example"), SENDER, "t1")
    assert b"Bcc" not in raw
    assert "In-Reply-To" not in parse(raw)


def test_the_page_shows_the_text_and_nothing_more():
    page = to_html('<script>"&"\n\nSee (https://x.example/a?b=1&c=2).\nNext  line')
    assert "<script>" not in page
    assert "<p>&lt;script&gt;&quot;&amp;&quot;</p>" in page
    link = '<a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>'
    assert f"See ({link}).<br>\nNext &nbsp;line" in page


@given(text=TEXT)
def test_the_page_has_no_tags_but_ours(text: str):
    body = to_html(text).split('1.5">\n', 1)[1]
    assert set(re.findall(r"<[^>]*>", body)) <= {
        "<p>", "</p>", "<br>", "</a>", "</body>", "</html>",
        *re.findall(r'<a href="https?://[^"<>\s]*">', body),
    }  # fmt: skip
