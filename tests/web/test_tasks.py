"""The list of tasks and the page of one."""

from __future__ import annotations

import re

import pytest

from engine import halt
from engine.tasks import Task
from tests.engine.hands import begin, rows, set_clock
from tests.web.browsing import STREAM, Browser
from tests.world import MAILS, Company

ASK = """
- key: first
  name: Ask the first thing
  type: slack_ask_human
  config:
    title: The first thing
    choices: {agree: {label: Agreed}, refuse: {label: Refused, goto: complete}}
- key: second
  name: Tell the channel
  type: slack_notify
  config: {text: "Agreed."}
"""


@pytest.fixture
def small(office: Company) -> Task:
    return begin(office, ASK, {"customer_name": "Mrs <b>Smith</b>", "trigger": "a test"})


def answer(browser: Browser, label: str) -> None:
    browser.get("/inbox")
    assert browser.send(button=label).status_code == 303


# -- the list -----------------------------------------------------------------------


def test_a_row_is_a_sentence(owner: Browser, office: Company, small: Task) -> None:
    owner.get("/tasks")
    assert "needs you" in owner.reads()
    assert "Mrs <b>Smith</b> · Small The first thing" in owner.reads()
    answer(owner, "Agreed")
    office.settle()
    owner.get("/tasks")
    assert re.search(r"done .* Finished \d\d:\d\d", owner.reads())


def test_the_list_is_filtered(owner: Browser, office: Company, small: Task) -> None:
    office.mail("spam")
    office.settle()
    shown = {
        view: len(re.findall(r'id="task-\d+"', owner.get(f"/tasks?{view}").get_data(as_text=True)))
        for view in ("", "show=need", "show=done", "show=failed", "sop=small", "sop=none_such",
                     "show=done&sop=new_lead_response", "show=nonsense")
    }  # fmt: skip
    assert shown == {
        "": 2, "show=need": 1, "show=done": 1, "show=failed": 0, "sop=small": 1,
        "sop=none_such": 0, "show=done&sop=new_lead_response": 1, "show=nonsense": 2,
    }  # fmt: skip


def test_a_number_leads_to_its_task(owner: Browser, small: Task) -> None:
    answer = owner.get(f"/tasks?q=%23{small.number}")
    assert answer.headers["Location"] == f"/tasks/{small.number}"


def test_a_customers_tasks_are_found_by_the_crms_id(owner: Browser, office: Company) -> None:
    lead = office.mail("lead")
    office.settle()
    answer(owner, "Send as is")
    office.pass_time(seconds=31)
    subject = office.see(lead).subject
    assert subject
    owner.get(f"/tasks?q={subject}")
    assert f"Of customer {subject}" in owner.reads()
    assert "Rachel Sandberg" in owner.reads()


def test_pages_go_on_by_key(owner: Browser, office: Company, small: Task) -> None:
    for _ in range(120):
        office.run_sop("small")
    numbers: list[str] = []
    address = "/tasks"
    for _ in range(5):
        owner.get(address)
        numbers += re.findall(r'id="task-(\d+)"', owner.page)
        older = re.search(r'href="([^"]*before=[^"]*)"', owner.page)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")
    assert len(numbers) == len(set(numbers)) == 121
    assert numbers == sorted(numbers, key=int, reverse=True)


def test_a_mistyped_page_is_the_first(owner: Browser, small: Task) -> None:
    assert owner.get("/tasks?before=nonsense").status_code == 200


def test_the_list_is_live(owner: Browser, office: Company, small: Task) -> None:
    owner.get("/tasks")
    version = re.search(r'data-param-version="(\w+)"', owner.page)
    assert version
    address = f"/tasks/changes?version={version[1]}"
    assert owner.get(address, headers=STREAM).status_code == 204
    office.run_sop("small")
    assert owner.get(address, headers=STREAM).status_code == 200


# -- one task -----------------------------------------------------------------------


