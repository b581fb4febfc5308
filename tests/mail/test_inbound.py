"""Mails that are broken on purpose, and mails that are large or hostile on purpose."""

from __future__ import annotations

import base64
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from engine.mail import Attachment
from engine.mail.inbound import TEXT_LIMIT, read_mail

HEAD = b"From: Jane Doe <jane@customer.example>\r\nSubject: Lawn\r\n"


def read_text(body: bytes, head: bytes = HEAD) -> str:
    return read_mail(head + b"\r\n" + body).text


def multipart(*parts: bytes, kind: bytes = b"mixed", boundary: bytes = b"b1") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind, boundary)
    return HEAD + head + body + b"--" + boundary + b"--\r\n"


PLAIN = b"Content-Type: text/plain\r\n\r\nplain words"
PAGE = b"Content-Type: text/html\r\n\r\n<p>marked <b>words</b></p>"


def test_an_ordinary_mail():
    mail = read_mail(
        b"From: Jane Doe <Jane@Customer.Example>\r\nReply-To: home@jane.example\r\n"
        b"To: Office <office@us.example>, b@us.example\r\nSubject: Lawn\r\n"
        b"Date: Tue, 03 Jun 2025 09:00:00 -0500\r\nMessage-ID: <1@customer.example>\r\n"
        b"In-Reply-To: <0@us.example>\r\nReferences: <a@us.example>\r\n <0@us.example>\r\n"
        b"\r\nYes please.\r\n\r\n"
        b"On Mon, Jun 2, 2025 at 8:00 AM Office <office@us.example> wrote:\r\n"
        b"> Shall we come?\r\n"
    )
    assert mail.sender == "Jane@customer.example"
    assert mail.sender_name == "Jane Doe"
    assert mail.reply_to == "home@jane.example"
    assert mail.to == ("office@us.example", "b@us.example")
    assert mail.subject == "Lawn"
    assert mail.sent_at == datetime(2025, 6, 3, 14, 0, tzinfo=UTC)
    assert mail.message_id == "<1@customer.example>"
    assert mail.in_reply_to == "<0@us.example>"
    assert mail.references == ("<a@us.example>", "<0@us.example>")
    assert "Shall we come?" in mail.text
    assert mail.fresh_text == "Yes please."
    assert (mail.automatic, mail.defects) == ("", ())


def test_of_alternatives_the_plain_text_is_read():
    assert read_mail(multipart(PLAIN, PAGE, kind=b"alternative")).text == "plain words"


def test_an_empty_plain_text_gives_way_to_the_page():
    empty = b"Content-Type: text/plain\r\n\r\n  \r\n"
    assert read_mail(multipart(empty, PAGE, kind=b"alternative")).text == "marked words"


def test_all_texts_around_a_picture_are_read():
    picture = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA"
    mail = read_mail(multipart(PLAIN, picture, PLAIN))
    assert mail.text == "plain words\n\nplain words"
    assert mail.attachments == (Attachment("", "image/png", 3),)


def test_a_text_that_came_as_a_file_is_read_where_there_is_nothing_else():
    part = b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=n.txt\r\n\r\nhi"
    assert read_mail(multipart(part)).text == "hi"
    assert read_mail(multipart(PLAIN, part)).text == "plain words"


def test_a_mail_forwarded_as_attachment_is_read():
    inner = b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\nSubject: s\r\n\r\nQuote me."
    assert read_mail(multipart(inner)).text == "Quote me."


@pytest.mark.parametrize(
    "boundary_line",
    [b"Content-Type: multipart/mixed\r\n", b"Content-Type: multipart/mixed; boundary=other\r\n"],
)
def test_a_boundary_that_is_not_declared_is_found(boundary_line: bytes):
    body = b"\r\n--xx\r\nContent-Type: text/html\r\n\r\n<b>found</b>\r\n--xx--\r\n"
    assert read_mail(HEAD + boundary_line + body).text == "found"


