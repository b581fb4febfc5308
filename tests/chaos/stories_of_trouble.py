"""Vendors that are down, slow or unsure, steps that fail, and people who say nothing."""

from __future__ import annotations

import json

from tests.chaos.stage import Stage
from tests.chaos.stories import (
    ANNA,
    EVERYTHING,
    MAIL,
    Occasions,
    Story,
    allow_http,
    begin_every_type,
)

# -- every vendor is down once, and asks for patience once --------------------------------


def _begin_among_outages(stage: Stage) -> None:
    begin_every_type(stage)
    soon = {"Retry-After": "1"}
    stage.order("claude", "answer", status=529, headers=soon)
    stage.order("claude", "slow", seconds=1.5)
    stage.order("slack", "answer", path="chat.postMessage", status=503, times=2)
    stage.order("slack", "answer", path="chat.postMessage", status=429, headers=soon)
    stage.order("slack", "answer", path="chat.update", status=503)
    stage.order("ses", "answer", status=429, headers=soon)
    stage.order("crm", "answer", path="/customers/search", status=429, headers=soon)
    stage.order("crm", "answer", path="/customers", status=503, times=2)
    stage.order("crm", "answer", path="/interactions", status=429, headers=soon)
    stage.local.put("http_fault", "everything", {"status": 429, "carried_out": False})


OUTAGES = Story(
    "outages",
    _begin_among_outages,
    EVERYTHING,
    {"Shall we go on?": "Go on"},
    # Two steps in a turn: so each story of a turn's end is in it.
    environment={"TURN_STEPS": "2"},
    faults=True,
)


# -- answers that get lost -----------------------------------------------------------------


def _begin_unsure(stage: Stage) -> None:
    begin_every_type(stage)
    stage.order("slack", "drop_after", path="chat.postMessage", times=2)
    stage.order("ses", "drop_after")
    stage.order("crm", "drop_after", path="/customers")
    stage.order("crm", "drop_after", path="/opt-out")
    stage.local.put("http_fault", "everything", {"status": 500, "carried_out": True})


UNSURE = Story(
    "answers are lost",
    _begin_unsure,
    EVERYTHING,
    {"Shall we go on?": "Go on"},
    faults=True,
    doubtful=frozenset({"mail", "http"}),
)


# -- steps that fail -------------------------------------------------------------------------

FAILING = """
slug: failing
name: Failing
agent: lead_response
steps:
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     customer: C-1001, kind: note, summary: Something was done.}}
  - {key: send, name: Send, type: api_call, on_failure: fail,
     config: {service: email, operation: send}}
"""
RETRIED = """
slug: retried
name: Retried
agent: lead_response
steps:
  - {key: call, name: Call, type: api_call, on_failure: fail, max_retries: 1,
     config: {service: http, operation: request, url: 'http://127.0.0.1:9/'}}
"""


def _begin_failing(stage: Stage) -> None:
    allow_http(stage)
    for text in (FAILING, RETRIED):
        stage.import_sop(text)
    refused = json.dumps({"message": "Address is on the list."})
    # Asked again by whoever takes over, they say the same.
    stage.order("crm", "answer", path="/interactions", status=401, times=50)
    stage.order("ses", "answer", status=400, body=refused, times=50)
    stage.run_sop("failing", **ANNA, **MAIL)
    stage.run_sop("retried")


def _let_it_through(stage: Stage) -> bool:
    """The CRM's key is put right once somebody has been told."""
    if stage.value("select exists (select from tasks where status = 'escalated')"):
        stage.let_through("crm")
    return True


FAILURES = Story(
    "failures",
    _begin_failing,
    Occasions(
        writes={("POST", "/customers/C-1001/interactions", "note"): 1},
        questions={"The step “Log” failed": 1},
        tasks={("failing", "failed"): 1, ("retried", "failed"): 1},
    ),
    {"The step “Log” failed": "Try again"},
    _let_it_through,
    # One after the other, so that a death hits one of them.
    {"WORKER_CONCURRENCY": "1"},
    faults=True,
)


# -- nobody answers --------------------------------------------------------------------------

SILENCE_SOP = """
slug: silence
name: Silence
agent: lead_response
steps:
  - {key: ask, name: Ask, type: slack_ask_human, on_failure: tell,
     config: {title: 'Is anybody there?', choices: {yes: {label: Here}}}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'Nobody is there.'}}
"""


def _begin_silence(stage: Stage) -> None:
    stage.import_sop(SILENCE_SOP)
    stage.run_sop("silence")


def _let_days_pass(stage: Stage) -> bool:
    """Past the first deadline once the card stands there, then past the second."""
    for note, seen in (
        ("reminder", "select exists (select from cards where kind = 'question' and shown > 0)"),
        ("expiry", "select exists (select from tasks where reminded_at is not null)"),
    ):
        if note not in stage.notes:
            if not stage.value(seen):
                return False
            stage.notes[note] = True
            stage.pass_time(days=4)
    return True


SILENCE = Story(
    "silence",
    _begin_silence,
    Occasions(
        posts={"Nobody is there.": 1},
        questions={"Is anybody there?": 1},
        tasks={("silence", "completed"): 1},
    ),
    meanwhile=_let_days_pass,
)


# -- a task is cancelled while it is under way -----------------------------------------------

CANCELLED_SOP = """
slug: cancelled
name: Cancelled
agent: lead_response
steps:
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     customer: C-1001, kind: note, summary: Something was done.}}
  - {key: then, name: Then, type: %s, config: {%s}}
"""


def _begin_cancelled(stage: Stage) -> None:
    for slug, kind, config in (
        ("cancelled_before_a_step", "slack_notify", "text: Too late."),
        ("cancelled_at_rest", "wait", "for: 1h"),
        (
            "cancelled_asking",
            "slack_ask_human",
            "title: 'Shall it go on?', choices: {ok: {label: OK}}",
        ),
    ):
        text = CANCELLED_SOP.replace("slug: cancelled", f"slug: {slug}")
        stage.import_sop(text % (kind, config))
        stage.order("crm", "slow", path="/interactions", seconds=1.5)
        stage.run_sop(slug)


def _cancel_all(stage: Stage) -> bool:
    """While the CRM is at it."""
    for row in stage.rows(
        "select id from tasks where finished_at is null and cancel_requested_at is null"
        " and (status = 'in_progress' and exists (select from effects where task_id = tasks.id)"
        "      or status = 'waiting_on_timer' and parked_for is null"
        "      or status = 'waiting_on_human')"
    ):
        stage.cancel(row["id"])
    return bool(stage.value("select count(*) = 3 from tasks where status = 'cancelled'"))


CANCELLED = Story(
    "cancelled",
    _begin_cancelled,
    Occasions(
        # Who dies before the call may find the task cancelled when it is to be made; on a slow
        # machine one of the others, too, has not come to its own when it is cancelled.
        writes={("POST", "/customers/C-1001/interactions", "note"): (0, 1, 2, 3)},
        # Asked in the instant in which it was cancelled; nobody may answer it any more.
        questions={"Shall it go on?": (0, 1)},
        tasks={
            ("cancelled_before_a_step", "cancelled"): 1,
            ("cancelled_at_rest", "cancelled"): 1,
            ("cancelled_asking", "cancelled"): 1,
        },
    ),
    meanwhile=_cancel_all,
)

STORIES = (OUTAGES, UNSURE, FAILURES, SILENCE, CANCELLED)