def test_the_timeline_tells_what_happened(owner: Browser, office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    answer(owner, "Send as is")
    office.pass_time(seconds=31)
    owner.get(f"/tasks/{task.number}")
    said = owner.reads()
    for sentence in (
        "Asked the model for “What is it?”",
        "claude-haiku-5-5",
        "“What is it?” is done: new lead",
        "Asked a person: approval in #leads-incoming",
        "Chris answered “Send as is”",
        "The mail was sent",
        "The lead was written to the CRM",
        "The task is complete",
    ):
        assert sentence in said, sentence
    assert re.search(r"Models cost \$0\.00\d\d", said)
    events = rows(office, "select count(*) as n from task_events where task_id = %s", task.id)
    assert len(re.findall(r'id="event-\d+"', owner.page)) == events[0]["n"]


def test_what_happened_on_another_day_says_on_which(owner: Browser, office: Company) -> None:
    set_clock(office, "2026-11-20T10:00-06:00")
    task = begin(office, ASK)
    office.pass_time(days=3)
    answer(owner, "Agreed")
    office.settle()
    owner.get(f"/tasks/{task.number}")
    assert re.search(r"Asked a person: question in #leads-incoming 10:00:\d\d ", owner.reads())
    assert "Chris answered “Agreed” Nov 23, 10:00" in owner.reads()


def test_one_value_is_one(owner: Browser, office: Company) -> None:
    task = begin(office, ASK, {"customer_name": "Anna"})
    owner.get(f"/tasks/{task.number}")
    assert "Show 1 value " in owner.reads()


def test_the_context_is_shown_to_who_is_signed_in(viewer: Browser, small: Task) -> None:
    viewer.get(f"/tasks/{small.number}")
    assert "customer_name" in viewer.page
    assert "Mrs &lt;b&gt;Smith" in viewer.page


def test_a_question_is_answered_on_its_tasks_page(
    owner: Browser, office: Company, small: Task
) -> None:
    owner.get(f"/tasks/{small.number}")
    answer = owner.send(button="Agreed", headers=STREAM)
    assert answer.headers["Location"] == f"/tasks/{small.number}"
    office.settle()
    assert office.see(small).status == "completed"


def test_only_what_is_new_is_sent(owner: Browser, office: Company, small: Task) -> None:
    owner.get(f"/tasks/{small.number}")
    state = re.search(r'data-param-after="(\d+)" data-param-version="(\w+)"', owner.page)
    assert state
    address = f"/tasks/{small.number}/changes?after={state[1]}&version={state[2]}"
    assert owner.get(address, headers=STREAM).status_code == 204
    shown = int(state[1])
    answer(owner, "Agreed")
    office.settle()
    new = owner.get(address, headers=STREAM)
    assert new.headers["X-Live"] == "over"
    sent = [int(n) for n in re.findall(r'id="event-(\d+)"', owner.page)]
    assert sent[0] == shown + 1
    assert sent == sorted(sent)
    assert "Finished" in owner.reads()


def test_a_task_is_cancelled(owner: Browser, office: Company, small: Task) -> None:
    owner.get(f"/tasks/{small.number}")
    owner.follow(owner.send(button="Cancel the task"))
    assert f"Task {small.number} is cancelled." in owner.reads()
    assert "Cancelled by Chris" in owner.reads()
    assert office.see(small).status == "cancelled"
    assert owner.post(f"/tasks/{small.number}/cancellation").status_code == 409
    assert "there is nothing to cancel" in owner.reads()


def test_a_task_is_sent_back_to_a_step(owner: Browser, office: Company, small: Task) -> None:
    answer(owner, "Agreed")
    office.settle()
    owner.get(f"/tasks/{small.number}")
    owner.follow(owner.send(button="Rerun from Tell the channel"))
    assert "Chris sent it back to “Tell the channel”" in owner.reads()
    office.pass_time(seconds=2)
    assert office.see(small).status == "completed"
    said = [m["text"] for m in office.messages("#leads-incoming")]
    assert said.count("Agreed.") == 2
    assert owner.post(f"/tasks/{small.number}/reruns", data={"step": "none"}).status_code == 404


def test_what_failed_is_said_in_words(owner: Browser, office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    office.order("ses", "answer", status=400, body='{"message": "no"}',
                 headers={"x-amzn-ErrorType": "MessageRejected"})  # fmt: skip
    answer(owner, "Send as is")
    office.pass_time(seconds=31)
    owner.get(f"/tasks/{task.number}")
    assert "“Send the reply” failed: refused (MessageRejected)" in owner.reads()
    assert "The mail did not go out" in owner.reads()
    owner.send(button="Try again")
    office.settle()
    assert office.see(task).status == "completed"
    assert len(office.outbox) == 1


def test_a_stop_stands_on_every_page(owner: Browser, office: Company, small: Task) -> None:

    with office.runtime.database.transaction("halt") as conn:
        halt.begin(conn, by="cli:shell")
    for path in ("/inbox", "/tasks", "/account"):
        owner.get(path)
        assert "Everything is stopped by the command line" in owner.reads()


def test_a_step_that_asks_for_approval_shows_its_record(owner: Browser, office: Company) -> None:
    raw = (MAILS / "lead.eml").read_bytes()
    for n in (b"1", b"2"):
        [task] = office.raw_mail(raw.replace(b"-lead-0001", b"-lead-" + n)).tasks
        office.settle()
        answer(owner, "Send as is")
        office.pass_time(seconds=31)
    owner.get(f"/tasks/{task.number}")
    assert "2 sent as is, 0 edited, 0 refused; at most 77.7 % bad" in owner.reads()
