"""Which doors are open to whom, asked of every address there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.web.browsing import STREAM, Browser
from tests.world import Company

PUBLIC = {
    "auth.sign_in", "auth.take_sign_in", "auth.sign_out", "auth.link", "auth.take_link",
    "health.health", "health.worker", "static", "unsubscribe.ask", "unsubscribe.take",
    "webhooks_slack.interactions", "webhooks_slack.take_command", "webhooks_slack.events",
    "webhooks_leads.take_lead", "webhooks_ses.take_report",
}  # fmt: skip
# One's own account is everybody's to change.
OWN = {"account.set_theme", "account.set_password", "account.end_session", "auth.sign_out"}
SAMPLES = {"number": 1, "batch_id": "x", "token": "x", "token_hash": "00", "filename": "app.css"}


def every(app: Flask, method: str) -> Iterator[tuple[Rule, str]]:
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method in (rule.methods or ()):
                given = {name: SAMPLES[name] for name in rule.arguments}
                yield rule, app.url_for(rule.endpoint, **given)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_strangers_are_sent_to_sign_in(
    app: Flask, browser: Callable[[], Browser], method: str
) -> None:
    here = browser()
    looked_at = 0
    for rule, address in every(app, method):
        if rule.endpoint in PUBLIC:
            continue
        token = {"csrf_token": here.token()} if method == "POST" else None
        answer = here.client.open(address, method=method, data=token)
        assert answer.status_code == 303, address
        assert answer.headers["Location"].startswith("/sign-in"), address
        looked_at += 1
    assert looked_at > 4


def test_a_poll_is_told_that_nobody_is_signed_in(browser: Callable[[], Browser]) -> None:
    assert browser().get("/inbox/changes", headers=STREAM).status_code == 401


def test_viewers_change_nothing(app: Flask, viewer: Browser, office: Company) -> None:
    office.mail()
    office.settle()
    for rule, address in every(app, "POST"):
        if rule.endpoint in PUBLIC | OWN:
            continue
        answer = viewer.post(address)
        assert answer.status_code == 403, address
        assert "may look but not act" in viewer.reads(), address


def test_every_form_needs_its_token(app: Flask, owner: Browser) -> None:
    for rule, address in every(app, "POST"):
        if rule.endpoint.startswith("webhooks") or rule.endpoint == "unsubscribe.take":
            continue
        answer = owner.post(address, token=False)
        assert answer.status_code == 400, address
        assert "stood open too long" in owner.reads()


def test_a_token_of_another_browser_is_worth_nothing(owner: Browser, partner: Browser) -> None:
    stolen = partner.token()
    answer = owner.post("/account/theme", token=False, data={"csrf_token": stolen, "theme": "dark"})
    assert answer.status_code == 400


def test_pages_that_are_not_there(owner: Browser) -> None:
    for address in ("/nothing", "/tasks/999999", "/tasks/999999/changes"):
        assert owner.get(address).status_code == 404, address
        assert "There is nothing here" in owner.reads()
    assert owner.get("/questions/x/answer").status_code == 405
