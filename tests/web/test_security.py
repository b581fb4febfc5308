"""What every answer carries."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from engine.errors import SettingsInvalid
from tests.engine.hands import setting
from tests.web.browsing import Browser
from tests.world import Company
from web import create_app

TEMPLATES = sorted((Path(__file__).parents[2] / "web" / "templates").rglob("*.html"))


def policy(browser: Browser, path: str) -> str:
    return browser.get(path).headers["Content-Security-Policy"]


def test_no_page_may_run_or_load_what_is_not_ours(owner: Browser) -> None:
    for path in ("/inbox", "/tasks", "/account", "/nothing", "/healthz", "/unsubscribe/x"):
        given = policy(owner, path)
        assert "default-src 'none'" in given
        assert "frame-ancestors 'none'" in given
        assert "unsafe" not in given
        headers = owner.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers, "not without TLS"


def test_the_import_map_is_the_one_script_in_the_page(owner: Browser) -> None:
    given = policy(owner, "/inbox")
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", owner.page, re.S)
    assert len(inline) == 1
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in given


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_styles_or_handlers(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\bstyle=|\bon[a-z]+=\"|javascript:", text)


def test_static_files_are_kept_under_an_address_that_changes_with_them(owner: Browser) -> None:
    owner.get("/inbox")
    address = re.search(r'href="(/static/app\.css\?v=[0-9a-f]+)"', owner.page)
    assert address
    assert "immutable" in owner.client.get(address[1]).headers["Cache-Control"]
    assert owner.client.get("/static/app.css").headers["Cache-Control"] == "no-cache"


def test_a_page_does_not_quote_a_customer_as_markup(owner: Browser, office: Company) -> None:
    evil = '<img src=x onerror=alert(1)>"&\u202e'
    raw = (
        "From: =?utf-8?q?=3Cscript=3Ealert=281=29?= <evil@example.com>\r\n"
        "To: office@snowmass.example\r\n"
        f"Subject: {evil.encode('ascii', 'replace').decode()}\r\n"
        "Message-ID: <evil@example.com>\r\n\r\n"
        "<script>alert(2)</script> please mow my lawn, new customer, how much for a quote?\r\n"
    )
    office.raw_mail(raw.encode())
    office.settle()
    for path in ("/inbox", "/tasks", "/tasks/1"):
        owner.get(path)
        assert "alert(" in owner.page
        assert "<script>alert" not in owner.page
        assert "<img src=x" not in owner.page


def test_a_short_secret_is_refused(office: Company) -> None:
    with setting(office, secret_key=SecretStr("short")), pytest.raises(SettingsInvalid):
        create_app(office.runtime)


def test_the_caller_is_who_the_platform_says_only_behind_one(app: Flask, office: Company) -> None:
    seen: list[str | None] = []

    def note() -> None:
        from flask import request

        seen.append(request.remote_addr)

    spoofed = {"X-Forwarded-For": "203.0.113.9"}
    app.before_request(note)
    app.test_client().get("/healthz", headers=spoofed)
    with setting(office, web_base_url="https://office.example"):
        behind = create_app(office.runtime)
    behind.before_request(note)
    behind.test_client().get("/healthz", headers=spoofed)
    assert seen == ["127.0.0.1", "203.0.113.9"]
