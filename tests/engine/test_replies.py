"""A customer answers: known for it, made known, and put before a person; a machine is not."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from engine import erasure, suppressions
from engine.intake import Taken
from engine.keyed_hash import contact_hash
from engine.mail.opt_out_words import asks_to_stop
from engine.mail.ses import wire_message_id
from engine.tasks import Task
from tests.engine.hands import (
    alarms,
    answer,
    begin,
    children,
    procedure,
    question,
    rows,
    setting,
    summaries,
)
from tests.world import Company

MAIL = {
    "customer_name": "Anna Berg",
    "draft_mail": {"to": "anna@example.com", "to_name": "Anna", "subject": "Your lawn",
                   "text": "Good morning", "commercial": False},
}  # fmt: skip
SEND = """
- key: send
  name: Send
  type: api_call
  config: {service: email, operation: send}
"""
FOLLOW_UP = """
- key: replied
  name: Have they replied?
  type: query
  config:
    cases:
      - {when: customer_replied, goto: complete}
- key: tell
  name: Follow up
  type: slack_notify
  config: {text: Time to follow up}
"""
CAMPAIGN = (
    SEND
    + """
- key: later
  name: Follow up later
  type: enqueue_next
  config: {sop: follow_up, after: 5d}
"""
)
WAITS = (
    SEND
    + """
- key: wait
  name: Five days
  type: wait
  config: {for: 5d, unless_replied: thank}
- key: tell
  name: Follow up
  type: slack_notify
  on_success: complete
  config: {text: Time to follow up}
- key: thank
  name: Thank
  type: slack_notify
  config: {text: They replied by themselves}
