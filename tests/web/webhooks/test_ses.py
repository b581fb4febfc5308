"""What Amazon reports: believed if the pinned topic signed it, and acted on once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.demo import TOPIC
from engine.keyed_hash import contact_hash
from engine.mail.ses import EFFECT_TAG, tag_value
from engine.tasks import Task
from tests.engine.hands import alarms, answer, begin, question, rows, summaries
from tests.world import Company, company, wait_until
from web import create_app
from web.local import sns
from web.local.world import World

MAIL = {
    "draft_mail": {"to": "anna@example.com", "to_name": "Anna", "subject": "Hello",
                   "text": "Good morning", "commercial": False}
}  # fmt: skip
SEND = """
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    """SES reports, and there is a web process that takes the reports."""
    with company(database, tmp_path, ses_configuration_set="office") as here:
        yield here


@pytest.fixture
def app(office: Company) -> Flask:
    return create_app(office.runtime)


def post(app: Flask, body: Any) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return app.test_client().post("/webhooks/ses", data=raw).status_code


def signed(office: Company, message: str = "{}", **other: str) -> dict[str, str]:
    return sns.notification(
        office.local, other.pop("TopicArn", TOPIC), f"{office.local_url}/ses", message, **other
    )


def at(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def deliveries(office: Company) -> list[dict[str, Any]]:
    return rows(office, "select * from deliveries order by received_at, id")


def reported(office: Company, number: int) -> None:
    """Wait for so many reports of the stand-in, and have them acted on."""
    wait_until(lambda: len(deliveries(office)) >= number, seconds=60)
    office.settle()
    assert all(row["done_at"] for row in deliveries(office))


def written_to(office: Company, address: str, **more: Any) -> Task:
    mail = MAIL["draft_mail"] | {"to": address} | more
    return begin(office, SEND, {"draft_mail": mail})


# -- whom to believe -------------------------------------------------------------------


def test_what_the_topic_signed_is_stored_and_answered(office: Company, app: Flask) -> None:
    report = signed(office)
    assert post(app, report) == 200
    assert post(app, report) == 200, "SNS tries again what it thinks was lost"
    assert len(deliveries(office)) == 1


FORGED = {
    "another message": lambda office: signed(office) | {"Message": '{"eventType": "Bounce"}'},
    "another topic": lambda office: signed(office, TopicArn=TOPIC + "2"),
    "the topic put right afterwards": lambda office: (
        signed(office, TopicArn=TOPIC + "2") | {"TopicArn": TOPIC}
    ),
    "version 1": lambda office: signed(office, SignatureVersion="1"),
    "two hours old": lambda office: signed(office, Timestamp=at(hours=2)),
    "from the future": lambda office: signed(office, Timestamp=at(hours=-2)),
    "no time": lambda office: signed(office, Timestamp="yesterday"),
    "time in other digits": lambda office: signed(office, Timestamp="２０２６-11-24T00:00:00Z"),
    "a surrogate": lambda office: signed(office) | {"Message": "\ud800"},
    "signature not ASCII": lambda office: signed(office) | {"Signature": "ü" * 40},
    "signature empty": lambda office: signed(office) | {"Signature": ""},
    "signature a list": lambda office: signed(office) | {"Signature": ["x"]},
    "signature missing": lambda office: {
        k: v for k, v in signed(office).items() if k != "Signature"
    },
    "an unknown type": lambda office: signed(office) | {"Type": "Hello"},
    "a list": lambda office: [signed(office)],
    "half of it": lambda office: json.dumps(signed(office)).encode()[:-20],
    "not UTF-8": lambda office: b"\xff\xfe{}",
    "very deep": lambda office: b"[" * 100_000,
    "confirmation elsewhere": lambda office: signed(
        office, Type="SubscriptionConfirmation", SubscribeURL="https://evil.example/?x"
    ),
    "confirmation of another topic": lambda office: signed(
        office, Type="SubscriptionConfirmation", TopicArn=TOPIC + "2"
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_it_did_not_sign_is_refused(office: Company, app: Flask, kind: str) -> None:
    assert post(app, FORGED[kind](office)) == 401
    assert deliveries(office) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/SimpleNotificationService-local.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-a.pem",
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/../SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem\n",
        "https://[sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://s3.amazonaws.com/SimpleNotificationService-a.pem",
        "file:///etc/passwd",
    ],
)
def test_no_certificate_is_fetched_from_elsewhere(
    office: Company, app: Flask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(httpx, "Client", fetch)
    assert post(app, signed(office, SigningCertURL=url)) == 401


def test_a_certificate_of_somebody_else_is_refused(
    office: Company, app: Flask, tmp_path: Path
) -> None:
    stranger = World(tmp_path / "stranger.sqlite")
    report = sns.notification(stranger, TOPIC, f"{office.local_url}/ses", "{}")
    assert post(app, report) == 401


def test_without_a_pinned_topic_nobody_is_believed(database: str, tmp_path: Path) -> None:
    with company(database, tmp_path, web=False, sns_topic_arn="") as office:
        app = create_app(office.runtime)
        assert post(app, signed(office)) == 401
        assert post(app, signed(office, TopicArn="")) == 401


def test_where_the_certificate_cannot_be_had_it_is_503(office: Company, app: Flask) -> None:
    office.order("ses", "answer", path=sns.CERTIFICATE, status=500)
    report = signed(office)
    assert post(app, report) == 503
    assert post(app, report) == 200, "and the next try is taken"


def test_the_certificate_is_fetched_once(office: Company, app: Flask) -> None:
    for _ in range(3):
        assert post(app, signed(office)) == 200
    assert len(office.requests("ses", sns.CERTIFICATE)) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(
        ["Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature", "SignatureVersion",
         "SigningCertURL", "Subject"]
    ),
    value=st.none() | st.integers() | st.text(max_size=60) | st.lists(st.text(max_size=3)),
)  # fmt: skip
def test_no_field_of_any_shape_is_a_crash(
    office: Company, app: Flask, field: str, value: object
) -> None:
    report: dict[str, Any] = signed(office) | {field: value}
    assert post(app, report) == 401


def test_a_subscription_of_the_pinned_topic_is_confirmed_by_the_worker(
    office: Company, app: Flask
) -> None:
    assert post(app, signed(office, Type="SubscriptionConfirmation")) == 200
    assert office.local.all("sns_subscription") == [], "nothing is called within the request"
    office.order("ses", "drop_before", path="Action=ConfirmSubscription")
    office.settle()
    with office.runtime.database.statement("later") as conn:
        conn.execute("update deliveries set try_at = now()")
        conn.execute("update effects set settle_after = now()")
    office.settle()
    assert office.local.all("sns_subscription") == [{"topic": TOPIC}]
    [row] = deliveries(office)
    assert row["done_at"] is not None
    assert row["body"] is None


# -- what it means ---------------------------------------------------------------------


def test_a_send_settles_what_was_in_doubt(office: Company) -> None:
    """The answer got lost, the report came: the task goes on, and nobody is asked."""
    office.order("ses", "drop_after")
    task = begin(office, SEND, MAIL)
    assert (task.status, task.parked_for) == ("waiting_on_timer", "settling:mail")
    reported(office, 2)
    task = office.see(task)
    assert task.status == "completed"
    assert len(office.outbox) == 1
    assert task.context["email_sent_id"] == office.outbox[0]["id"]
    settled = [row for row in office.timeline(task) if row["event_type"] == "effect_settled"]
    assert [row["actor"] for row in settled] == ["mail"]


def test_a_send_that_is_reported_late_withdraws_the_question(office: Company, app: Flask) -> None:
    office.order("ses", "drop_before")
    task = begin(office, SEND, MAIL)
    with office.runtime.database.statement("ripen") as conn:
        conn.execute("update effects set settle_after = now()")
    office.pass_time(minutes=20)
    asked = question(office, task)
    assert asked["kind"] == "in_doubt"
    tag = [tag_value(asked["effect_key"])]
    report = {"eventType": "Send", "mail": {"messageId": "0100", "tags": {EFFECT_TAG: tag}}}
    assert post(app, signed(office, json.dumps(report))) == 200
    office.settle()
    task = office.see(task)
    assert task.status == "completed"
    assert task.context["email_sent_id"] == "0100"
    assert not office.outbox


def test_a_bounce_ends_all_mail_to_that_address(office: Company) -> None:
    task = written_to(office, "bounce+anna@example.com")
    reported(office, 2)
    assert "mail_bounced" in office.events(task)
    assert summaries(office, task, "mail_bounced") == ["Permanent General"]
    assert office.see(task).context["customer_bounced"] is True
    [row] = rows(office, "select * from suppressions")
    settings = office.runtime.settings
    assert bytes(row["contact_hash"]) == contact_hash(settings, "bounce+anna@example.com")
    assert row["reason"] == "bounced"
    again = written_to(office, "Bounce+Anna@Example.com")
    assert again.error == "refused:suppressed_bounced"
    [alarm] = [text for text in alarms(office) if "could not be delivered" in text]
    assert f"task {task.number}" in alarm


def test_an_offer_that_bounces_rings_no_phone(office: Company) -> None:
    offer = {"commercial": True, "unsubscribe_url": "https://x.example/u"}
    task = written_to(office, "bounce@example.com", **offer)
    reported(office, 2)
    assert "mail_bounced" in office.events(task)
    assert alarms(office) == []


def test_a_complaint_ends_it_as_well(office: Company) -> None:
    task = written_to(office, "complaint@example.com")
    reported(office, 2)
    assert "mail_complained" in office.events(task)
    assert office.see(task).context["customer_opted_out"] is True
    assert [row["reason"] for row in rows(office, "select * from suppressions")] == ["complained"]
    assert alarms(office) == []


def test_an_answer_to_a_mailbox_that_is_full_is_told_of(office: Company) -> None:
    task = written_to(office, "softbounce@example.com")
    reported(office, 2)
    assert summaries(office, task, "mail_delayed") == ["Transient MailboxFull"]
    assert rows(office, "select * from suppressions") == []
    [alarm] = [text for text in alarms(office) if "could not be delivered (MailboxFull)" in text]
    assert f"task {task.number}" in alarm
    assert written_to(office, "softbounce@example.com").status == "completed"


def test_an_offer_to_a_mailbox_that_is_full_is_only_noted(office: Company) -> None:
    offer = {"commercial": True, "unsubscribe_url": "https://x.example/u"}
    task = written_to(office, "softbounce@example.com", **offer)
    reported(office, 2)
    assert summaries(office, task, "mail_delayed") == ["Transient MailboxFull"]
    assert alarms(office) == []


def about(task: Task, kind: str, **facts: Any) -> str:
    """A report about the mail of this task."""
    tags = {EFFECT_TAG: [tag_value(f"{task.id}.1.send")]}
    part = {"Bounce": "bounce", "Complaint": "complaint"}[kind]
    return json.dumps({"eventType": kind, "mail": {"messageId": "1", "tags": tags}, part: facts})


def test_what_may_be_an_out_of_office_note_raises_no_alarm(office: Company, app: Flask) -> None:
    task = written_to(office, "anna@example.com")
    facts = {"bounceType": "Transient", "bounceSubType": "General",
             "bouncedRecipients": [{"emailAddress": "anna@example.com"}]}  # fmt: skip
    assert post(app, signed(office, about(task, "Bounce", **facts))) == 200
    office.settle()
    assert summaries(office, task, "mail_delayed") == ["Transient General"]
    assert alarms(office) == []


@pytest.mark.parametrize(("kind", "reasons"), [("not-spam", []), ("abuse", ["complained"])])
def test_who_takes_our_mail_out_of_the_spam_does_not_complain(
    office: Company, app: Flask, kind: str, reasons: list[str]
) -> None:
    task = written_to(office, "anna@example.com")
    facts = {"complaintFeedbackType": kind,
             "complainedRecipients": [{"emailAddress": "anna@example.com"}]}  # fmt: skip
    assert post(app, signed(office, about(task, "Complaint", **facts))) == 200
    office.settle()
    assert [row["reason"] for row in rows(office, "select reason from suppressions")] == reasons
    assert ("mail_complained" in office.events(task)) == bool(reasons)


LATE = """
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
- key: lead
  name: Lead
  type: api_call
  config:
    service: crm
    operation: upsert_lead
    fields: {name: Anna, email: bounce+late@example.com}
"""


def test_the_crm_hears_of_a_bounce_that_came_before_it_knew_the_customer(office: Company) -> None:
    office.order("crm", "answer", status=503, times=1000)
    mail = MAIL["draft_mail"] | {"to": "bounce+late@example.com"}
    task = begin(office, LATE, {"draft_mail": mail})
    reported(office, 2)
    assert (office.see(task).subject, office.see(task).context["customer_bounced"]) == (None, True)
    office.local.clear_faults()
    for _ in range(3):
        office.pass_time(minutes=30)
    done = office.see(task)
    assert done.status == "completed"
    noted = [one for one in office.local.all("crm_interaction") if one["kind"] == "stop_writing"]
    assert [(one["customer_id"], one["summary"]) for one in noted] == [
        (done.subject, "No more mail to this customer: bounced")
    ]


def test_the_crm_hears_of_it(office: Company) -> None:
    office.import_sop(
        "slug: known\nname: Known\nagent: lead_response\nsteps:\n"
        "  - key: lead\n    name: Lead\n    type: api_call\n    config:\n      service: crm\n"
        "      operation: upsert_lead\n      fields: {name: Anna, email: complaint@example.com}\n"
        + "\n".join("  " + line for line in SEND.strip().splitlines())
    )
    mail = MAIL["draft_mail"] | {"to": "complaint@example.com"}
    task = office.run_sop("known", draft_mail=mail)
    office.settle()
    reported(office, 2)
    customer = office.see(task).subject
    assert customer
    [known] = [one for one in office.local.all("crm_customer") if one["id"] == customer]
    assert known["opted_out"] is True
    noted = [one for one in office.local.all("crm_interaction") if one["kind"] == "stop_writing"]
    assert [one["summary"] for one in noted] == ["No more mail to this customer: complained"]


def test_nothing_of_a_report_is_kept(office: Company) -> None:
    written_to(office, "bounce+zebulon@canary.example")
    reported(office, 2)
    kept = rows(office, "select d::text as all from deliveries d union all"
                        " select e::text from task_events e union all select x::text from effects x"
                        " union all select c::text from cards c union all"
                        " select s::text from suppressions s")  # fmt: skip
    assert not [row for row in kept if "zebulon" in str(row) or "canary" in str(row)]


@pytest.mark.parametrize(
    "message",
    ["Successfully validated SNS topic for Amazon SES event publishing.", "[]", "null", "{}",
     '{"eventType": "Open", "mail": {}}', '{"eventType": "Bounce", "mail": [], "bounce": 3}',
     '{"eventType": "Complaint", "complaint": {"complainedRecipients": [1, {}]}}',
     '{"eventType": "Send", "mail": {"tags": {"effect": [7]}}}'],
)  # fmt: skip
def test_a_report_of_another_shape_is_left(office: Company, app: Flask, message: str) -> None:
    assert post(app, signed(office, message)) == 200
    office.settle()
    [row] = deliveries(office)
    assert row["done_at"] is not None
    assert row["error"] is None


def test_amazon_that_ends_its_subscription_is_told_about(office: Company, app: Flask) -> None:
    assert post(app, signed(office, Type="UnsubscribeConfirmation")) == 200
    office.settle()
    assert "ended its subscription" in alarms(office)[0]


def test_a_report_about_an_answered_doubt_changes_nothing(office: Company, app: Flask) -> None:
    office.order("ses", "drop_before")
    task = begin(office, SEND, MAIL)
    with office.runtime.database.statement("ripen") as conn:
        conn.execute("update effects set settle_after = now()")
    office.pass_time(minutes=20)
    key = question(office, task)["effect_key"]
    task = answer(office, task, "drop")
    report = {
        "eventType": "Send",
        "mail": {"messageId": "1", "tags": {EFFECT_TAG: [tag_value(key)]}},
    }
    assert post(app, signed(office, json.dumps(report))) == 200
    before = office.events(task)
    office.settle()
    assert office.events(task) == before
