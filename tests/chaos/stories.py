"""What happens in a small company while its workers are killed, and what must have arrived
when it is over: the harness's own list of occasions, which no table of ours has a part in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.chaos.stage import Stage

LEAD = "rachel.sandberg@example.com"
ANNA = {"customer_name": "Anna Berg", "customer_email": "anna@example.com"}
MAIL = {
    "draft_mail": {
        "to": "anna@example.com", "to_name": "Anna Berg", "subject": "Hello", "text": "Hi Anna",
    }
}  # fmt: skip

Times = int | tuple[int, ...]


@dataclass(frozen=True)
class Occasions:
    """How often each thing must have arrived: mails by recipient and subject, posts by
    their text, CRM writes by method, path and whom, calls by name, cards by title. Several
    numbers where a person who was not answered may have said it twice."""

    mails: Mapping[tuple[str, str], Times] = field(default_factory=dict)
    posts: Mapping[str, Times] = field(default_factory=dict)
    writes: Mapping[tuple[str, str, str], Times] = field(default_factory=dict)
    calls: Mapping[str, Times] = field(default_factory=dict)
    questions: Mapping[str, Times] = field(default_factory=dict)
    tasks: Mapping[tuple[str, str], Times] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """`begin` happens before the process that is killed is started; `meanwhile` in every
    beat, and must be true at the end. `answers` maps a question's title to the button that
    is pressed; questions about an effect in doubt are answered by looking."""

    name: str
    begin: Callable[[Stage], None]
    occasions: Occasions
    answers: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[Stage], bool] = lambda _: True
    environment: Mapping[str, str] = field(default_factory=dict)
    # Faults are ordered in it: a request may have been made twice, its effect may not.
    faults: bool = False
    # Vendors at which a call ends in doubt even if nobody dies.
    doubtful: frozenset[str] = frozenset()
    processes: tuple[str, ...] = ("worker",)
    # A worker is told to stop in it, and ends by itself.
    stops: bool = False
    # How often a button is pressed before anything comes of it; the last one is told so.
    clicks: int = 1


# -- a lead: mail, approval, send, CRM, post ----------------------------------------------


def _mail(stage: Stage) -> None:
    stage.mail("lead")


LEAD_STORY = Story(
    "lead",
    _mail,
    Occasions(
        mails={(LEAD, "Your request about snow removal"): 1},
        posts={"Answered Rachel Sandberg": 1},
        writes={
            ("POST", "/customers", LEAD): 1,
            ("POST", "/customers/L-1/interactions", "email_sent"): 1,
        },
        questions={"Reply to a new lead": 1},
        tasks={("new_lead_response", "completed"): 1, ("quote_due", "waiting_on_timer"): 1},
    ),
    {"Reply to a new lead": "Send as is"},
    clicks=2,
)


# -- every type of step -------------------------------------------------------------------

EVERY_TYPE = """
slug: every_type
name: Every type
agent: lead_response
steps:
  - {key: sort, name: Sort, type: llm_classify, tier: 1,
     config: {prompt: Say what it is., labels: {good: it is good, bad: it is bad}}}
  - {key: look_up, name: Look up, type: query,
     config: {operation: find_customer, email: '{{customer_email}}'}}
  - {key: find_out, name: Find out, type: llm_analyze, tier: 1,
     config: {prompt: Find the address., findings: [{name: address}]}}
  - {key: decide, name: Decide, type: llm_decide, tier: 1,
     config: {prompt: Decide., choices: {write: {means: write back}, drop: {means: leave it}}}}
  - {key: draft, name: Draft, type: llm_draft, tier: 1,
     config: {prompt: Write., facts: [customer_name]}}
  - {key: ask, name: Ask, type: slack_ask_human,
     config: {title: 'Shall we go on?', choices: {go: {label: Go on}, leave: {label: Leave it}}}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'We go on with {{customer_name}}.'}}
  - {key: send, name: Send, type: api_call,
     config: {service: email, operation: send, otherwise: next}}
  - {key: upsert, name: Upsert, type: api_call, config: {service: crm, operation: upsert_lead,
     fields: {name: '{{customer_name}}', email: '{{customer_email}}'}}}
  - {key: update, name: Update, type: api_call, config: {service: crm,
     operation: update_customer, fields: {city: Richfield}}}
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     kind: note, summary: Everything was done.}}
  - {key: opt_out, name: Opt out, type: api_call, config: {service: crm, operation: opt_out}}
  - {key: call, name: Call, type: api_call, config: {service: http, operation: request,
     url: '%(http)s/everything', body: {name: '{{customer_name}}'}}}
  - {key: pause, name: Pause, type: wait, config: {for: 1s}}
  - {key: each, name: Each, type: for_each,
     config: {items: rooms, sop: one_room, keys: [customer_id]}}
  - {key: after, name: After, type: enqueue_next, config: {sop: afterwards, keys: [customer_name]}}
