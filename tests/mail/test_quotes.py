"""What is new in a reply."""

from __future__ import annotations

import pytest

from engine.mail.quotes import fresh, is_reply

GMAIL = "Yes!\n\nOn Mon, Jun 3, 2024 at 9:00 AM Bob <bob@x.example> wrote:\n\n> Hi\n> there"
WRAPPED = "Ok\n\nOn Mon, Jun 3, 2024 at 9:00 AM Bob Something\n<bob@x.example> wrote:\n> hi"
OUTLOOK = (
    "Sure\n\n________________________________\nFrom: Bob <b@x.example>\nSent: Monday\n"
    "To: Jane\nSubject: Re: x\n\nHi"
)
PHONE = (
    "Thanks!\n\nSent from my phone\n\n> On Jun 3, 2024, at 9:00 AM, Bob <b@x.example> wrote:\n> Hi"
)
SPANISH = "Sí\n\nEl lun, 3 jun 2024 a las 9:00, Bob (<b@x.example>) escribió:\n> hola"
BETWEEN = "On Mon Bob wrote:\n> When?\nAt nine.\n> Where?\nHere."


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (GMAIL, "Yes!"),
        (WRAPPED, "Ok"),
        (OUTLOOK, "Sure"),
        (PHONE, "Thanks!\n\nSent from my phone"),
        (SPANISH, "Sí"),
        # A name and a telephone number under the text are not a quote.
        ("Ok\n\n-- \nJane\n612-555-0100", "Ok\n\n-- \nJane\n612-555-0100"),
        (BETWEEN, BETWEEN),
        ("On Mon Bob wrote:\n> only quoted", "On Mon Bob wrote:\n> only quoted"),
        ("", ""),
    ],
)
def test_fresh(text: str, new: str):
    assert fresh(text) == new


@pytest.mark.parametrize(
    ("subject", "in_reply_to", "expected"),
    [
        ("Re: lawn", "", True),
        ("RE[2]: lawn", "", True),
        ("lawn", "<a@b>", True),
        ("lawn", "", False),
        ("Fwd: lawn", "<a@b>", False),
        ("Regarding lawn", "", False),
    ],
)
def test_only_a_reply_is_searched_for_quotes(subject: str, in_reply_to: str, expected: bool):
    assert is_reply(subject, in_reply_to, ()) is expected
