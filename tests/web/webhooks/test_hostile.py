"""Whatever anybody posts unsigned: 401, never a crash, never a row.

Many requests to one app: what they leave behind is looked at once, at the end.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import Databases
from tests.engine.hands import rows
from tests.world import company
from web import create_app

ADDRESSES = [
    "/webhooks/slack/interactions",
    "/webhooks/slack/commands",
    "/webhooks/slack/events",
    "/webhooks/leads",
    "/webhooks/ses",
]
# What a WSGI server can hand over: a header is latin-1 without line breaks.
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=120)
NAMES = st.sampled_from(
    ["X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Engine-Signature", "Content-Type",
     "Content-Encoding", "X-Forwarded-For", "Cookie"]
)  # fmt: skip
HEADERS = st.dictionaries(NAMES, HEADER | st.from_regex(r"v0=[0-9a-f]{64}|t=\d+,v1=[0-9a-f]{64}"))


@pytest.fixture(scope="module")
def hostile(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("hostile")
    with databases.fresh(template) as name, company(databases.dsn(name), folder, web=False) as here:
        yield create_app(here.runtime)
        assert rows(here, "select * from deliveries") == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(address=st.sampled_from(ADDRESSES), headers=HEADERS, body=st.binary(max_size=400))
def test_unsigned_is_401(
    hostile: Flask, address: str, headers: dict[str, str], body: bytes
) -> None:
    given_headers = {
        name: "".join(sign for sign in value if sign >= " " and sign != "\x7f")
        for name, value in headers.items()
    }
    answer = hostile.test_client().post(address, data=body, headers=given_headers)
    assert answer.status_code == 401


@settings(max_examples=50)
@given(token=st.text(max_size=80))
def test_a_token_that_nobody_made_unsubscribes_nobody(hostile: Flask, token: str) -> None:
    from urllib.parse import quote

    address = f"/unsubscribe/{quote(token, safe='')}"
    for answer in (hostile.test_client().get(address), hostile.test_client().post(address)):
        assert answer.status_code in (404, 405, 308)


def test_a_body_without_end_is_413(hostile: Flask) -> None:
    for address in ADDRESSES:
        answer = hostile.test_client().post(address, data=b"x" * (1024 * 1024 + 1))
        assert answer.status_code == 413