"""
)
QUOTE = "Yes, please come on Monday.\n\nOn Tue, Nov 24, 2026 at 9:00 AM Office <o@x.example> wrote:\n> Good morning\n"  # noqa: E501


def reply_to(office: Company, sent: int = 0, text: str = QUOTE, **headers: str) -> Taken:
    """The customer answers a mail of the outbox."""
    # The standard library would write a long Message-ID as an encoded word.
    mail = EmailMessage(policy.default.clone(max_line_length=900))
    wanted = {
        "From": "Anna Berg <anna@example.com>",
        "To": "office@snowmass.example",
        "Subject": "Re: Your lawn",
        "Message-ID": f"<{len(rows(office, 'select from mails'))}@example.com>",
        "In-Reply-To": wire_message_id(office.outbox[sent]["id"], "us-east-1"),
    }
    for name, value in (wanted | {k.replace("_", "-"): v for k, v in headers.items()}).items():
        if value:
            mail[name] = value
    mail.set_content(text)
    taken = office.raw_mail(mail.as_bytes())
    office.settle()
    return taken


def reply_address(office: Company) -> str:
    return dict(office.outbox[0]["headers"])["Reply-To"]


def leads(office: Company) -> list[dict[str, Any]]:
    return rows(
        office,
        "select t.number from tasks t join sops s on s.id = t.sop_id"
        " where s.slug = 'new_lead_response'",
    )


def sent_to_anna(office: Company, steps: str = SEND, **more: Any) -> Task:
    task = begin(office, steps, MAIL, **more)
    assert len(office.outbox) == 1
    return task


def test_a_reply_comes_before_a_person_and_starts_no_lead(office: Company) -> None:
    task = sent_to_anna(office)
    taken = reply_to(office)
    assert taken.verdict == "reply"
    [asking] = taken.tasks
    asked = question(office, asking)
    assert asked["title"] == "Reply from Anna Berg"
    assert asked["kind"] == "handover"
    assert asked["quoted"] == "Yes, please come on Monday."
    assert [option["value"] for option in asked["options"]] == ["reply", "done", "opt_out"]
    assert asked["mail"]["subject"] == "Re: Your lawn"
    assert asked["mail"]["to"] == "anna@example.com"
    assert asking.parent_id == task.id
    assert office.events(task)[-1] == "customer_replied"
    assert office.see(task).context["customer_replied"] is True
    assert leads(office) == []
    assert "anna" not in str(office.timeline(task)).lower()
    raw = rows(office, "select raw, verdict from mails")[0]
    assert (b"> Good morning" in bytes(raw["raw"]), raw["verdict"]) == (True, "reply")


def test_it_is_answered_in_its_thread_and_the_next_one_finds_back(office: Company) -> None:
    sent_to_anna(office)
    [asking] = reply_to(office).tasks
    done = answer(office, asking, "reply", draft_subject="Re: Your lawn", draft_body="See you!")
    assert done.status == "completed"
    [_, mail] = office.outbox
    assert mail["text"].startswith("See you!")
    assert dict(mail["headers"])["In-Reply-To"].endswith("@example.com>")
    [again] = reply_to(office, sent=1).tasks
    assert again.parent_id == asking.id


@pytest.mark.parametrize(
    "headers",
    [
        {"In_Reply_To": "", "References": "<x@y.example> {ours} <z@y.example>"},
        {"In_Reply_To": "<other@mailer.example>", "References": "{ours}"},
        {"In_Reply_To": "", "To": "{token}"},
        {"In_Reply_To": "", "Cc": "Office <{upper}>"},
        {"In_Reply_To": "", "Delivered_To": "{token}"},
        {"Subject": "A subject of their own"},
    ],
    ids=["references", "references only", "token", "token in Cc", "delivered to", "subject"],
)
def test_found_by_references_or_by_the_token(office: Company, headers: dict[str, str]) -> None:
    sent_to_anna(office)
    token = reply_address(office)
    ours = wire_message_id(office.outbox[0]["id"], "us-east-1")
    filled = {
        name: value.format(ours=ours, token=token, upper=token.upper())
        for name, value in headers.items()
    }
    assert reply_to(office, **filled).verdict == "reply"


def test_never_by_the_subject_or_the_sender(office: Company) -> None:
    sent_to_anna(office)
    assert reply_to(office, In_Reply_To="").verdict == "task"
    strange = "office+aaaaaaaaaaaaaaaa@snowmass.example"
    assert reply_to(office, In_Reply_To="<a@b.example>", To=strange).verdict == "task"
    assert len(leads(office)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Subject": "Automatic reply: Your lawn"},
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"From": "Mailer-Daemon@example.com"},
        {"From": "office@snowmass.example"},
    ],
)
def test_a_machine_does_not_reply(office: Company, headers: dict[str, str]) -> None:
    task = sent_to_anna(office, WAITS)
    taken = reply_to(office, **headers)
    assert taken.verdict in ("auto_reply", "own")
    assert taken.tasks == ()
    assert "customer_replied" not in office.see(task).context
    assert office.see(task).status == "waiting_on_timer"
    assert leads(office) == []


def test_a_follow_up_that_is_started_later_learns_of_it(office: Company) -> None:
    office.import_sop(procedure(FOLLOW_UP, slug="follow_up"))
    task = sent_to_anna(office, CAMPAIGN)
    [follow_up] = children(office, task)
    reply_to(office)
    assert office.see(follow_up).context["customer_replied"] is True
    assert office.events(follow_up) == ["task_started", "customer_replied"]
    office.pass_time(days=6)
    assert office.see(follow_up).status == "completed"
    assert not [m for m in office.messages("#leads-incoming") if "Time to follow" in m["text"]]


def test_without_a_reply_it_follows_up(office: Company) -> None:
    office.import_sop(procedure(FOLLOW_UP, slug="follow_up"))
    sent_to_anna(office, CAMPAIGN)
    office.pass_time(days=6)
    assert [m for m in office.messages("#leads-incoming") if "Time to follow" in m["text"]]


def test_a_reply_ends_a_wait(office: Company) -> None:
    task = sent_to_anna(office, WAITS)
    assert task.status == "waiting_on_timer"
    reply_to(office)
    assert office.see(task).status == "completed"
    said = [message["text"] for message in office.messages("#leads-incoming")]
    assert "They replied by themselves" in said
    assert "Time to follow up" not in said


def test_the_wait_ends_by_itself_without_one(office: Company) -> None:
    task = sent_to_anna(office, WAITS)
    office.pass_time(days=6)
    said = [message["text"] for message in office.messages("#leads-incoming")]
    assert office.see(task).status == "completed"
    assert "Time to follow up" in said


def test_the_other_customers_of_a_campaign_learn_nothing(office: Company) -> None:
    office.import_sop(procedure(WAITS, slug="one"))
    people = [
        MAIL | {"draft_mail": MAIL["draft_mail"] | {"to": f"{name}@example.com"}}  # type: ignore[operator]
        for name in ("anna", "bert")
    ]
    fan = """
    - key: each
      name: Each
      type: for_each
      config: {items: customer_list, sop: one}
    """
    parent = begin(office, fan, {"customer_list": people}, slug="campaign")
    anna, bert = children(office, parent)
    to = [mail["to"][0] for mail in office.outbox]
    reply_to(office, sent=to.index("anna@example.com"))
    assert office.see(anna).status == "completed"
    assert office.see(bert).status == "waiting_on_timer"
    assert "customer_replied" not in office.see(bert).context
    assert "customer_replied" not in office.see(parent).context


def test_who_is_about_to_approve_another_mail_is_told(office: Company) -> None:
    lead = office.mail("lead")
    office.settle()
    raw = rows(office, "select raw from mails")[0]["raw"]
    message_id = next(
        line.split(b":", 1)[1].strip().decode()
        for line in bytes(raw).splitlines()
        if line.lower().startswith(b"message-id:")
    )
    second = EmailMessage()
    second["From"], second["To"] = "dana@example.net", "office@snowmass.example"
    second["Subject"], second["In-Reply-To"] = "One more thing", message_id
    second.set_content("We also have a back yard.")
    assert office.raw_mail(second.as_bytes()).verdict == "reply"
    office.settle()
    asked = question(office, lead)
    assert asked["state"] == "open"
    assert ["Look out", "The customer has replied since this was drafted."] in asked["facts"]
    confirms = {option["value"]: option["confirm"] for option in asked["options"]}
    assert "Send it all the same?" in confirms["send"]
    assert confirms["refuse"] is None


def test_a_reply_to_a_task_that_is_erased_goes_to_a_person(office: Company) -> None:
    task = sent_to_anna(office)
    with setting(office, erase_after_days=0):
        erasure.erase_due(office.runtime)
    assert office.see(task).erased_at is not None
    office.pass_time(days=400)
    taken = reply_to(office)
    assert taken.verdict == "reply"
    assert question(office, taken.tasks[0])["title"] == "Reply from Anna Berg"
    assert leads(office) == []
    assert not [key for key in office.see(task).context if key.startswith("customer_")]


def test_nothing_of_a_reply_is_left_after_erasure(office: Company) -> None:
    sent_to_anna(office)
    [asking] = reply_to(office).tasks
    reply_to(office, Auto_Submitted="auto-replied")
    answer(office, asking, "done")
    with setting(office, erase_after_days=0):
        erasure.erase_due(office.runtime)
    assert [row for row in rows(office, "select raw from mails") if row["raw"]] == []
    kept = rows(office, "select t::text as all from tasks t union all select e::text from"
                        " task_events e union all select c::text from cards c")  # fmt: skip
    assert not [row for row in kept if "anna" in str(row).lower()]


def anna_writes(office: Company, nr: int, **more: str) -> Task:
    """She asks something of her own accord, in a mail that answers none of ours."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Anna Berg <anna@example.com>", "office@snowmass.example"
    mail["Subject"], mail["Message-ID"] = "Snow removal", f"<new-{nr}@example.com>"
    mail.set_content("Hi, how much is snow removal for our driveway? Please send a quote. Anna")
    [task] = office.raw_mail(mail.as_bytes()).tasks
    office.settle()
    return office.see(task)