"""
ONE_ROOM = """
slug: one_room
name: One room
agent: lead_response
steps:
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     kind: note, summary: 'The {{room}} is done.'}}
"""
AFTERWARDS = """
slug: afterwards
name: Afterwards
agent: lead_response
steps:
  - {key: tell, name: Tell, type: slack_notify,
     config: {text: 'All is over for {{customer_name}}.', channel: ops_log}}
"""


def begin_every_type(stage: Stage) -> None:
    allow_http(stage)
    for text in (ONE_ROOM, AFTERWARDS, EVERY_TYPE % {"http": f"{stage.local_url}/http"}):
        stage.import_sop(text)
    rooms = [{"room": "kitchen"}, {"room": "hall"}]
    stage.run_sop("every_type", rooms=rooms, email_text="A good garden.", **ANNA, **MAIL)


def allow_http(stage: Stage) -> None:
    stage.change(
        "update agents set max_concurrent_tasks = 2, capabilities = jsonb_set(capabilities,"
        " '{services}', capabilities -> 'services' || '[\"http:call\"]') where slug = %s",
        "lead_response",
    )


EVERYTHING = Occasions(
    mails={("anna@example.com", "Hello"): 1},
    posts={"We go on with Anna Berg.": 1, "All is over for Anna Berg.": 1},
    writes={
        ("POST", "/customers", "anna@example.com"): 1,
        ("PATCH", "/customers/L-1", ""): 1,
        ("PATCH", "/customers/L-1/opt-out", ""): 1,
        ("POST", "/customers/L-1/interactions", "note"): 3,
    },
    calls={"everything": 1},
    questions={"Shall we go on?": 1},
    tasks={("every_type", "completed"): 1, ("one_room", "completed"): 2,
           ("afterwards", "completed"): 1},
)  # fmt: skip


EVERY_TYPE_STORY = Story("every type", begin_every_type, EVERYTHING, {"Shall we go on?": "Go on"})


# -- several tasks of one procedure, which a thread carries side by side -------------------

ROUND = """
slug: round
name: Round
agent: lead_response
steps:
  - {key: known, name: Known, type: query, config: {cases: [{when: 'false', goto: log}]}}
  - {key: due, name: Due, type: query,
     config: {cases: [{when: "due == 'no'", goto: complete}, {when: 'true', goto: log}]}}
  - {key: log, name: Log, type: slack_notify, config: {text: 'House {{house}} is done.'}}
  - {key: last, name: Last, type: query, config: {cases: [{when: 'false', goto: log}]}}
"""


def begin_round(stage: Stage) -> None:
    stage.import_sop(ROUND)
    for house in range(8):
        stage.run_sop("round", house=house, due="yes" if house % 4 == 0 else "no", **ANNA)


SIDE_BY_SIDE = Story(
    "side by side",
    begin_round,
    Occasions(
        posts={"House 0 is done.": 1, "House 4 is done.": 1},
        tasks={("round", "completed"): 8},
    ),
    environment={"WORKER_CONCURRENCY": "8"},
)

STORIES = (LEAD_STORY, EVERY_TYPE_STORY, SIDE_BY_SIDE)
