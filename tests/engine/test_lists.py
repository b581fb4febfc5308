"""A list of the CRM that breaks off in the middle is read again whole: nobody is missed and
nobody stands in it twice."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from engine.tasks import Task
from tests.engine.hands import alarms, begin, question, rows, summaries
from tests.world import Company

LIST = """
- key: list
  name: List
  type: query
  config: {operation: list_customers, status: past}
"""


@pytest.fixture
def many(office: Company) -> Company:
    """Three pages of a hundred."""
    one = office.local.get("crm_customer", "C-1001")
    assert one is not None
    for number in range(2000, 2240):
        office.local.put("crm_customer", f"C-{number}", one | {"id": f"C-{number}"})
    return office


def first_page_goes_through(office: Company) -> None:
    """Faults strike in the order in which they were ordered, one for each request."""
    office.order("crm", "slow", path="search", seconds=0)


def listed(office: Company, task: Task) -> list[str]:
    return [one["customer_id"] for one in office.see(task).context["customer_list"]]


def expected(office: Company) -> set[str]:
    return {
        one["id"]
        for one in office.local.all("crm_customer")
        if one["status"] == "past" and not one["opted_out"]
    }


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer", "status": 503},
        {"kind": "answer", "status": 429, "headers": {"Retry-After": "30"}},
        {"kind": "drop_before"},
        {"kind": "answer", "status": 200, "body": '{"data": [{"id": "C-1'},
        {"kind": "answer", "status": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"},
    ],
    ids=["5xx", "429", "dropped", "truncated", "not JSON"],
)
def test_the_second_page_fails(many: Company, fault: dict[str, object]) -> None:
    first_page_goes_through(many)
    many.order("crm", path="search", **fault)  # type: ignore[arg-type]
    task = begin(many, LIST)
    assert (task.status, task.attempt) == ("waiting_on_timer", 0)
    many.pass_time(minutes=2)
    found = listed(many, task)
    assert many.see(task).status == "completed"
    assert len(found) == len(set(found)) > 250
    assert set(found) == expected(many)


@pytest.mark.parametrize(
    ("operation", "path", "row"),
    [
        ("list_customers", "search", {"id": "C-1", "name": "Anna", "status": "past"}),
        ("list_overdue_invoices", "overdue", {
            "id": "I-1", "customer_id": "C-1", "number": "1", "amount": "10.00", "currency": "USD",
            "due_on": "2020-01-01"}),
    ],
)  # fmt: skip
def test_a_crm_that_answers_with_the_first_page_for_ever_is_a_failure(
    office: Company, operation: str, path: str, row: dict[str, str]
) -> None:
    first = {"data": [row], "meta": {"total": 300, "page": 1, "per_page": 100}}
    office.order("crm", "answer", path=path, status=200, body=json.dumps(first), times=60)
    step = f"- {{key: list, name: List, type: query, config: {{operation: {operation}}}}}"
    task = begin(office, step)
    assert task.status == "escalated"
    assert len(office.requests("crm", path)) == 2
    [failed] = summaries(office, task, "step_failed")
    assert "page 2" in failed


def test_a_key_that_is_withdrawn_in_the_middle_is_told_and_not_tried_again(many: Company) -> None:
    first_page_goes_through(many)
    many.order("crm", "answer", path="search", status=401)
    task = begin(many, LIST)
    assert task.status == "escalated"
    assert len(many.requests("crm", "search")) == 2
    assert any("does not accept our credential" in text for text in alarms(many))
    assert question(many, task)["channel"] == "#escalations"
    assert rows(many, "select * from outages") == []


def active_ones(office: Company) -> None:
    """Three customers of whom the CRM knows more or less."""
    for one in office.local.all("crm_customer"):
        office.local.put("crm_customer", one["id"], one | {"status": "lost"})
    known = office.local.all("crm_customer")[0] | {"status": "active", "city": "Edina"}
    visited = (date.today() - timedelta(days=3)).isoformat()
    for name, more in {
        "A": {"last_service_at": visited},
        "B": {"last_service_at": None},
        "C": {"last_service_at": visited, "city": ""},
    }.items():
        office.local.put("crm_customer", name, known | {"id": name} | more)


@pytest.mark.parametrize(
    ("where", "found", "without"),
    [
        ("2 <= customer_days_since_service <= 9", ["A", "C"], 1),
        ("customer_city in ['Edina'] and customer_days_since_service > 1", ["A"], 1),
        ("customer_city in 'Edina, Bloomington'", ["A", "B"], 1),
        ("not customer_city", ["C"], 0),
        ("customer_last_service and customer_days_since_service < 9", ["A", "C"], 0),
    ],
)
def test_a_row_that_lacks_what_where_reads_does_not_match(
    office: Company, where: str, found: list[str], without: int
) -> None:
    active_ones(office)
    task = begin(office, LIST.replace("status: past", f'status: active, where: "{where}"'))
    assert task.status == "completed", task.error
    assert sorted(listed(office, task)) == found
    said = f"{len(found)} items" + (f", {without} without what 'where' reads" if without else "")
    assert summaries(office, task, "step_completed") == [said]


@pytest.mark.parametrize(
    "where", ["customer_days_since_servce < 9", "customer_days_since_service < most_days"]
)
def test_a_name_that_no_row_can_have_is_an_error(office: Company, where: str) -> None:
    active_ones(office)
    task = begin(office, LIST.replace("status: past", f"status: active, where: {where}"))
    assert task.status == "escalated"
    assert str(task.error).startswith("step_failed: condition")


def test_a_row_borrows_nothing_from_what_the_task_knows(office: Company) -> None:
    active_ones(office)
    known = {"customer_last_service": "2026-05-01", "customer_city": "Edina"}
    where = "customer_last_service and customer_city"
    task = begin(office, LIST.replace("status: past", f"status: active, where: {where}"), known)
    assert sorted(listed(office, task)) == ["A"]
