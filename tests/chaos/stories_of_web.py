"""What comes in by the web process, which dies as well: forms, clicks, commands, answers."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from engine.demo import PARTNER_SLACK_ID
from engine.mail.unsubscribe import unsubscribe_url
from tests.chaos import visitor
from tests.chaos.stage import Stage
from tests.chaos.stories import ANNA, MAIL, Occasions, Story

BOTH = ("worker", "web")
ASK = """
slug: {slug}
name: {slug}
agent: lead_response
steps:
  - {{key: ask, name: Ask, type: slack_ask_human,
     config: {{title: '{title}', choices: {{
       send: {{label: Go on, undoable: true}}, edit: {{label: Edit first, form: reply}}}},
       fields: [{{key: customer_note, label: Note, value: as it was}}]}}}}
  - {{key: tell, name: Tell, type: slack_notify, config: {{text: '{told}'}}}}
"""


# -- the form, and a thumb in Slack -------------------------------------------------------

FORM = {
    "id": "f-1",
    "name": "Rachel Sandberg",
    "email": "rachel.sandberg@example.com",
    "message": "Please quote snow removal for this winter.",
}
REPLY = "Reply to a new lead"


def _form_and_clicks(stage: Stage) -> bool:
    return visitor.in_turn(
        stage,
        lambda s: visitor.send_form(s, FORM),
        # Somebody who is not on the list is told so.
        lambda s: visitor.press(s, REPLY, "Send as is", who=PARTNER_SLACK_ID),
        lambda s: visitor.open_form(s, REPLY, "Edit first"),
        lambda s: visitor.send_off(s, draft_subject="Your lawn"),
        lambda s: visitor.taken_back(s, REPLY, lambda s: visitor.press(s, REPLY, "Undo")),
        visitor.look_home,
        lambda s: visitor.decided(s, REPLY, lambda s: visitor.press(s, REPLY, "Send as is")),
    )


SLACK = Story(
    "a form and clicks",
    lambda stage: stage.change("select 1"),
    Occasions(
        mails={("rachel.sandberg@example.com", "Your lawn"): 1},
        posts={"Answered Rachel Sandberg": 1},
        writes={
            ("POST", "/customers", "rachel.sandberg@example.com"): 1,
            ("POST", "/customers/L-1/interactions", "email_sent"): 1,
        },
        questions={REPLY: 1},
        tasks={("new_lead_response", "completed"): 1, ("quote_due", "waiting_on_timer"): 1},
    ),
    meanwhile=_form_and_clicks,
    processes=BOTH,
    environment={"UNDO_SECONDS": "3"},
)


# -- the inbox in a browser -----------------------------------------------------------------


RATHER = "Or rather not?"


def _begin_browsing(stage: Stage) -> None:
    for slug, title in (("browsed", "Shall it be?"), ("given_up", RATHER)):
        stage.import_sop(ASK.format(slug=slug, title=title, told=f"It was {slug}."))
        stage.run_sop(slug)


def _browse(stage: Stage) -> bool:
    shall = "Shall it be?"

    def number(slug: str) -> int:
        return stage.value(
            "select number from tasks t join sops s on s.id = t.sop_id where slug = %s", slug
        )

    def act(slug: str, what: str, **data: str) -> visitor.Act:
        return lambda s: visitor.visitor(s).post(f"/tasks/{number(slug)}/{what}", **data)

    def answer(verb: str, **data: str) -> visitor.Act:
        return lambda s: visitor.answer(s, shall, verb, **data)

    go_on = answer("answer", choice="send")
    return visitor.in_turn(
        stage,
        lambda s: visitor.visitor(s).sign_in(),
        lambda s: visitor.state(s, shall) == "open" and visitor.state(s, RATHER) == "open",
        answer("editing"),
        go_on,
        lambda s: visitor.taken_back(s, shall, answer("undo")),
        lambda s: visitor.decided(s, shall, go_on),
        act("given_up", "reruns", step="ask"),
        lambda s: visitor.state(s, RATHER) == "open",
        act("given_up", "cancellation"),
        lambda s: visitor.visitor(s).sign_out(),
    )


BROWSER = Story(
    "a browser",
    _begin_browsing,
    Occasions(
        posts={"It was browsed.": 1},
        # Who sends it back once more, for nobody said that it is done, has it asked once more.
        questions={"Shall it be?": 1, RATHER: (2, 3)},
        tasks={("browsed", "completed"): 1, ("given_up", "cancelled"): 1},
    ),
    meanwhile=_browse,
    processes=BOTH,
    environment={"UNDO_SECONDS": "3"},
)


# -- typed commands, and somebody who wants no more mail --------------------------------------

LETTER = """
slug: letter
name: Letter
agent: lead_response
steps:
  - {key: send, name: Send, type: api_call, on_failure: tell,
     config: {service: email, operation: send}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'The letter is dealt with.'}}
"""
TYPED = """
slug: typed
name: Typed
agent: lead_response
steps:
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'Somebody typed it.'}}
"""


def _begin_commands(stage: Stage) -> None:
    for text in (LETTER, TYPED):
        stage.import_sop(text)


def _type_commands(stage: Stage) -> bool:
    address = unsubscribe_url(stage.runtime.settings, "anna@example.com")

    def unsubscribe(stage: Stage) -> bool:
        url = visitor.web_url(stage) + urlsplit(address).path
        return httpx.post(url, timeout=10).status_code == 200

    def start(stage: Stage) -> bool:
        stage.run_sop("letter", **ANNA, **MAIL)
        return True

    def held(stage: Stage) -> bool:
        return bool(stage.value("select exists (select from tasks where parked_for = 'halted')"))

    return visitor.in_turn(
        stage,
        lambda s: visitor.command(s, "/sop", "stop too much snow"),
        start,
        held,
        unsubscribe,
        lambda s: visitor.command(s, "/agent", "pause lead_response"),
        lambda s: visitor.command(s, "/sop", "resume"),
        lambda s: visitor.command(s, "/agent", "resume lead_response"),
        lambda s: visitor.command(s, "/sop", "run typed"),
    )


COMMANDS = Story(
    "commands",
    _begin_commands,
    Occasions(
        # Typed once more it is another command.
        posts={"The letter is dealt with.": 1, "Somebody typed it.": (1, 2)},
        tasks={("letter", "completed"): 1, ("typed", "completed"): (1, 2)},
    ),
    meanwhile=_type_commands,
    processes=BOTH,
)

STORIES = (SLACK, BROWSER, COMMANDS)
