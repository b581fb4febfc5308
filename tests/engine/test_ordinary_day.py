"""An ordinary day of ten leads, from outside: what it posts, and how often a phone rings.

A message in a channel rings, and so does a reply that is shown in the channel too; a reply in
a thread and a change of a message do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import daily_summary
from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import rows, set_clock
from tests.world import Company, company

CHANNELS = ("#leads-incoming", "#escalations", "#ops-log", "#marketing", "#billing", "#scheduling")
AT_MOST = 15
NAMES = ("Anna Berg", "Paul Olsen", "Rita Meyer", "Carl Lund", "Ines Roth", "Max Gold", "Lea Fine",
         "Otto Kern", "Nora Hall", "Emil Voss")  # fmt: skip
LEAD = """\
From: {name} <{address}>
To: office@snowmass.example
Subject: {subject}
Message-ID: <{address}-{nr}@mail.example.com>
Date: Tue, 17 Nov 2026 09:{nr:02}:00 -0600
Content-Type: text/plain; charset=utf-8

{text}
"""
WANTED = (
    "Hi, we just moved to Richfield and are looking for someone to do snow removal on our"
    " driveway this winter. How much is it? Could you send us a quote? Thank you, {name}"
)
SPAM = (
    "We are an SEO agency and can bring your website to the first page of Google. Reply for a"
    " free audit. Unsubscribe here."
)
COMPLAINT = (
    "I am very unhappy: your crew damaged my lawn and nobody called me back. This is"
    " unacceptable and I want a refund."
)


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, keep_calendar="yes") as here:
        set_clock(here, "2026-11-17T08:05-06:00")
        yield here


def letter(office: Company, nr: int, text: str, subject: str = "A question") -> Task:
    name = NAMES[nr]
    raw = LEAD.format(name=name, address=f"c{nr}@example.com", subject=subject, nr=nr,
                      text=text.format(name=name))  # fmt: skip
    [task] = office.raw_mail(raw.encode()).tasks
    office.settle()
    return office.see(task)


def press(office: Company, task: Task, label: str) -> None:
    assert office.press(task, label)["ok"], (task.number, label)
    office.settle()


def submit(office: Company, **typed: str) -> None:
    params = {"user": OWNER_SLACK_ID, "channel": "#leads-incoming"}
    [view] = httpx.get(f"{office.local_url}/slack/_state", params=params, timeout=10).json()[
        "views"
    ]
    assert office.submit(view["id"], **typed)["status"] == 200
    office.settle()


def posted(office: Company) -> list[tuple[str, dict[str, Any]]]:
    return [(channel, m) for channel in CHANNELS for m in office.messages(channel)]


def rings(message: dict[str, Any]) -> bool:
    return (
        not message.get("thread_ts")
        or message["thread_ts"] == message["ts"]
        or bool(message.get("broadcast"))
    )


def test_an_ordinary_day_of_ten_leads_rings_at_most_fifteen_times(office: Company) -> None:
    letters: list[Task] = []
    # The morning: five leads, two that are spam, a complaint; the owner sends, edits, refuses.
    for nr in range(5):
        letters.append(letter(office, nr, WANTED, "Snow removal"))
        office.pass_time(minutes=11)
    spam = [letter(office, nr, SPAM, "First page of Google") for nr in (5, 6)]
    complaint = letter(office, 7, COMPLAINT, "Damaged lawn")
    assert {office.see(task).context["category"] for task in spam} == {"spam"}
    assert office.see(complaint).context["category"] == "complaint"
    for task in letters[:3]:
        press(office, task, "Send as is")
    press(office, letters[3], "Edit first")
    submit(office, draft_subject="Your quote")
    press(office, letters[4], "Don't send")
    submit(office, tapped="Already taken care of")
    press(office, complaint, "Reply")
    submit(office, draft_body="We are sorry and come by today.")
    office.pass_time(minutes=5)

    # Noon: the CRM is down for an hour; two more leads come and are answered all the same.
    office.order("crm", "answer", status=503, times=1000)
    later = [letter(office, nr, WANTED, "Snow removal") for nr in (8, 9)]
    office.pass_time(minutes=30)
    office.local.clear_faults()
    office.pass_time(minutes=30)
    # And one failure: the mail service will not have one of the two.
    rejected = {"x-amzn-ErrorType": "MessageRejected"}
    office.order("ses", "answer", status=400, times=1, headers=rejected, body='{"message": "no"}')
    for task in later:
        press(office, task, "Send as is")
    office.pass_time(minutes=5)
    [failed] = [task for task in later if office.see(task).status == "escalated"]
    press(office, failed, "Try again")
    office.pass_time(minutes=5)

    # The evening.
    office.pass_time(hours=9)
    daily_summary.tell_due(office.runtime)
    office.settle()

    assert len(office.outbox) == 7, "six leads and the complaint"
    everything = posted(office)
    ringing = [(channel, m["text"]) for channel, m in everything if rings(m)]
    assert len(ringing) <= AT_MOST, "\n".join(f"{c} {t}" for c, t in ringing)
    told = Counter(channel for channel, _ in ringing)
    assert told["#ops-log"] == 1, "the summary"
    assert len(everything) <= 2 * AT_MOST + 2

    # What is told once is told once: one outage, one failure, and spam in no channel at all.
    alarms = [text for channel, text in ringing if "cannot be reached" in text]
    assert len(alarms) == 1
    threads = rows(office, "select count(slack_thread_ts)::int as n from tasks"
                           " where context ->> 'category' = 'spam'")  # fmt: skip
    assert threads == [{"n": 0}]

    # The next morning: one ring for all leads whose quote is not out, the others in its thread.
    before = len([m for _, m in posted(office) if rings(m)])
    office.pass_time(hours=19)
    after = [m for _, m in posted(office) if rings(m)]
    assert len(after) - before == 1
    [first, *others] = [m for m in office.messages("#escalations") if "No quote yet" in m["text"]]
    assert len(others) == 5
    assert {m["thread_ts"] for m in others} == {first["ts"]}
    assert "5 more like this in the thread" in str(first["blocks"])
    due = rows(office, "select t.* from tasks t join sops s on s.id = t.sop_id"
                       " where s.slug = 'quote_due' order by t.number")  # fmt: skip
    press(office, Task(**due[-1]), "The quote is out")
    office.pass_time(minutes=1)
    [first, *_] = [m for m in office.messages("#escalations") if "No quote yet" in m["text"]]
    assert "4 more like this in the thread" in str(first["blocks"])


def test_ten_leads_that_nobody_answers_ring_one_reminder(office: Company) -> None:
    letters: list[Task] = []
    for nr in range(10):
        letters.append(letter(office, nr, WANTED, "Snow removal"))
        office.pass_time(minutes=11)
    before = [m for _, m in posted(office) if rings(m)]
    assert len(before) == 10
    # At ten the next morning all of them have had their eight hours.
    office.pass_time(hours=24)
    ringing = [m for _, m in posted(office) if rings(m)]
    [told] = [m for m in ringing if "still wait" in m["text"]]
    assert told["text"] == "10 questions still wait for an answer"
    assert not any(name in told["text"] for name in NAMES)
    assert len(ringing) <= AT_MOST
    listed = str(told["blocks"])
    for task in letters:
        assert office.see(task).reminded_at is not None
        assert f"/tasks/{task.number}|Reply to a new lead>" in listed

    for task in letters[:9]:
        press(office, task, "Don't send")
        submit(office, tapped="Already taken care of")
    office.pass_time(minutes=5)
    assert reminder(office).startswith(f"Task {letters[9].number} still waits")
    # The tenth has its time once more, and then it is over.
    office.pass_time(hours=24)
    assert office.see(letters[9]).status == "failed"
    assert reminder(office).startswith("Over:")


def reminder(office: Company) -> str:
    [told] = [m["text"] for m in office.messages("#escalations") if m["username"] == "Engine"
              and ("still wait" in m["text"] or "reminded of" in m["text"])]  # fmt: skip
    return told


def test_what_fails_for_one_cause_rings_once(office: Company) -> None:
    rejected = {"x-amzn-ErrorType": "MessageRejected"}
    office.order("ses", "answer", status=400, times=10, headers=rejected, body='{"message": "no"}')
    letters = [letter(office, nr, WANTED, "Snow removal") for nr in range(4)]
    for task in letters:
        press(office, task, "Send as is")
    office.pass_time(minutes=2)
    assert {office.see(task).status for task in letters} == {"escalated"}
    ringing = [m["text"] for m in office.messages("#escalations") if rings(m)]
    assert len([text for text in ringing if "failed (task" in text]) == 1, ringing
    # Each can be answered where it stands.
    office.local.clear_faults()
    for task in letters:
        press(office, task, "Try again")
    office.pass_time(minutes=2)
    assert len(office.outbox) == 4
