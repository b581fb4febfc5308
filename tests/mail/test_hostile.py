"""Whatever bytes come, a mail is read: no error, and nothing that PostgreSQL refuses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.mail import InboundMail
from engine.mail.automatic import automatic_reason
from engine.mail.inbound import read_mail
from engine.mail.markup import to_text
from engine.mail.recipients import FormRelay, recipient
from tests.mail.samples import all_samples, needs_samples

RELAY = FormRelay.model_validate({"from": "*@b.example", "email_field": "E-Mail"})
SNIPPETS = [
    b"From: a@b.example\r\n",
    b"From: =?utf-8?b?/////w==?= <",
    b"Subject: =?utf-7?q?+2AA-?=\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"Content-Type: multipart/alternative; boundary*0*=utf-8''%ff\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n",
    b"Content-Type: text/plain; charset=\x00\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n",
    b"Content-Disposition: attachment; filename*0*=x''%00; filename*1=y\r\n",
    b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n",
    b"Message-ID: <<<>>>\r\n",
    b"References: <a@b> <\xff@c>\r\n",
    b"Auto-Submitted: ;;\r\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"\r\n",
    b"\r",
    b"\x00",
    b"\xed\xa0\x80",
    b"=?",
    b"<p style='display:none'><![CDATA[&#xd800;&#0;",
    b"On Mon, x wrote:\r\n> y\r\n",
    b"E-Mail: c@d.example\r\n",
]
RAW = st.one_of(
    st.binary(max_size=2000),
    st.lists(st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=20)), max_size=30).map(
        b"".join
    ),
)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for one in value for text in texts_in(one)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for one in fields(value) for text in texts_in(getattr(value, one.name))]
    return []


def check(mail: InboundMail) -> None:
    assert "unreadable" not in mail.defects
    for text in texts_in(mail):
        text.encode("utf-8")
        assert "\0" not in text
        assert "\r" not in text
    for line in (mail.sender, mail.sender_name, mail.subject, mail.message_id, mail.reply_to):
        assert "\n" not in line
    automatic_reason(mail, [RELAY])
    found = recipient(mail, [RELAY])
    if found is not None:
        assert found.address.isascii()
        assert found.address.count("@") == 1
        assert not set(found.address) & set(' \n\r,;<>()"')


@given(RAW)
@settings(max_examples=400)
def test_any_bytes_are_read(raw: bytes):
    check(read_mail(raw, frozenset({"a@b.example"})))


@needs_samples
@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_real_mails_are_read_with_pieces_torn_out_and_put_in(data: st.DataObject):
    raw = data.draw(st.sampled_from(all_samples())).read_bytes()
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 200)))
        put = data.draw(st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=10)))
        raw = raw[:start] + put + raw[end:]
    check(read_mail(raw))


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "<",
                    ">",
                    "</",
                    "<!--",
                    "-->",
                    "<p>",
                    "</p>",
                    "<td>",
                    "<a href=x>",
                    "</a>",
                    "<pre>",
                ]
            ),
            st.sampled_from(["<blockquote>", "<div style='display:none'>", '"', "&amp;", "<br/>"]),
            st.text(max_size=10),
        ),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=300)
def test_any_page_becomes_text(page: str):
    to_text(page)
