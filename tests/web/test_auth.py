"""Coming in, staying in, being put out."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask

from engine import passwords, users
from engine.attempts import BY_EMAIL
from tests.engine.hands import rows, setting
from tests.web.browsing import Browser, link
from tests.world import Company
from web import create_app

OWNER = "owner@example.com"
PASSWORD = "four words in a row"

Browsers = Callable[[], Browser]


def give_password(office: Company, email: str = OWNER) -> None:
    with office.runtime.database.transaction("password") as conn:
        users.set_password(conn, users.get_by_email(conn, email).id, PASSWORD, by="test")


def try_password(
    browser: Browser, password: str = PASSWORD, email: str = OWNER, **more: str
) -> int:
    browser.get("/sign-in")
    return browser.send(button="Sign in", email=email, password=password, **more).status_code


# -- links --------------------------------------------------------------------------


def test_a_link_signs_in_once(browser: Browsers, office: Company) -> None:
    path = urlsplit(link(office, OWNER)).path
    first, second = browser(), browser()
    first.get(path)
    second.get(path)
    assert "Hello Chris" in first.reads()
    assert first.follow(first.send(button="Sign in")).status_code == 200
    assert second.send(button="Sign in").status_code == 410
    assert second.get("/inbox").status_code == 303


def test_looking_at_a_link_uses_nothing_up(browser: Browsers, office: Company) -> None:
    path = urlsplit(link(office, OWNER)).path
    scanner = browser()
    for _ in range(5):
        assert scanner.get(path).status_code == 200
    assert scanner.client.head(path).status_code == 200
    assert scanner.send(button="Sign in").status_code == 303


def test_a_link_runs_out(browser: Browsers, office: Company) -> None:
    path = urlsplit(link(office, OWNER, minutes=0.0001)).path
    time.sleep(0.05)
    here = browser()
    assert here.get(path).status_code == 410
    assert "bin/engine user link" in here.reads()


def test_an_unknown_link_is_refused_as_a_used_one(browser: Browsers) -> None:
    assert browser().get("/sign-in/link/" + "x" * 43).status_code == 410


# -- passwords ----------------------------------------------------------------------


def test_the_right_password_opens_the_page_that_was_asked_for(
    browser: Browsers, office: Company
) -> None:
    give_password(office)
    here = browser()
    asked = here.get("/tasks?show=failed")
    assert here.follow(asked).status_code == 200
    answer = here.send(button="Sign in", email=OWNER.upper(), password=PASSWORD)
    assert answer.headers["Location"] == "/tasks?show=failed"


def test_a_wrong_password_and_an_unknown_address_read_the_same(
    browser: Browsers, office: Company
) -> None:
    give_password(office)
    here = browser()
    assert try_password(here, "not the password") == 401
    wrong = here.reads().replace(OWNER, "")
    assert try_password(here, "not the password", "nobody@example.com") == 401
    assert here.reads().replace("nobody@example.com", "") == wrong


def test_an_unknown_address_is_hashed_for_all_the_same(
    browser: Browsers, office: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(office)
    verified: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(passwords_hasher, name)

        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return passwords_hasher.verify(stored, password)

    passwords_hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    for email in (OWNER, "nobody@example.com", "partner@example.com"):
        try_password(browser(), "not the password", email)
    parameters = {stored.rsplit("$", 2)[0] for stored in verified}
    assert len(verified) == 3
    assert len(parameters) == 1


def test_who_has_no_password_does_not_come_in_by_an_empty_one(browser: Browsers) -> None:
    assert try_password(browser(), "") == 401


def test_a_disabled_user_stays_out(browser: Browsers, office: Company) -> None:
    give_password(office, "partner@example.com")
    signed_in = browser().sign_in("partner@example.com")
    with office.runtime.database.transaction("disable") as conn:
        users.disable(conn, users.get_by_email(conn, "partner@example.com").id, by="test")
    assert signed_in.get("/inbox").status_code == 303
    assert try_password(browser(), email="partner@example.com") == 401


@pytest.mark.parametrize(
    "where", ["//elsewhere.example", "/\\elsewhere.example", "https://x.y", "x"]
)
def test_nobody_is_sent_to_another_site(browser: Browsers, office: Company, where: str) -> None:
    give_password(office)
    here = browser()
    here.get("/sign-in")
    answer = here.send(button="Sign in", email=OWNER, password=PASSWORD, next=where)
    assert answer.headers["Location"] == "/inbox"


# -- too many tries -------------------------------------------------------------------


def test_one_address_is_slowed_down_and_told_for_how_long(
    browser: Browsers, office: Company
) -> None:
    give_password(office)
    here = browser()
    for _ in range(BY_EMAIL.burst):
        assert try_password(here, "not the password") == 401
    here.get("/sign-in")
    refused = here.send(button="Sign in", email=OWNER, password=PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= BY_EMAIL.gap
    assert try_password(here, "not the password", "other@example.com") == 401


def test_a_link_gets_past_somebody_who_hammers(browser: Browsers, office: Company) -> None:
    for _ in range(BY_EMAIL.burst + 2):
        try_password(browser(), "not the password")
    browser().sign_in()


def test_coming_in_makes_earlier_tries_count_for_nothing(
    browser: Browsers, office: Company
) -> None:
    give_password(office)
    here = browser()
    for _ in range(2):
        for _ in range(BY_EMAIL.burst - 1):
            assert try_password(here, "not the password") == 401
        assert try_password(here) == 303
        here = browser()


def test_tries_are_kept_without_addresses(browser: Browsers, office: Company) -> None:
    try_password(browser(), "not the password")
    kept = rows(office, "select * from rate_limits where vendor like 'sign_in%%'")
    assert len(kept) == 2
    assert OWNER not in str(kept)
    assert "127.0.0.1" not in str(kept)


# -- staying and going ----------------------------------------------------------------


def test_only_the_hash_of_a_token_is_stored(owner: Browser, office: Company) -> None:
    token = owner.client.get_cookie("signed-in")
    assert token is not None
    stored = str(rows(office, "select * from sessions"))
    assert token.value not in stored


def test_signing_out_ends_it_on_the_server(owner: Browser) -> None:
    kept = owner.client.get_cookie("signed-in")
    owner.get("/account")
    assert owner.send(button="Sign out").status_code == 303
    assert kept is not None
    owner.client.set_cookie("signed-in", kept.value)
    assert owner.get("/inbox").status_code == 303


def test_signing_in_never_takes_over_a_token_that_was_there(
    browser: Browsers, office: Company
) -> None:
    here = browser()
    here.client.set_cookie("signed-in", "planted-by-somebody-else")
    here.sign_in()
    now = here.client.get_cookie("signed-in")
    assert now is not None
    assert now.value != "planted-by-somebody-else"
    thief = browser()
    thief.client.set_cookie("signed-in", "planted-by-somebody-else")
    assert thief.get("/inbox").status_code == 303


def test_another_device_can_be_signed_out(browser: Browsers) -> None:
    phone, laptop = browser().sign_in(), browser().sign_in()
    laptop.get("/account")
    assert laptop.reads().count("last used") == 2
    assert laptop.send(button="Sign out An unknown device").status_code == 303
    assert phone.get("/inbox").status_code == 303
    assert laptop.get("/inbox").status_code == 200


def test_nobody_ends_another_ones_sign_in(
    owner: Browser, partner: Browser, office: Company
) -> None:
    theirs = rows(
        office,
        "select s.token_hash from sessions s join users u on u.id = s.user_id where u.email = %s",
        "partner@example.com",
    )[0]["token_hash"]
    owner.post(f"/account/devices/{bytes(theirs).hex()}/sign-out")
    assert partner.get("/inbox").status_code == 200


@pytest.mark.parametrize(
    "change", ["last_seen_at = now() - interval '8 days'", "expires_at = now() - interval '1 s'"]
)
def test_a_sign_in_ends_by_itself(owner: Browser, office: Company, change: str) -> None:
    with office.runtime.database.statement("age") as conn:
        conn.execute(f"update sessions set {change}".encode())
    assert owner.get("/inbox").status_code == 303


def test_a_new_password_puts_the_other_devices_out(browser: Browsers, office: Company) -> None:
    phone, laptop = browser().sign_in(), browser().sign_in()
    laptop.get("/account")
    assert laptop.send(button="Save", new="short").status_code == 422
    assert "at least 12 characters" in laptop.reads()
    assert laptop.send(button="Save", new=PASSWORD).status_code == 303
    assert phone.get("/inbox").status_code == 303
    assert laptop.get("/inbox").status_code == 200
    laptop.get("/account")
    assert laptop.send(button="Save", now="wrong", new="another four words").status_code == 422
    assert try_password(browser()) == 303


def test_cookies_over_tls_belong_to_this_host_alone(app: Flask, office: Company) -> None:
    with setting(office, web_base_url="https://office.example"):
        here = Browser(create_app(office.runtime), office)
        path = urlsplit(link(office, OWNER)).path
        here.client.get(path, base_url="https://office.example")
        page = here.client.get(path, base_url="https://office.example")
        here.page = page.get_data(as_text=True)
        answer = here.client.post(
            path, data={"csrf_token": here.token()}, base_url="https://office.example"
        )
    assert answer.status_code == 303
    kept = next(line for line in answer.headers.getlist("Set-Cookie") if "signed-in" in line)
    assert kept.startswith("__Host-signed-in=")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in kept
    assert "Domain" not in kept
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
