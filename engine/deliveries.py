"""Accepted webhooks: verified, stored, acknowledged, and only then acted on.

The web process stores a click or a form and answers the vendor at once; a worker acts.
A delivery is known by a keyed hash of what makes it one (the click's trigger id, the
form's own id), so the same click twice is one. Once acted on its body is gone.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import structlog

from engine import (
    batch_answers,
    cards,
    daily_summary,
    effects,
    failpoints,
    home_tab,
    intake,
    mail_events,
    outlooks,
    questions,
    queue,
    users,
)
from engine.answers import Answer
from engine.effects import Owner
from engine.errors import (
    AlreadyAnswered,
    EngineError,
    NotAllowed,
    NotFound,
    Refused,
    TaskClosed,
)
from engine.keyed_hash import keyed_hash
from engine.mail import sns
from engine.people import Person
from engine.postgres import DATABASE_DOWN, Connection
from engine.postgres.queries import queries
from engine.reasons import told
from engine.runtime import Runtime
from engine.settings import Settings
from engine.slack.batch_card import batch_in
from engine.slack.interactions import Click, Closed, Interaction, read_interaction
from engine.slack.outlook_card import line_in
from engine.slack.review_modal import STRIKE
from engine.slack.summary_card import task_in
from engine.slack.text import escape

sql = queries("deliveries")
log = structlog.get_logger()

# Whoever answers late is told so, within this many seconds.
TELL_SECONDS = 5.0
# What is acted on by a call to somebody else.
OUTSIDE = frozenset({"sns_confirmation"})


def accept(conn: Connection, settings: Settings, *, source: str, key: str, body: bytes) -> bool:
    """Store a delivery and have it acted on. False where it was accepted before."""
    row = sql.accept(
        conn, source=source, dedupe_key=keyed_hash(settings, f"delivery:{source}", key), body=body
    )
    queue.wake(conn, "act_on_deliveries")
    return row is not None


def act(runtime: Runtime) -> int:
    """Act on every open delivery, oldest first; returns how many there were.

    Acting and marking it done are one transaction, so a delivery is acted on once. One
    that cannot be acted on is closed with its error's code: repeating would not help.
    """
    acted = 0
    while _act_on_next(runtime):
        acted += 1
    return acted


def _act_on_next(runtime: Runtime) -> bool:
    late: tuple[Interaction, str] | None = None
    with runtime.database.transaction("act_on_delivery") as conn:
        row = sql.take(conn)
        if row is None:
            return False
        outside = row["source"] in OUTSIDE
        if outside:
            # Calls are made with no transaction open. Should we die in one, it is made again.
            sql.postpone(conn, delivery_id=row["id"], error=None)
        else:
            late = _act_within(runtime, conn, row)
    if outside:
        _act_outside(runtime, row)
    if late is not None:
        _tell(runtime, *late)
    if row["source"] == "slack":
        _show_home(runtime, row)
    return True


def _act_within(
    runtime: Runtime, conn: Connection, row: dict[str, Any]
) -> tuple[Interaction, str] | None:
    """Act in the caller's transaction; returns whom to tell that it was too late."""
    error, late = None, None
    try:
        with conn.transaction():
            _act(runtime, conn, row)
    except EngineError as refusal:
        if row["source"] != "slack":
            _keep(runtime, conn, row, refusal.code)
            return None
        error = refusal.code
        late = _addressee(row, refusal)
        log.info("delivery_refused", source=row["source"], code=refusal.code)
    except DATABASE_DOWN:
        raise
    except Exception as crash:
        # A bug of ours must neither lose this one nor stand in the way of the others.
        _keep(runtime, conn, row, type(crash).__name__)
        return None
    sql.done(conn, delivery_id=row["id"], error=error)
    return late


def _act_outside(runtime: Runtime, row: dict[str, Any]) -> None:
    """Confirm the subscription to the pinned topic; what cannot be now is tried again."""
    owner = Owner(key=f"delivery-{row['id']}")
    effect = sns.confirm_effect(bytes(row["body"]).decode())
    error = None
    try:
        effects.perform(runtime.database, runtime.settings, owner, effect, timeout=effect.timeout)
    except Refused as refusal:
        error = refusal.code
    except EngineError as later:
        log.info("delivery_waits", source=row["source"], code=later.code)
        return
    with runtime.database.statement("delivery_done") as conn:
        sql.done(conn, delivery_id=row["id"], error=error)


