"""An approval that nobody gives, in a task that has sent a mail before: nothing is sent, and
least of all the earlier mail once more."""

from __future__ import annotations

import pytest

from tests.engine.hands import answer, begin, question
from tests.engine.test_branching import SAY, said
from tests.world import Company

ASK = """
- key: ask_{n}
  name: Ask {n}
  type: slack_ask_human
  on_failure: {failing}
  config:
    title: Mail {n}
    kind: approval
    mail: {{to: anna@example.com, to_name: Anna, subject: Mail {n}, body: This is mail {n}.}}
    choices:
      send: {{label: Send, style: primary}}
      refuse: {{label: "No", style: danger{goto}}}
- key: send_{n}
  name: Send {n}
  type: api_call
  config: {{service: email, operation: send}}
"""


def steps(failing: str, goto: str = ", goto: said_no") -> str:
    first = ASK.format(n=1, failing="escalate", goto=goto)
    second = ASK.format(n=2, failing=failing, goto=goto)
    return first + second + SAY.format(key="sent_both", then="complete") + SAY.format(
        key="said_no", then="complete"
    )  # fmt: skip


def silent_at_the_second(office: Company, failing: str, **more: str) -> tuple[object, list[str]]:
    task = begin(office, steps(failing, **more))
    answer(office, task, "send")
    for _ in range(2):
        office.pass_time(days=6)
    return task, [mail["subject"] for mail in office.outbox]


def test_who_goes_on_without_the_approval_goes_where_a_no_leads(office: Company) -> None:
    task, mails = silent_at_the_second(office, "escalate")
    assert question(office, task)["title"] == "The step “Ask 2” failed"
    done = answer(office, task, "skip")
    assert mails == ["Mail 1"] == [mail["subject"] for mail in office.outbox]
    assert done.status == "completed"
    assert said(office) == ["said_no"]


def test_where_a_no_leads_nowhere_else_the_sending_says_what_is_missing(office: Company) -> None:
    task, _ = silent_at_the_second(office, "escalate", goto="")
    answer(office, task, "skip")
    assert [mail["subject"] for mail in office.outbox] == ["Mail 1"]
    assert question(office, task)["title"] == "The step “Send 2” failed"


@pytest.mark.parametrize("failing", ["next", "send_2"])
def test_a_branch_that_leads_to_the_sending_finds_nothing_to_send(
    office: Company, failing: str
) -> None:
    task, mails = silent_at_the_second(office, failing)
    assert mails == ["Mail 1"]
    assert question(office, task)["title"] == "The step “Send 2” failed"
