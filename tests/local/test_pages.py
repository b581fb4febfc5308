"""The stand-ins' plain pages: they show what is there, escape it, and can order trouble."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, request

from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.leads import signature
from web.local.world import World

SECRET = "lead-secret"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.sqlite")


@pytest.fixture
def received() -> list[Any]:
    return []


@pytest.fixture
def local(world: World, received: list[Any], tmp_path: Path) -> Iterator[httpx.Client]:
    engine = Flask("engine")

    @engine.post("/webhooks/leads")
    def leads() -> str:
        header = request.headers["X-Engine-Signature"]
        at = int(header.split(",")[0].removeprefix("t="))
        assert header == signature(SECRET, at, request.get_data())
        assert abs(time.time() - at) < 60
        received.append(request.get_json())
        return "taken"

    with serve(engine) as engine_url:
        settings = LocalSettings(
            engine_url=engine_url, webhook_secret=SECRET, maildir=str(tmp_path / "maildir")
        )
        with (
            serve(create_local_app(world, settings)) as url,
            httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as client,
        ):
            yield client


@pytest.mark.parametrize(
    "path", ["/", "/slack/_view/", "/outbox/", "/crm-list/", "/requests/", "/lead/"]
)
def test_every_page_says_that_it_is_a_stand_in_and_runs_only_its_own_script(
    local: httpx.Client, path: str
):
    page = local.get(path)
    assert page.status_code == 200
    assert "Stand-in." in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_the_outbox_shows_mails_and_shuts_their_html_in(local: httpx.Client, world: World):
    mail = {"id": "m1", "at": 1.0, "from": "a@b.example", "to": ["c@d.example"], "subject": EVIL}
    world.put(
        "outbox", "m1", mail | {"text": EVIL, "html": EVIL, "headers": [], "tags": {"k": "v"}}
    )
    page = local.get("/outbox/").text
    assert EVIL not in page
    assert "c@d.example" in page
    html = local.get("/outbox/m1/html")
    assert "default-src 'none'" in html.headers["Content-Security-Policy"]
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert local.get("/outbox/none/html").status_code == 404


def test_the_request_log_hides_keys(local: httpx.Client):
    local.post("/slack/api/auth.test", headers={"Authorization": "Bearer xoxb-very-secret"})
    page = local.get("/requests/").text
    assert "auth.test" in page
    assert "very-secret" not in page


def test_a_fault_is_ordered_and_cleared(local: httpx.Client):
    fault = {"vendor": "slack", "kind": "answer", "status": 429, "headers": {"Retry-After": "3"}}
    assert local.post("/_local/faults", json=fault | {"times": 2}).status_code == 201
    struck = local.post("/slack/api/auth.test")
    assert (struck.status_code, struck.headers["Retry-After"]) == (429, "3")
    local.delete("/_local/faults")
    assert local.post("/slack/api/auth.test").status_code == 200


def test_a_fault_is_ordered_from_the_page(local: httpx.Client):
    page = local.post("/_local/faults", data={"vendor": "slack", "kind": "answer", "status": "503"})
    assert page.url.path == "/requests/"
    assert local.post("/slack/api/auth.test").status_code == 503


@pytest.mark.parametrize("fault", [{}, {"vendor": "slack"}, {"vendor": "x", "kind": "slow"}])
def test_a_fault_of_no_kind_is_refused(local: httpx.Client, fault: dict[str, str]):
    assert local.post("/_local/faults", json=fault).status_code == 400


def test_a_dropped_request_does_nothing(local: httpx.Client, world: World):
    local.post("/_local/faults", json={"vendor": "slack", "kind": "drop_before"})
    body = {"channel": "C0LEADS", "text": "hi"}
    with pytest.raises(httpx.TransportError):
        local.post("/slack/api/chat.postMessage", json=body, headers={"Authorization": "xoxb-1"})
    assert world.count("slack_message") == 0


def test_the_websites_form_is_signed(local: httpx.Client, received: list[Any]):
    page = local.post("/lead/", data={"how": "form", "name": "Mike", "email": "m@e.example"})
    assert "The engine answered 200: taken" in page.text
    (lead,) = received
    assert (lead["name"], lead["email"], lead["phone"]) == ("Mike", "m@e.example", "")
    assert lead["id"]


def test_a_mail_lands_in_the_mailbox(local: httpx.Client, tmp_path: Path):
    mail = {"how": "mail", "name": "Dana Ø", "email": "d@e.example", "subject": "Hi\nBcc: x"}
    local.post("/lead/", data=mail | {"text": "Hello\n\nDana"})
    raw = b"Subject: raw\r\n\r\n\xff broken"
    local.post("/lead/", data={"how": "raw"}, files={"file": ("m.eml", raw)})
    stored = [file.read_bytes() for file in (tmp_path / "maildir").rglob("new/*")]
    assert len(stored) == 2
    assert raw in stored
    written = next(mail for mail in stored if mail != raw)
    assert b"Subject: Hi Bcc: x" in written


def test_another_site_cannot_press_anything(local: httpx.Client):
    reply = local.post("/lead/", data={"how": "form"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403


def test_a_body_is_laid_out(local: httpx.Client):
    local.post("/slack/api/users.info", content=json.dumps({"user": "U1"}))
    local.post("/slack/api/users.info", data={"user": "U1", "limit": "5"})
    page = local.get("/requests/?vendor=slack").text
    assert "user = U1" in page


def test_the_first_page_says_that_schedules_rest(local: httpx.Client) -> None:
    assert "/sop run past_customer_reactivation" in local.get("/").text
