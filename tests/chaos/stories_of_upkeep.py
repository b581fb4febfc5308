"""What runs by the clock: watchers, the minute's and the night's upkeep, erasure; and a
worker that is told to stop."""

from __future__ import annotations

import signal

from engine import demo, watchers
from tests.chaos.stage import Stage
from tests.chaos.stories import LEAD_STORY, Occasions, Story
from tests.world import MAILS
from web.local import imap

# -- mail and schedule -----------------------------------------------------------------------

YEARLY = """
slug: yearly
name: Yearly
agent: lead_response
steps:
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'A year has passed.'}}
"""


def _begin_watching(stage: Stage) -> None:
    """The mailbox cannot be reached at first."""
    stage.import_sop(YEARLY)
    stage.change(
        "insert into watchers (agent_id, sop_slug, name, check_type, check_config,"
        " interval_seconds, created_at) select id, 'yearly', 'new year', 'schedule',"
        """ '{"cron": "0 9 1 1 *"}', 300, now() - interval '370 days'"""
        " from agents where slug = 'lead_response'"
    )
    stage.notes["port"] = demo.reserve_port()
    stage.environment |= {"IMAP_HOST": "127.0.0.1", "IMAP_PORT": str(stage.notes["port"])}
    imap.drop(stage.folder / "maildir", (MAILS / "lead.eml").read_bytes())


def _open_the_mailbox(stage: Stage) -> bool:
    """Once that has been told; and then it is looked at again before its time."""
    if "mailbox" not in stage.notes:
        if not stage.value("select exists (select from watchers where failures > 0)"):
            _look_at_once(stage)
            return False
        stage.notes["mailbox"] = stage.mailbox(stage.notes["port"])
    came_in = stage.value(
        "select count(*) = 2 from tasks t join sops s on s.id = t.sop_id"
        " where s.slug in ('yearly', 'new_lead_response')"
    )
    recovered = stage.value("select count(*) = 0 from watchers where failures > 0")
    if came_in and recovered:
        return True
    _look_at_once(stage)
    return False


def _look_at_once(stage: Stage) -> None:
    """Not when the five minutes are over, which a check that was cut short waits for."""
    with stage.runtime.database.transaction("look") as conn:
        for name in ("office mailbox", "new year"):
            watchers.check_now(conn, name)


WATCHERS = Story(
    "watchers",
    _begin_watching,
    Occasions(
        mails=LEAD_STORY.occasions.mails,
        posts={**LEAD_STORY.occasions.posts, "A year has passed.": 1},
        writes=LEAD_STORY.occasions.writes,
        questions=LEAD_STORY.occasions.questions,
        tasks={**LEAD_STORY.occasions.tasks, ("yearly", "completed"): 1},
    ),
    LEAD_STORY.answers,
    _open_the_mailbox,
    faults=True,
)


# -- upkeep ----------------------------------------------------------------------------------

ASKING = """
slug: asking
name: Asking
agent: lead_response
steps:
  - {key: ask, name: Ask, type: slack_ask_human,
     config: {title: 'Is it so?', choices: {yes: {label: It is}}}}
"""


def _begin_upkeep(stage: Stage) -> None:
    stage.import_sop(ASKING)
    stage.run_sop("asking", customer_name="Anna Berg")


def _have_it_erased(stage: Stage) -> bool:
    """The night strikes once, and the minute until all is gone that should be."""
    if not stage.value("select exists (select from tasks where status = 'completed')"):
        return False
    if "night" not in stage.notes:
        stage.strike("nightly")
        stage.notes["night"] = True
    if stage.value("select exists (select from tasks where erased_at is null)"):
        stage.strike("tick")
        return False
    return not stage.value(
        "select exists (select from procrastinate_jobs"
        " where status = 'todo' and task_name in ('tick', 'nightly'))"
    )


UPKEEP = Story(
    "upkeep",
    _begin_upkeep,
    # The question is erased, so its card has no title any more.
    Occasions(questions={"": 1}, tasks={("asking", "completed"): 1}),
    {"Is it so?": "It is"},
    _have_it_erased,
    {"ERASE_AFTER_DAYS": "0"},
)


# -- a worker is told to stop ----------------------------------------------------------------

SLOW = """
slug: slow
name: Slow
agent: lead_response
steps:
  - {key: log, name: Log, type: api_call, config: {service: crm, operation: log_interaction,
     customer: C-1001, kind: note, summary: Something was done.}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'It was done.'}}
"""


def _begin_stopping(stage: Stage) -> None:
    stage.import_sop(SLOW)
    stage.order("crm", "slow", path="/interactions", seconds=2.5)
    stage.run_sop("slow")


def _tell_it_to_stop(stage: Stage) -> bool:
    """While the CRM is at it, for longer than a worker may take to stop."""
    if "told" not in stage.notes:
        if not stage.value("select exists (select from effects where state = 'intended')"):
            return bool(stage.value("select exists (select from effects where vendor = 'slack')"))
        stage.children[0].signal(signal.SIGTERM)
        stage.notes["told"] = True
    return True


STOPPING = Story(
    "stopping",
    _begin_stopping,
    Occasions(
        writes={("POST", "/customers/C-1001/interactions", "note"): 1},
        posts={"It was done.": 1},
        tasks={("slow", "completed"): 1},
    ),
    meanwhile=_tell_it_to_stop,
    environment={"SHUTDOWN_SECONDS": "1", "CRM_TIMEOUT_SECONDS": "4"},
    faults=True,
    stops=True,
)

STORIES = (WATCHERS, UPKEEP, STOPPING)
