"""One click and no more mail with offers."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from engine.keyed_hash import contact_hash
from engine.mail.unsubscribe import unsubscribe_url
from tests.engine.hands import rows
from tests.world import Company

ADDRESS = "Ann@Example.com"


def path(office: Company) -> str:
    return urlsplit(unsubscribe_url(office.runtime.settings, ADDRESS)).path


def suppressed(office: Company) -> list[tuple[bytes, str]]:
    return [
        (bytes(r["contact_hash"]), r["reason"]) for r in rows(office, "select * from suppressions")
    ]


def test_looking_unsubscribes_nobody(app: Flask, office: Company) -> None:
    for _ in range(3):
        answer = app.test_client().get(path(office))
        assert answer.status_code == 200
        assert "Unsubscribe me" in answer.text
        assert "example.com" not in answer.text.replace("snowmass.example", "").lower()
    assert suppressed(office) == []


def test_a_mail_program_unsubscribes_by_itself(app: Flask, office: Company) -> None:
    """RFC 8058: a POST without cookies, sign-in or a form's token."""
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        assert app.test_client().post(path(office), data=body).status_code == 200
    settings = office.runtime.settings
    assert suppressed(office) == [(contact_hash(settings, "ann@example.com"), "unsubscribed")]


def test_the_button_does_the_same(app: Flask, office: Company) -> None:
    answer = app.test_client().post(path(office))
    assert "You are unsubscribed." in answer.text
    assert "Set-Cookie" not in answer.headers
    assert len(suppressed(office)) == 1


def test_a_cut_link_says_what_to_do(app: Flask, office: Company) -> None:
    answer = app.test_client().post(path(office)[:-4])
    assert answer.status_code == 404
    assert "take you off the list" in " ".join(answer.text.split())
    assert suppressed(office) == []
