"""Slack's cards and alarms say what a code means, as the pages do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.hands import alarms, answer, begin, question, vendors_have_answered
from tests.engine.test_settling import MAIL, SEND
from tests.world import Company, company

ASK = """
- key: ask
  name: Ask
  type: slack_ask_human
  on_failure: fail
  config: {title: 'Mow tomorrow?', choices: {mow: {label: Mow}}}
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path, web=False) as here:
        yield here


def card(office: Company, channel: str = "#escalations") -> str:
    return json.dumps(office.messages(channel)[-1]["blocks"], ensure_ascii=False)


def test_a_failed_step_says_why(office: Company) -> None:
    refused = '{"message": "no"}'
    office.order("ses", "answer", status=400, body=refused,
                 headers={"x-amzn-ErrorType": "MessageRejected"})  # fmt: skip
    begin(office, SEND, MAIL)
    assert "refused (MessageRejected)" in card(office)


def test_an_alarm_says_why_and_names_the_code(office: Company) -> None:
    begin(office, ASK)
    office.pass_time(days=14)
    office.pass_time(days=14)
    assert "Small: the step “Ask” failed: nobody answered in time (expired)." in alarms(office)


def test_a_vendor_goes_by_its_name(office: Company) -> None:
    office.order("crm", "answer", status=503, body="{}", times=9)
    office.mail("lead")
    office.settle()
    assert any(said.startswith("The CRM cannot be reached.") for said in alarms(office))


def test_a_mail_in_doubt_is_called_one_and_has_no_empty_line(office: Company) -> None:
    office.order("ses", "drop_after")
    begin(office, SEND, MAIL)
    vendors_have_answered(office)
    assert "This mail may or may not have gone out" in card(office)
    assert "*From:*" not in card(office)
    assert "Nothing is sent again." in card(office)


def test_what_is_to_be_written_down_says_nothing_of_sending(office: Company) -> None:
    object.__setattr__(office.runtime, "crm", None)
    task = office.mail("lead")
    office.settle()
    assert "Nothing is sent." in question(office, task)["if_silent"]
    answer(office, task, "send")
    assert question(office, task)["kind"] == "to_copy"
    assert "sent" not in question(office, task)["if_silent"]