def _keep(runtime: Runtime, conn: Connection, row: dict[str, Any], code: str) -> None:
    """Try again in five minutes, and tell people once."""
    log.error("delivery_kept", source=row["source"], code=code)
    sql.postpone(conn, delivery_id=row["id"], error=code)
    cards.raise_alarm(
        conn,
        f"delivery:{row['source']}:{code}",
        f"What came in by {row['source']} could not be acted on: {told(code)}. It is kept and"
        " tried again every five minutes; is a procedure for it active?",
        channel=runtime.settings.channel_escalations,
    )


def _act(runtime: Runtime, conn: Connection, row: dict[str, Any]) -> None:
    source, body = row["source"], bytes(row["body"])
    if source == "lead_form":
        # The same content after so long that its delivery is forgotten is another lead.
        key = intake.lead_key(body, str(row["id"]))
        intake.take_lead(runtime, conn, json.loads(body), key)
        return
    if source == "ses":
        mail_events.act(runtime, conn, body)
        return
    clicked = _interaction(body)
    if isinstance(clicked, Closed):
        closed_by = users.id_for_slack(conn, clicked.user_id, clicked.team_id, runtime.settings)
        with contextlib.suppress(AlreadyAnswered, TaskClosed):
            questions.stop_editing(conn, clicked.token, closed_by)
        return
    person = users.person_for_slack(conn, clicked.user_id, clicked.team_id, runtime.settings)
    if person is None:
        # They were on the list when they pressed.
        raise NotAllowed(users.NOT_LISTED)
    if isinstance(clicked, Click):
        _act_on_click(runtime, conn, clicked, person)
    else:
        answer = Answer(clicked.value, clicked.fields)
        questions.answer(conn, runtime.settings, clicked.token, answer, person)


def _act_on_click(runtime: Runtime, conn: Connection, click: Click, person: Person) -> None:
    settings = runtime.settings
    if (spam_id := task_in(click.token)) is not None:
        daily_summary.not_spam(conn, runtime.procedures, _task_id(spam_id), person)
    elif (struck_id := line_in(click.token)) is not None:
        outlooks.strike(conn, _task_id(struck_id), person)
    elif (batch_id := batch_in(click.token)) is not None:
        batch_answers.act(conn, settings, batch_id, click.value, person)
    elif click.value == "undo":
        questions.undo(conn, click.token, person)
    elif click.value == STRIKE:
        batch_answers.strike_out(conn, settings, click.token, person)
    else:
        questions.answer(conn, settings, click.token, Answer(click.value, {}), person)


def _task_id(text: str) -> UUID:
    """A task that a button names; what is no id at all comes from outside."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("task") from None


def _show_home(runtime: Runtime, row: dict[str, Any]) -> None:
    """Who pressed something in the home tab sees there what came of it."""
    with contextlib.suppress(EngineError):
        clicked = _interaction(bytes(row["body"]))
        if isinstance(clicked, Click) and clicked.view_type == "home":
            home_tab.publish(runtime, clicked.user_id, clicked.team_id)


def _interaction(body: bytes) -> Interaction:
    found = read_interaction(dict(parse_qsl(body.decode("utf-8"))))
    if not isinstance(found, Interaction):
        raise EngineError("not a click or a submission")
    return found


def _addressee(row: dict[str, object], refusal: EngineError) -> tuple[Interaction, str] | None:
    if row["source"] != "slack":
        return None
    return _interaction(bytes(row["body"])), str(refusal)  # type: ignore[arg-type]


def _tell(runtime: Runtime, clicked: Interaction, text: str) -> None:
    """Say privately why nothing happened; a message that gets lost is no loss."""
    with runtime.database.read() as conn:
        about = batch_in(clicked.token) or clicked.token.partition(".")[0]
        card = cards.shown_on(conn, about)
    if card is None or card.posted_channel is None:
        return
    try:
        failpoints.reach("call:slack:tell:before")
        runtime.slack.tell(card.posted_channel, clicked.user_id, escape(text), timeout=TELL_SECONDS)
        failpoints.reach("call:slack:tell:after")
    except EngineError as error:
        log.info("could_not_tell", code=error.code)
