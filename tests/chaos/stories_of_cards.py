"""Cards of a particular kind: a model's step that no model may decide, a campaign's one card
for all drafts, and a card that somebody has deleted and has posted again."""

from __future__ import annotations

from contextlib import suppress

from engine import lost_cards
from tests.chaos.stage import OWNER, Stage
from tests.chaos.stories import ANNA, Occasions, Story
from web.local.claude import script
from web.local.slack.inputs import NothingThere

# -- at the cap, a person decides ------------------------------------------------------------

UNCLEAR = """
slug: unclear
name: Unclear
agent: lead_response
steps:
  - {key: sort, name: Sort, type: llm_classify, tier: 1,
     config: {prompt: Say what it is., labels: {good: it is good, bad: it is bad}}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'Now it is clear.'}}
"""


def _begin_unclear(stage: Stage) -> None:
    """However often it is asked, for a death may come before the reply is stored."""
    script(stage.local, object={"category": "good", "confidence": 0.5}, times=50)
    stage.import_sop(UNCLEAR)
    stage.run_sop("unclear", email_text="Something was written to us.")


AT_THE_CAP = Story(
    "at the cap",
    _begin_unclear,
    Occasions(
        posts={"Now it is clear.": 1},
        questions={"What is this?": 1},
        tasks={("unclear", "completed"): 1},
    ),
    {"What is this?": "Bad"},
)

# -- one card for a campaign -----------------------------------------------------------------

WORD = """
slug: word
name: A word
agent: marketing
steps:
  - key: approve
    name: Approve
    type: slack_ask_human
    on_failure: fail
    config:
      title: A word to {{customer_name}}
      kind: approval
      batch: true
      mail: {to: '{{customer_email}}', subject: Spring, body: '{{draft_body}}'}
      quote: ''
      choices:
        send: {label: Send as is, style: primary, undoable: true}
        refuse: {label: Don't send, style: danger, form: reason, goto: complete}
  - {key: send, name: Send, type: api_call, config: {service: email, operation: send}}
"""
CAMPAIGN = """
slug: campaign
name: Campaign
agent: marketing
steps:
  - {key: each, name: Each, type: for_each, config: {items: customer_list, sop: word}}
"""
BODY = "Hi {name},\n\nthe season begins and we would be glad to see you again.\n\nChris"
NAMES = ("Anna Berg", "Bob Dahl")


def _address(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@example.com"


def _begin_campaign(stage: Stage) -> None:
    for text in (WORD, CAMPAIGN):
        stage.import_sop(text)
    people = [
        {"customer_name": name, "customer_email": _address(name),
         "draft_body": BODY.format(name=name)}
        for name in NAMES
    ]  # fmt: skip
    stage.run_sop("campaign", customer_list=people)


def _approve_all(stage: Stage) -> bool:
    """By the card's one button, as long as it has one."""
    for card in stage.rows(
        "select posted_channel, ts from cards where kind = 'batch' and ts is not null"
        " and exists (select from tasks where status = 'waiting_on_human')"
    ):
        with suppress(NothingThere):
            stage.press(card, f"Approve all {len(NAMES)}")
    return bool(stage.value("select count(*) = 3 from tasks where status = 'completed'"))


BATCH = Story(
    "a batch",
    _begin_campaign,
    Occasions(
        mails={(_address(name), "Spring"): 1 for name in NAMES},
        questions={f"A word to {name}": 1 for name in NAMES},
        tasks={("campaign", "completed"): 1, ("word", "completed"): len(NAMES)},
    ),
    meanwhile=_approve_all,
    # One mail after the other, so that a death hits one of them.
    environment={"BATCH_UNDO_SECONDS": "1", "WORKER_CONCURRENCY": "1"},
)

# -- a card is deleted, and posted again -----------------------------------------------------

LOST = """
slug: lost
name: Lost
agent: lead_response
steps:
  - {key: ask, name: Ask, type: slack_ask_human,
     config: {title: 'Where is it?', choices: {here: {label: Here}, gone: {label: Gone}}}}
"""


def _begin_lost(stage: Stage) -> None:
    stage.import_sop(LOST)
    stage.run_sop("lost", **ANNA)


def _post_again(stage: Stage) -> bool:
    """Once it stands there; and answer the new one."""
    for row in stage.open_questions():
        if row["ts"] is None:
            return False
        if "lost" not in stage.notes:
            with stage.runtime.database.transaction("again") as conn:
                lost_cards.post_again(conn, stage.runtime.settings, row["number"], OWNER)
            stage.notes["lost"] = row["ts"]
        elif row["ts"] != stage.notes["lost"]:
            with suppress(NothingThere):
                stage.press(row, "Here")
    return bool(stage.value("select exists (select from tasks where status = 'completed')"))


POSTED_AGAIN = Story(
    "a lost card",
    _begin_lost,
    Occasions(questions={"Where is it?": 1}, tasks={("lost", "completed"): 1}),
    meanwhile=_post_again,
)

STORIES = (AT_THE_CAP, BATCH, POSTED_AGAIN)
