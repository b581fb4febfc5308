"""Slack's signature: what Slack signs passes, and nothing else raises anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from engine.slack.verification import SignatureInvalid, sign, verify

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_700_000_000.0
BODY = b"payload=%7B%22type%22%3A%22block_actions%22%7D"


def signed(body: bytes = BODY, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(at))
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret, timestamp, body),
    }


def test_what_the_sdk_signs_passes():
    timestamp = str(int(NOW))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=BODY)
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature or ""}
    verify(SECRET, headers, BODY, NOW)


def test_a_body_that_is_not_utf_8_is_signed_like_any_other():
    verify(SECRET, signed(b"\xff\xfe\x00"), b"\xff\xfe\x00", NOW)


@pytest.mark.parametrize("skew", [-300, 300])
def test_five_minutes_are_allowed(skew: int):
    verify(SECRET, signed(at=NOW + skew), BODY, NOW)


@pytest.mark.parametrize("skew", [-301, 301, 10_000_000])
def test_older_or_later_is_refused(skew: int):
    with pytest.raises(SignatureInvalid):
        verify(SECRET, signed(at=NOW + skew), BODY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Signature": signed()["X-Slack-Signature"].upper()},
        {"X-Slack-Signature": signed()["X-Slack-Signature"] + "\n"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "١٧٠٠٠٠٠٠٠٠"},
        {"X-Slack-Request-Timestamp": "1700000000.5"},
        {"X-Slack-Request-Timestamp": "-1700000000"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
    ],
)
def test_forged_or_malformed_is_refused(change: dict[str, str]):
    with pytest.raises(SignatureInvalid):
        verify(SECRET, signed() | change, BODY, NOW)


def test_another_body_is_refused():
    with pytest.raises(SignatureInvalid):
        verify(SECRET, signed(), BODY + b" ", NOW)


def test_another_secret_is_refused():
    with pytest.raises(SignatureInvalid):
        verify(SECRET, signed(secret="somebody-else"), BODY, NOW)


def test_without_a_secret_nothing_passes():
    with pytest.raises(SignatureInvalid):
        verify("", signed(secret=""), BODY, NOW)


def test_a_clock_that_is_no_number_lets_nothing_through():
    with pytest.raises(SignatureInvalid):
        verify(SECRET, signed(), BODY, float("nan"))


anything = st.text() | st.text("0123456789v=abcdef", min_size=10)


@given(anything, anything, st.binary(), st.floats())
def test_no_request_raises_anything_else(timestamp: str, signature: str, body: bytes, now: float):
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    with pytest.raises(SignatureInvalid):
        verify(SECRET, headers, body, now)
