"""A person at a browser without scripts: follows links, fills in forms, keeps cookies.

A form is sent as it stands in the page, its hidden fields and its token included, so a
page whose form lacks one fails here as it would in a browser.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine import users
from tests.world import Company

STREAM = {"Accept": "text/vnd.turbo-stream.html, text/html"}


class Browser:
    def __init__(self, app: Flask, office: Company) -> None:
        self.client: FlaskClient = app.test_client()
        self.office = office
        self.page = ""

    # -- who ------------------------------------------------------------------------

    def sign_in(self, email: str = "owner@example.com") -> Browser:
        """By a one-time link, as `bin/engine user link` makes it."""
        self.get(urlsplit(link(self.office, email)).path)
        assert self.send(button="Sign in").status_code == 303
        return self

    # -- pages ----------------------------------------------------------------------

    def get(self, path: str, **more: Any) -> TestResponse:
        response = self.client.get(path, **more)
        self.page = response.get_data(as_text=True)
        return response

    def post(self, path: str, *, token: bool = True, **more: Any) -> TestResponse:
        """Past the page's forms: what a script, or somebody else's page, would send."""
        data = dict(more.pop("data", {}))
        if token:
            data["csrf_token"] = self.token()
        response = self.client.post(path, data=data, **more)
        self.page = response.get_data(as_text=True)
        return response

    def send(
        self, *, button: str, headers: dict[str, str] | None = None, **typed: str
    ) -> TestResponse:
        """Press the first button that says so, in the form that it stands in."""
        action, fields = self._form(button)
        fields |= {name.replace("__", ":"): value for name, value in typed.items()}
        response = self.client.post(action, data=fields, headers=headers)
        self.page = response.get_data(as_text=True)
        return response

    def follow(self, response: TestResponse) -> TestResponse:
        assert response.status_code in (302, 303), response.status
        return self.get(response.headers["Location"])

    def token(self) -> str:
        if "csrf_token" not in self.page:
            self.get("/account" if self.client.get("/account").status_code == 200 else "/sign-in")
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        assert found, "the page has no form"
        return found[1]

    # -- what stands there ------------------------------------------------------------

    def reads(self) -> str:
        """The page's text, as one line."""
        text = re.sub(r"<(script|style|svg|title).*?</\1>", " ", self.page, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())

    def _form(self, button: str) -> tuple[str, dict[str, str]]:
        for form in re.finditer(r"<form\b([^>]*)>(.*?)</form>", self.page, re.S):
            head, body = form[1], form[2]
            pressed = self._button(body, button)
            if pressed is None:
                continue
            fields = dict(self._inputs(body)) | pressed
            action = re.search(r'action="([^"]*)"', head)
            return unescape(action[1]) if action else "", fields
        raise AssertionError(f"no form has a button {button!r}: {self.reads()[:2000]}")

    @staticmethod
    def _button(body: str, wanted: str) -> dict[str, str] | None:
        for found in re.finditer(r"<button\b([^>]*)>(.*?)</button>", body, re.S):
            visible = re.sub(r"<kbd>.*?</kbd>|<[^>]+>", "", found[2])
            if unescape(visible).strip() == wanted:
                given = dict(re.findall(r'\b(name|value)="([^"]*)"', found[1]))
                return {given["name"]: unescape(given["value"])} if "name" in given else {}
        return None

    @staticmethod
    def _inputs(body: str) -> list[tuple[str, str]]:
        """Fields with the values that a browser would send: a text area loses the line
        break after its tag and sends CRLF."""
        found = []
        for attributes in re.findall(r"<input\b([^>]*)>", body):
            given = dict(re.findall(r'\b(name|value|type)="([^"]*)"', attributes))
            if "name" in given and given.get("type") != "checkbox":
                found.append((given["name"], unescape(given.get("value", ""))))
        for attributes, text in re.findall(r"<textarea\b([^>]*)>(.*?)</textarea>", body, re.S):
            name = re.search(r'\bname="([^"]*)"', attributes)
            if name:
                shown = unescape(text.removeprefix("\n"))
                found.append((name[1], shown.replace("\n", "\r\n")))
        return found


def link(office: Company, email: str, *, minutes: float = 15) -> str:
    runtime = office.runtime
    with runtime.database.transaction("link") as conn:
        user = users.get_by_email(conn, email)
        return users.make_sign_in_link(conn, runtime.settings, user.id, minutes=minutes)