def opted_out(office: Company, reason: str) -> None:
    contact = contact_hash(office.runtime.settings, "anna@example.com")
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.add(conn, contact, reason)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["unsubscribed", "opted_out"])
def test_who_opted_out_and_then_asks_gets_an_answer_and_no_offer(
    office: Company, reason: str
) -> None:
    earlier = anna_writes(office, 1)
    opted_out(office, reason)
    office.pass_time(days=2)
    later = anna_writes(office, 2)
    facts = [text for _, text in question(office, later)["facts"]]
    assert any("They opted out of marketing on" in text for text in facts), facts
    assert not any("would be refused" in text for text in facts)
    answer(office, later, "send")
    assert [mail["to"] for mail in office.outbox] == [["anna@example.com"]]

    # What she wrote before that is not an answer that she still asks for, and offers never go.
    assert answer(office, earlier, "send").error == f"refused:suppressed_{reason}"
    offer = MAIL["draft_mail"] | {"to": "anna@example.com", "commercial": True}
    known = {"email_text": "Hi", "customer_email": "anna@example.com", "draft_mail": offer}
    assert begin(office, SEND, known).error == f"refused:suppressed_{reason}"
    plain = MAIL["draft_mail"] | {"to": "anna@example.com"}
    unasked = begin(office, SEND, {"draft_mail": plain}, slug="unasked")
    assert unasked.error == f"refused:suppressed_{reason}"
    assert len(office.outbox) == 1


