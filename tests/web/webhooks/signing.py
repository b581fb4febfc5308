"""Signing as Slack does. The stand-in signs with the SDK's own signer, which can sign no
bytes that are not UTF-8 and nothing with an empty secret; attackers can."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from engine.slack.verification import sign

SECRET = "local-signing-secret"
FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, *, at: float = 0, secret: str = SECRET) -> dict[str, str]:
    """`at` is in seconds from now."""
    timestamp = str(int(time.time() + at))
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret, timestamp, body),
    }


def post(app: Flask, where: str, body: Any, *, secret: str = SECRET) -> TestResponse:
    raw = body if isinstance(body, bytes) else str(body).encode()
    kind = "application/json" if where == "events" else FORM
    return app.test_client().post(
        f"/webhooks/slack/{where}",
        data=raw,
        headers=signed(raw, secret=secret) | {"Content-Type": kind},
    )
