"""What a file's check takes a task to know is what tasks really come to know."""

from __future__ import annotations

import pytest

from engine import beginnings, books, intake, task_events
from engine.knowledge import at_steps
from engine.lead_forms import LeadForm
from engine.tasks import Task
from tests.engine.hands import answer, begin, children, procedure, rows
from tests.engine.test_branching import said
from tests.engine.test_opting_out import known_to_the_crm
from tests.engine.test_replies import reply_to
from tests.world import Company

LISTENS = "- {key: tell, name: Tell, type: slack_notify, config: {text: Heard}}"
# What the engine keeps for itself.
OWN = ("draft_replies", "fanned_out_")


def listen(office: Company, event: str) -> None:
    trigger = {"type": "event", "events": [event]}
    office.import_sop(procedure(LISTENS, slug="listener", trigger=trigger))


def heard(office: Company) -> set[str]:
    """The keys of the listener's task, without those that any task may get at any moment."""
    office.settle()
    [row] = rows(
        office, "select context from tasks t join sops s on s.id = sop_id where slug = 'listener'"
    )
    return set(row["context"]) - beginnings.AT_ANY_MOMENT


def lead_form(office: Company) -> None:
    form = LeadForm(name="Anna Berg", email="anna@example.com", message="Hello")
    with office.runtime.database.transaction("lead") as conn:
        intake.take_lead(office.runtime, conn, form.model_dump(), "one")


def stop(office: Company) -> None:
    known_to_the_crm(office)
    reply_to(office, text="STOP")


def stop_for_days(office: Company) -> None:
    """Until nobody's silence keeps it from the CRM any more."""
    stop(office)
    for _ in range(8):
        office.pass_time(days=1)


@pytest.mark.parametrize(
    ("event", "happens"),
    [
        ("mail", lambda office: office.mail("lead")),
        ("lead_form", lead_form),
        ("stop_writing", stop_for_days),
        ("reply", stop),
    ],
)
def test_each_source_gives_what_it_is_said_to_give(office: Company, event: str, happens) -> None:
    listen(office, event)
    happens(office)
    assert heard(office) == beginnings.OF_EVENT[event]


def unexpected(office: Company, task: Task) -> set[str]:
    """For the step where a task stands or ended: what it knows against what may be known."""
    task = office.see(task)
    with office.runtime.database.read() as conn:
        book = books.in_use(conn)
        steps = [e["step_key"] for e in task_events.timeline(conn, task.id) if e["step_key"]]
        [slug] = [
            row["slug"] for row in rows(office, "select id, slug from sops")
            if row["id"] == task.sop_id
        ]  # fmt: skip
    plan = book.plans[slug]
    reached = at_steps(plan, book.begins[slug])
    assert set(steps) <= set(reached)
    [last] = [step for step in plan.steps if step.key == steps[-1]]
    expected = reached[last.key] | last.gives()
    return {key for key in task.context if key not in expected and not key.startswith(OWN)}


def test_a_lead_knows_nothing_unforeseen_from_the_mail_to_the_quote(office: Company) -> None:
    task = office.mail("lead")
    office.settle()
    assert unexpected(office, task) == set()
    answer(office, task, "edit", draft_subject="Your walks", draft_body="We will look at them.",
           customer_name="Anna Berg")  # fmt: skip
    assert office.see(task).status == "completed"
    assert unexpected(office, task) == set()
    office.pass_time(days=4)
    [due] = children(office, task)
    assert office.see(due).status == "waiting_on_human"
    assert unexpected(office, due) == set()


def test_the_company_is_known_in_conditions_too(office: Company) -> None:
    steps = """
    - key: look
      name: Look
      type: query
      config: {cases: [{when: business.phone and not business.fone, goto: tell}]}
    - key: never
      name: Never
      type: slack_notify
      on_success: complete
      config: {text: said Never}
    - key: tell
      name: Tell
      type: slack_notify
      config: {text: said Known}
    """
    begin(office, steps)
    assert said(office) == ["Known"]
