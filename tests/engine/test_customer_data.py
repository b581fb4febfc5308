"""Where customer data may stand, and that nothing of it is left after erasure."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import erasure
from engine.errors import SopInvalid, TaskClosed
from engine.tasks import Task
from tests.engine.hands import (
    answer,
    begin,
    cancel,
    procedure,
    question,
    rerun,
    rows,
    setting,
    vendors_have_answered,
)
from tests.engine.test_new_lead import letter
from tests.world import Company

NAME, EMAIL = "Zebulon Quackenbush", "zebulon.quackenbush@canary.example"
PHONE, ADDRESS = "612-555-7788", "4711 Canarywood Ave S"
CANARIES = ("Quackenbush", "zebulon", "canary.example", "555-7788", "5557788", "Canarywood")
ASKS = f"""Hi, I need a quote for snow removal this winter.

{NAME}
{ADDRESS}, Minneapolis
{PHONE}
"""
# Where customer data may stand while a task runs; nowhere else, and never afterwards.
ALLOWED = {"tasks.context", "tasks.question", "mails.raw", "deliveries.body"}


def found(office: Company) -> dict[str, set[str]]:
    """Which canaries stand where: every column of every table, as text."""
    places: dict[str, set[str]] = {}
    columns = rows(
        office,
        "select table_name, column_name, data_type from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    assert len(columns) > 100
    for column in columns:
        place = f"{column['table_name']}.{column['column_name']}"
        text = f'"{column["column_name"]}"'
        as_text = f"encode({text}, 'escape')" if column["data_type"] == "bytea" else f"{text}::text"
        table = column["table_name"]
        for row in rows(office, f'select {as_text} as t from "{table}" where {text} is not null'):
            for canary in CANARIES:
                if canary.casefold() in (row["t"] or "").casefold():
                    places.setdefault(place, set()).add(canary)
    return places


def canary(office: Company) -> Task:
    [task] = office.raw_mail(letter(f"{NAME} <{EMAIL}>", ASKS)).tasks
    office.settle()
    return office.see(task)


def erase(office: Company) -> int:
    with setting(office, erase_after_days=0):
        count = erasure.erase_due(office.runtime)
    for _ in range(3):
        office.pass_time(seconds=5)
    return count


def test_the_canary_can_be_seen_at_all(office: Company) -> None:
    canary(office)
    places = found(office)
    assert {"tasks.context", "tasks.question", "mails.raw"} <= set(places)
    assert set(CANARIES) - {"5557788"} <= set().union(*places.values())


def test_a_lead_leaves_customer_data_where_it_may_stand_only(office: Company) -> None:
    task = canary(office)
    assert set(found(office)) <= ALLOWED
    answer(office, task, "edit", draft_subject=f"For {NAME}", draft_body=f"Hi {NAME}, {ADDRESS}")
    assert office.see(task).status == "completed"
    assert set(found(office)) <= ALLOWED


@pytest.mark.parametrize(
    ("vendor", "fault"),
    [
        ("crm", {"kind": "answer", "status": 422, "body": '{"error": {"code": "bad %s"}}'}),
        ("crm", {"kind": "answer", "status": 401, "body": '{"error": "%s"}'}),
        ("crm", {"kind": "answer", "status": 200, "body": '{"data": "%s"'}),
        ("ses", {"kind": "answer", "status": 400, "body": '{"message": "%s is not verified"}'}),
        ("ses", {"kind": "drop_after"}),
        ("slack", {"kind": "answer", "status": 200, "body": '{"ok": false, "error": "%s"}'}),
        ("claude", {"kind": "answer", "status": 400, "body": '{"error": {"message": "%s"}}'}),
        ("claude", {"kind": "answer", "status": 200, "body": '{"content": "%s"'}),
    ],
)
def test_what_goes_wrong_names_no_customer(
    office: Company, vendor: str, fault: dict[str, object]
) -> None:
    if "body" in fault:
        fault = fault | {"body": str(fault["body"]).replace("%s", EMAIL)}
    kind = fault.pop("kind") if vendor != "claude" else dict(fault).get("kind")
    given = {key: value for key, value in fault.items() if key != "kind"}
    if vendor == "claude":
        office.order(vendor, kind, times=20, **given)
    task = canary(office)
    if vendor != "claude":
        office.order(vendor, kind, times=20, **given)
        if question(office, task)["kind"] == "approval":
            answer(office, task, "send")
    for _ in range(4):
        vendors_have_answered(office)
    assert set(found(office)) <= ALLOWED


def test_a_reply_of_the_model_that_is_nonsense_names_no_customer(office: Company) -> None:
    from web.local.claude import script

    script(office.local, text=f'{{"category": "{NAME}", "reason": 3}}', times=20)
    canary(office)
    assert set(found(office)) <= ALLOWED


def test_a_cancellation_reason_is_no_place_for_a_name(office: Company) -> None:
    from engine import tasks

    task = canary(office)
    with office.runtime.database.transaction("cancel") as conn:
        tasks.cancel(conn, task.id, by="test", reason=f"{NAME} has called")
    assert set(found(office)) <= ALLOWED
    assert office.see(task).status == "cancelled"


def test_what_a_person_fills_in_stands_under_a_personal_key(office: Company) -> None:
    steps = """
- key: ask
  name: Ask
  type: slack_ask_human
  config:
    title: Where
    choices: {ok: {label: OK, form: edit}}
    fields: [{key: where, label: Where do they live}]