@pytest.mark.parametrize("reason", ["bounced", "complained"])
def test_a_bounce_or_a_complaint_ends_answers_too(office: Company, reason: str) -> None:
    opted_out(office, "unsubscribed")
    opted_out(office, reason)
    opted_out(office, "opted_out")
    office.pass_time(minutes=1)
    task = anna_writes(office, 1)
    facts = [text for _, text in question(office, task)["facts"]]
    assert any(f"any more ({reason})" in text for text in facts)
    assert answer(office, task, "send").error == f"refused:suppressed_{reason}"
    assert not office.outbox


@pytest.mark.parametrize(
    "text",
    ["STOP", "Unsubscribe.", "please remove me from your list!", "Don't email me",
     "Stop\n\nAnna Berg\n612-555-0100", "unsubscribe\n\nSent from my iPhone", "Opt-out",
     "Hi, please unsubscribe me. Thank you!", "Please stop sending me emails.", "Cancel",
     "Unsubscribe\n\nI never asked for any of this."],
)  # fmt: skip
def test_a_bare_word_asks_to_stop(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize(
    "text",
    ["Stop by on Friday!", "Can you stop the mowing in August?", "", "Yes please",
     "I would like to remove the hedge", "stop " * 200, "Please stop by on Friday, thanks",
     "Cancel\n\nI cannot make it on Friday, sorry.", "Remove\n\nthe hedge, please", "Thank you!",
     "Cancel Friday please", "Please stop by\n\non Friday"],
)  # fmt: skip
def test_other_words_do_not(text: str) -> None:
    assert not asks_to_stop(text)


def test_two_machines_come_to_an_end(office: Company) -> None:
    """Replies beyond the day's cap are kept, and told about once; the next day goes on."""
    with setting(office, thread_mails_per_day=3):
        sent_to_anna(office)
        verdicts = [reply_to(office, text=f"{n} times").verdict for n in range(5)]
        assert verdicts == ["reply"] * 3 + ["loop"] * 2
        [alarm] = [text for text in alarms(office) if "machine" in text]
        assert "(2 times)" in alarm
        assert len(rows(office, "select from mails where raw is not null")) == 5
        office.pass_time(days=1, hours=1)
        assert reply_to(office, text="tomorrow").verdict == "reply"


def test_no_more_mails_a_day_than_the_cap(office: Company) -> None:
    steps = "".join(SEND.replace("key: send", f"key: send_{n}") for n in range(4))
    with setting(office, thread_mails_per_day=3):
        office.import_sop(procedure(steps))
        task = office.run_sop("small", **MAIL)
        office.settle()
        task = office.see(task)
        assert (task.status, task.error) == ("escalated", "refused:thread_full")
        assert len(office.outbox) == 3
        assert summaries(office, task, "task_escalated")
