"""The company's web form."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.engine.hands import rows
from tests.world import Company
from web.webhooks.leads import sign

SECRET = "local-webhook-secret"
LEAD = {
    "name": "Ann Müller",
    "email": "ann@example.com",
    "phone": "612-555-0100",
    "address": "1 Elm St",
    "message": "Please quote snow removal for this winter.",
    "utm_source": "a field that nobody has named",
}


def post(app: Flask, lead: Any = LEAD, *, at: int = 0, header: str | None = None) -> TestResponse:
    body = lead if isinstance(lead, bytes) else json.dumps(lead).encode()
    given = sign(SECRET, int(time.time()) + at, body) if header is None else header
    return app.test_client().post(
        "/webhooks/leads", data=body, headers={"X-Engine-Signature": given}
    )


def test_a_lead_is_stored_and_becomes_a_task(app: Flask, office: Company) -> None:
    answer = post(app)
    assert (answer.status_code, answer.json) == (202, {"accepted": True, "new": True})
    office.settle()
    (task,) = rows(office, "select * from tasks")
    assert task["context"]["customer_name"] == "Ann Müller"
    assert task["context"]["email_text"] == LEAD["message"]
    assert task["status"] == "waiting_on_human"


def test_the_same_form_twice_is_one_lead(app: Flask, office: Company) -> None:
    assert post(app).json == {"accepted": True, "new": True}
    assert post(app).json == {"accepted": True, "new": False}
    assert post(app, LEAD | {"id": "1"}).json == {"accepted": True, "new": True}
    assert post(app, LEAD | {"id": "1", "name": "Ann M."}).json == {"accepted": True, "new": False}
    office.settle()
    assert len(rows(office, "select * from tasks")) == 2


def test_forms_that_give_everybody_the_same_id_lose_no_lead(app: Flask, office: Company) -> None:
    first, second = LEAD | {"id": "contact"}, LEAD | {"id": "contact", "email": "bo@example.com"}
    assert post(app, first).json == {"accepted": True, "new": True}
    assert post(app, second).json == {"accepted": True, "new": True}
    assert post(app, second).json == {"accepted": True, "new": False}
    office.settle()
    asking = {row["context"]["customer_email"] for row in rows(office, "select * from tasks")}
    assert asking == {"ann@example.com", "bo@example.com"}


def test_who_asks_the_same_a_year_later_asks_again(app: Flask, office: Company) -> None:
    post(app)
    office.settle()
    with office.runtime.database.statement("a year later") as conn:
        # What the nightly tidying does with deliveries of more than thirty days.
        conn.execute("delete from deliveries")
    assert post(app).json == {"accepted": True, "new": True}
    office.settle()
    assert len(rows(office, "select * from tasks")) == 2


def test_who_can_be_called_is_taken_in_whatever_their_address(app: Flask, office: Company) -> None:
    assert post(app, LEAD | {"email": "ann at example"}).status_code == 202
    office.settle()
    [task] = rows(office, "select * from tasks")
    assert task["context"]["customer_email_typed"] == "ann at example"
    assert task["context"]["customer_phone"] == LEAD["phone"]
    assert "“ann at example” is no address" in str(task["question"]["facts"])


def test_an_empty_field_may_be_null(app: Flask, office: Company) -> None:
    empty = dict.fromkeys(("id", "email", "address", "message"))
    assert post(app, LEAD | empty).status_code == 202
    office.settle()
    [task] = rows(office, "select * from tasks")
    assert (task["context"]["customer_name"], task["context"]["customer_email"]) == (
        "Ann Müller",
        "",
    )
    assert post(app, LEAD | dict.fromkeys(("email", "phone"))).status_code == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"email": "not an address", "phone": ""},
            "'email' is not an e-mail address, and there is no 'phone'",
        ),
        ({"email": "", "phone": " "}, "give 'email' or 'phone': there is no other way to answer"),
        ({"name": "x" * 501}, "name: String should have at most 500 characters"),
        ({"message": "a\u0000b"}, "message: holds characters that are none"),
        ({"message": ["a list"]}, "message: Input should be a valid string"),
    ],
)
def test_a_wrong_field_is_named(app: Flask, change: dict[str, Any], said: str) -> None:
    answer = post(app, LEAD | change)
    assert (answer.status_code, answer.json) == (400, {"error": said})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"'])
def test_what_is_no_form_is_400(app: Flask, body: bytes) -> None:
    answer = post(app, body)
    assert answer.status_code == 400
    assert answer.json["error"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "missing"),
        ("t=1", "missing"),
        ("t=é,v1=é", "missing"),
        (f"t=1,v1={'0' * 64}", "more than five minutes old"),
        (f"t={{now}},v1={'0' * 64}", "another secret"),
    ],
    ids=["none", "half", "not ascii", "old", "forged"],
)
def test_unsigned_is_401_and_told_why(app: Flask, office: Company, header: str, said: str) -> None:
    answer = post(app, header=header.format(now=int(time.time())))
    assert answer.status_code == 401
    assert said in answer.json["error"]
    assert rows(office, "select * from deliveries") == []


def test_a_signature_is_good_for_five_minutes(app: Flask) -> None:
    assert post(app, at=-290).status_code == 202
    assert post(app, at=-310).status_code == 401
    assert post(app, at=310).status_code == 401


def test_a_form_as_long_as_a_book_is_413(app: Flask) -> None:
    assert post(app, LEAD | {"message": "x" * 300_000}).status_code == 413