"""
    with pytest.raises(SopInvalid, match="customer_"):
        office.import_sop(procedure(steps))


# -- erasure ------------------------------------------------------------------------------


def test_after_erasure_nothing_is_found(office: Company) -> None:
    task = canary(office)
    answer(office, task, "send")
    with office.runtime.database.read() as conn:
        child = conn.execute("select * from tasks where parent_id = %s", [task.id]).fetchone()
    assert child is not None
    office.pass_time(days=6)
    answer(office, Task(**child), "sent")
    events = rows(office, "select count(*)::int as n from task_events where task_id is not null")

    posted = [m for m in office.messages("#leads-incoming") if "A quote is due" in m["text"]]
    assert NAME in posted[0]["text"], "a post of the procedure names the customer"

    assert erase(office) == 2
    assert found(office) == {}
    done = office.see(task)
    assert (done.erased_at is not None, done.question) == (True, None)
    assert done.context["category"] == "new_lead", "what is not personal is kept"
    after = rows(office, "select count(*)::int as n from task_events where task_id is not null")
    assert after[0]["n"] >= events[0]["n"] + 2
    for channel in ("#leads-incoming", "#escalations"):
        for message in office.messages(channel):
            if "header" in [block["type"] for block in message["blocks"]]:
                text = str(message["blocks"]) + message["text"]
                assert "erased" in text.casefold()
            said = f"{message['blocks']} {message['text']}".casefold()
            assert not [one for one in CANARIES if one.casefold() in said], said
    told = [m["text"] for m in office.messages("#leads-incoming") if m["ts"] == posted[0]["ts"]]
    assert "has been erased" in told[0]


def test_a_post_that_names_nobody_stays_as_it_is(office: Company) -> None:
    steps = """
    - key: tell
      name: Tell
      type: slack_notify
      config: {text: 'Ten mails are out, by {{trigger}}.'}
    """
    begin(office, steps, {"trigger": "the test", "customer_name": NAME})
    erase(office)
    assert [m["text"] for m in office.messages("#leads-incoming")] == [
        "Ten mails are out, by the test."
    ]


def test_mail_that_started_no_task_is_erased_too(office: Company) -> None:
    taken = office.raw_mail(
        letter(f"{NAME} <{EMAIL}>", "I am away.", "Out of office", Auto_Submitted="auto-replied")
    )
    assert taken.verdict == "auto_reply"
    assert set(found(office)) == {"mails.raw"}
    erase(office)
    assert found(office) == {}


def test_an_erased_mail_is_still_known(office: Company) -> None:
    raw = letter(f"{NAME} <{EMAIL}>", ASKS)
    [task] = office.raw_mail(raw).tasks
    office.settle()
    cancel(office, task)
    erase(office)
    assert office.raw_mail(raw).verdict == "duplicate"
    assert found(office) == {}


def test_an_open_task_is_not_erased(office: Company) -> None:
    task = canary(office)
    office.pass_time(days=100)
    assert office.see(task).finished_at is None or office.see(task).status != "waiting_on_human"
    waiting = begin(office, "- {key: w, name: W, type: wait, config: {for: 900d}}\n",
                    {"customer_name": NAME})  # fmt: skip
    erase(office)
    assert office.see(waiting).context["customer_name"] == NAME


def test_the_grace_period_is_kept(office: Company) -> None:
    task = canary(office)
    cancel(office, task)
    office.pass_time(days=29)
    assert erasure.erase_due(office.runtime) == 0
    office.pass_time(days=2)
    assert erasure.erase_due(office.runtime) == 1
    assert erasure.erase_due(office.runtime) == 0


def test_an_erased_task_is_closed_for_good(office: Company) -> None:
    task = canary(office)
    given = f"{question(office, task)['id']}.x"
    cancel(office, task)
    erase(office)
    with pytest.raises(TaskClosed, match="erased"):
        rerun(office, task, "draft")
    from engine import questions
    from engine.answers import Answer
    from tests.engine.hands import OWNER

    with pytest.raises(TaskClosed), office.runtime.database.transaction("answer") as conn:
        questions.answer(conn, office.runtime.settings, given, Answer("send", {}), OWNER)


def test_a_dump_of_the_database_holds_nothing(office: Company, tmp_path: Path) -> None:
    """Job rows, indexes' comments and all: what `pg_dump | grep` would see."""
    task = canary(office)
    answer(office, task, "refuse", reason=f"{NAME} is too far away")
    erase(office)
    with office.runtime.database.read() as conn:
        tables = conn.execute(
            "select schemaname || '.' || quote_ident(tablename) as t from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        text = ""
        for table in tables:
            with conn.cursor().copy(f"copy {table['t']} to stdout") as out:
                text += "".join(bytes(block).decode("utf-8", "replace") for block in out)
    assert len(text) > 10_000
    assert not [one for one in CANARIES if one.casefold() in text.casefold()]


# -- a card that cannot be posted -----------------------------------------------------------


def test_a_card_that_stays_in_doubt_does_not_keep_a_customers_data(office: Company) -> None:
    """Slack swallowed it, and does not let us look: the channel is gone."""
    ask = """
    - key: ask
      name: Ask
      type: slack_ask_human
      on_failure: fail
      config: {title: 'Call {{customer_name}}?', choices: {ok: {label: OK}}}
    """
    office.order("slack", "drop_before", path="chat.postMessage", times=50)
    task = begin(office, ask, {"customer_name": NAME})
    office.local.clear_faults()
    refused = '{"ok": false, "error": "channel_not_found"}'
    for path in ("conversations.history", "conversations.replies", "chat.postMessage"):
        office.order("slack", "answer", path=path, status=200, body=refused, times=500)
    vendors_have_answered(office)
    answer(office, task, "ok")
    assert rows(office, "select from effects where starts_with(key, 'card-') and state <> 'done'")
    assert erase(office) == 1
    assert found(office) == {}

    office.local.clear_faults()
    for _ in range(3):
        vendors_have_answered(office)
    assert not any(NAME in str(message) for message in office.messages("#leads-incoming"))
