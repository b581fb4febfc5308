"""The app's home tab in Slack, published: the inbox of whoever looks at it.

Called when somebody opens it, and once more when what they pressed there has been done.
"""

from __future__ import annotations

import structlog

from engine import batch_standing, batches, failpoints, inbox, users
from engine.batch_standing import Standing
from engine.errors import EngineError
from engine.inbox import Waiting
from engine.postgres import Connection
from engine.runtime import Runtime
from engine.slack.home import OpenQuestion, closed_view, home_view
from engine.slack.modals import View

log = structlog.get_logger()
SECONDS = 2.0


def publish(runtime: Runtime, user_id: str, team_id: str) -> None:
    """Slack shows the tab of last time where this fails."""
    view = _drawn(runtime, user_id, team_id)
    try:
        failpoints.reach("call:slack:publish_home:before")
        runtime.slack.publish_home(user_id, view, timeout=SECONDS)
        failpoints.reach("call:slack:publish_home:after")
    except EngineError as error:
        log.info("home_not_published", code=error.code)


def _drawn(runtime: Runtime, user_id: str, team_id: str) -> View:
    settings = runtime.settings
    base = settings.web_base_url.rstrip("/")
    with runtime.database.read() as conn:
        person = users.person_for_slack(conn, user_id, team_id, settings)
        if person is None:
            return closed_view(users.NOT_LISTED)
        open_questions = [_line(one, base) for one in inbox.waiting(conn)]
        standing = _batches(conn)
    return home_view(
        open_questions,
        standing,
        inbox_url=f"{base}/inbox",
        undo_seconds=settings.batch_undo_seconds,
    )


def _batches(conn: Connection) -> list[Standing]:
    opened = [batches.get(conn, one.id) for one in batches.waiting(conn)]
    return [batch_standing.read(conn, batch) for batch in opened]


def _line(one: Waiting, base: str) -> OpenQuestion:
    question = one.question
    editing = question.get("editing") if question.get("state") == "editing" else None
    return OpenQuestion(
        title=str(question.get("title") or ""),
        why=str(question.get("why") or ""),
        task_number=one.task.number,
        url=f"{base}/tasks/{one.task.number}",
        token=one.token,
        deadline=one.task.deadline,
        editing_by=str((editing or {}).get("name") or ""),
    )
