"""The audit log: complete, in order, unchangeable, and without customer data."""

from __future__ import annotations

import psycopg
import pytest

from engine import sops, task_events
from engine.task_events import Event
from tests.engine.hands import answer, begin, procedure, rows
from tests.engine.test_branching import SAY
from tests.world import Company


def test_the_numbers_of_a_tasks_events_have_no_gap_and_no_double(office: Company) -> None:
    for name in ("lead", "complaint", "spam"):
        task = office.mail(name)
        office.settle()
        if office.see(task).question:
            answer(office, task, "send" if name == "lead" else "done")
    office.pass_time(days=5)
    for row in rows(office, "select id, events from tasks"):
        found = rows(
            office, "select seq from task_events where task_id = %s order by id", row["id"]
        )
        assert [one["seq"] for one in found] == list(range(1, row["events"] + 1))


@pytest.mark.parametrize(
    "statement",
    [
        "update task_events set actor = 'nobody'",
        "delete from task_events",
        "truncate task_events",
    ],
)
def test_nobody_changes_what_happened(office: Company, statement: str) -> None:
    begin(office, SAY.format(key="a", then="next"))
    before = rows(office, "select * from task_events order by id")
    with (
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
        office.runtime.database.statement("change") as conn,
    ):
        conn.execute(statement)
    assert rows(office, "select * from task_events order by id") == before


def test_summaries_are_cut_to_five_hundred_characters(office: Company) -> None:
    task = begin(office, SAY.format(key="a", then="next"))
    with office.runtime.database.transaction("append") as conn:
        event = Event("step_failed", input_summary="i" * 900, output_summary="o" * 900)
        task_events.append(conn, task.id, event)
        task_events.append_configuration(conn, event)
    lengths = rows(
        office,
        "select max(length(input_summary)) as i, max(length(output_summary)) as o from task_events",
    )
    assert lengths == [{"i": 500, "o": 500}]
    with (
        pytest.raises(psycopg.errors.CheckViolation),
        office.runtime.database.statement("long") as conn,
    ):
        conn.execute(
            "insert into task_events (event_type, output_summary) values ('x', repeat('o', 501))"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update steps set name = 'other'",
        "update steps set config = '{}'",
        "delete from steps",
        "insert into steps (sop_id, position, key, name, step_type)"
        " select id, 99, 'more', 'More', 'wait' from sops limit 1",
        "update sops set name = 'other'",
        "update sops set status = 'draft'",
        "update sops set version = version + 1",
        "delete from sops",
    ],
)
def test_nobody_changes_a_published_procedure(office: Company, statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.RaiseException, match="published"),
        office.runtime.database.statement("change") as conn,
    ):
        conn.execute(statement)


def test_publishing_swaps_versions_and_leaves_a_line(office: Company) -> None:
    for n in range(3):
        office.import_sop(procedure(SAY.format(key=f"s{n}", then="next")))
    found = rows(office, "select version, status from sops where slug = 'small' order by version")
    assert [(row["version"], row["status"]) for row in found] == [
        (1, "superseded"), (2, "superseded"), (3, "active"),
    ]  # fmt: skip
    lines = rows(
        office,
        "select output_summary as s from task_events where event_type = 'sop_published'"
        " and output_summary like 'small%%' order by id",
    )
    assert [line["s"] for line in lines] == ["small v1", "small v2", "small v3"]
    with office.runtime.database.read() as conn:
        assert sops.active(conn, "small").version == 3


def test_every_step_of_a_lead_leaves_what_it_took(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    answer(office, task, "send")
    timeline = office.timeline(task)
    done = {row["step_key"]: row for row in timeline if row["event_type"] == "step_completed"}
    shipped = office.runtime.procedures.of
    with office.runtime.database.read() as conn:
        keys = [step.key for step in shipped(conn, task.sop_id).steps]
    assert list(done) == keys[: keys.index("quote_due") + 1]
    assert all(row["duration_ms"] is not None for row in done.values())
    assert done["classify"]["tier"] == 1
    assert done["classify"]["confidence"] > 0.7
    assert done["approve"]["tier"] is None
    effects = [row["effect_key"] for row in timeline if row["event_type"] == "effect_done"]
    assert len(effects) == len(set(effects))