def test_a_multipart_without_parts_is_read_as_text():
    mail = read_mail(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nJust words.")
    assert mail.text == "Just words."
    assert "bad_multipart" in mail.defects


def test_text_right_below_a_boundary_is_not_taken_for_a_header():
    body = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nPhone: 612-555-0100\r\n--b--'
    assert read_mail(HEAD + body).text == "Phone: 612-555-0100"


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_line_breaks_of_every_kind(eol: bytes):
    raw = eol.join([b"From: a@b.example", b"Subject: two", b"  lines", b"", b"one", b"two"])
    mail = read_mail(raw)
    assert (mail.sender, mail.subject) == ("a@b.example", "two lines")
    assert mail.text.replace("\n\n", "\n") == "one\ntwo"


def test_a_mail_without_header_is_all_text():
    mail = read_mail("Grüße, please call me.".encode())
    assert mail.text == "Grüße, please call me."
    assert mail.sender == ""


@pytest.mark.parametrize(
    ("head", "sender", "defects"),
    [
        (b"Subject: x\r\n", "", ("no_from",)),
        (b"From: \r\nSender: s@x.example\r\n", "s@x.example", ("no_from",)),
        (b"Return-Path: <r@x.example>\r\n", "r@x.example", ("no_from",)),
        (b"From: Undisclosed\r\n", "", ("no_from",)),
        (b"From: a@x.example\r\nFrom: b@x.example\r\n", "a@x.example", ("several_from",)),
        (b"From: a@x.example, b@x.example\r\n", "a@x.example", ("several_from",)),
    ],
)
def test_the_sender_is_found_where_there_is_one(head: bytes, sender: str, defects):
    mail = read_mail(head + b"\r\nhi")
    assert (mail.sender, mail.defects) == (sender, defects)


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=nonsense\r\n", "café".encode(), "café"),
        (b"Content-Type: text/plain; charset=utf-8\r\n", b"caf\xe9", "café"),
        (b"Content-Type: text/plain; charset=us-ascii\r\n", "café".encode(), "café"),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n", "“café”".encode("cp1252"), "“café”"),
        (b"Content-Type: text/plain; charset=gb2312\r\n", "镕".encode("gbk"), "镕"),
        (b"Content-Type: text/plain; charset=zlib\r\n", b"x", "x"),
        (b"Content-Type: text/plain; charset=unicode_escape\r\n", rb"\ud800", r"\ud800"),
        (b"Content-Type: text/plain; charset=utf-7\r\n", b"a+2AA-b", "a\ufffdb"),
        (b"Content-Type: text/plain; charset=utf-16\r\n", b"plain", "plain"),
        (b"Content-Type: text/plain\r\n", b"a\x00b\x1bc", "abc"),
        (b"Content-Transfer-Encoding: base64\r\n", b"SSBuZWVkIGEgcXV!\r\nvdGU", "I need a quote"),
        (
            b"Content-Transfer-Encoding: base64\r\n",
            b"SSBuZWVkIGEgcXVvdGUsIHBsZWFzZSBjYWxs\r\n-- ",
            "I need a quote, please call",
        ),
        (
            b"Content-Transfer-Encoding: base64\r\n",
            b"I am not base64, am I?",
            "I am not base64, am I?",
        ),
        (b"Content-Transfer-Encoding: quoted-printable\r\n", b"a=3Db=\r\nc=ZZ =", "a=bc=ZZ "),
        (b"Content-Transfer-Encoding: martian\r\n", b"words", "words"),
        (b"Content-Type: html\r\n", b"<p>words</p>", "words"),
        (b"Content-Type: text/plain\r\n", b"<html><body>words</body></html>", "words"),
    ],
)
def test_wrong_labels_do_not_hide_the_words(head: bytes, body: bytes, text: str):
    assert read_text(body, HEAD + head) == text


def test_what_a_header_may_not_smuggle_in():
    mail = read_mail(
        b"From: =?utf-8?q?Boss=0D=0ABcc=3A_x=40y.example?= <a@b.example>\r\n"
        b"Subject: =?utf-8?q?one=0D=0Atwo=E2=80=AEevil?=\r\n\r\nhi"
    )
    assert mail.sender == "a@b.example"
    assert mail.sender_name == "Boss Bcc: x@y.example"
    assert mail.subject == "one twoevil"


def test_a_long_text_is_cut_and_says_so():
    mail = read_mail(HEAD + b"\r\n" + b"words " * 100_000)
    assert len(mail.text) == TEXT_LIMIT
    assert "text_cut" in mail.defects


def test_ten_megabytes_attached_cost_next_to_nothing():
    payload = base64.encodebytes(bytes(range(256)) * 40_000)
    part = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = multipart(PLAIN, part + payload)
    tracemalloc.start()
    started = time.process_time()
    mail = read_mail(raw)
    seconds = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mail.text == "plain words"
    assert abs(mail.attachments[0].size - 10_240_000) < 10
    assert peak < 4_000_000  # of 13.8 MB read
    assert seconds < 15


HOSTILE = {
    "nested parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)
    ),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n\n" * 500_000,
    "almost parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bX\n" * 500_000,
    "no line break": b"\n" + b"x" * 5_000_000,
    "only header lines": b"x: y\n" * 500_000,
    "open comments": b"Content-Type: text/html\n\n" + b"<!--" * 100_000,
    "open tags": b"Content-Type: text/html\n\n" + b'<a "' * 100_000,
    "open words": b"X: y\nSubject: " + b"=?utf-8?q?x" * 10_000 + b"\n\n",
    "open quotes": b'X: y\nTo: "' + b'\\"(<' * 20_000 + b"\n\n",
    "parameters": b"Content-Type: text/plain" + b';name*0="b' * 6000 + b"\n\n",
    "a quote in a quote": b"In-Reply-To: <a@b>\n\n" + b"> On a wrote:\n" * 100_000,
    "a line above a quote": b"In-Reply-To: <a@b>\n\n" + b"On " * 100_000,
    "endless digits": b"Content-Type: text/html\n\n&#" + b"9" * 100_000 + b";",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_costs_no_more_than_seconds(name: str):
    started = time.process_time()
    mail = read_mail(b"From: a@b.example\n" + HOSTILE[name])
    assert time.process_time() - started < 30  # a quadratic path takes minutes
    assert mail.sender == "a@b.example"
