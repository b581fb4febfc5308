"""Who has opted out is written to again where an owner says so, and the record says who and why."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from engine import commands, suppressions
from engine.cli import cli
from engine.errors import EngineError, NotAllowed
from engine.keyed_hash import contact_hash
from tests.engine.hands import OWNER, VIEWER, answer, begin, rows
from tests.engine.test_opting_out import known_to_the_crm, opted_out_in_crm, reasons
from tests.engine.test_opting_out_afresh import anna_says, offer_to_anna
from tests.engine.test_replies import MAIL, SEND, reply_to
from tests.world import Company

ANNA = "anna@example.com"


def say(office: Company, text: str) -> str:
    return commands.answer(office.runtime, f"write-again {text}", OWNER)


def suppress(office: Company, reason: str, address: str = ANNA) -> None:
    """As a report of the mail service or the page of the link does."""
    contact = contact_hash(office.runtime.settings, address)
    with office.runtime.database.transaction("suppress") as conn:
        suppressions.stop_writing(
            conn,
            office.runtime.settings,
            contact,
            reason,
            actor="mail",  # type: ignore[arg-type]
        )


def notes(office: Company) -> int:
    return sum(one["kind"] == "stop_writing" for one in office.local.all("crm_interaction"))


def test_a_confirmed_opt_out_is_lifted_and_the_record_says_who_and_why(office: Company) -> None:
    offer = offer_to_anna(office)
    [asking] = reply_to(office, text="STOP").tasks
    answer(office, asking, "leave")
    assert opted_out_in_crm(office)
    assert say(office, "Anna@Example.com").startswith("They opted out on ")
    said = say(office, "<mailto:Anna@Example.com|Anna@Example.com> asked")
    assert "may be written to again" in said
    assert "take it back there" in said
    assert reasons(office) == []
    assert begin(office, SEND, MAIL, slug="again").status == "completed"
    [told] = [e for e in office.timeline(offer) if e["event_type"] == "opt_out_lifted"]
    assert (told["actor"], told["output_summary"]) == (str(OWNER), "opted_out: asked")
    assert office.see(offer).context["customer_opted_out"] is False
    [kept] = rows(office, "select * from task_events where task_id is null"
                          " and event_type = 'opt_out_lifted'")  # fmt: skip
    assert kept["actor"] == str(OWNER)
    assert kept["input_summary"] == contact_hash(office.runtime.settings, ANNA).hex()[:16]
    assert "anna" not in str(kept).lower()


def test_who_opts_out_once_more_is_told_to_the_crm_once_more(office: Company) -> None:
    known_to_the_crm(office)
    [first] = reply_to(office, text="STOP").tasks
    answer(office, first, "leave")
    assert notes(office) == 1
    say(office, f"{ANNA} mistake")
    [second] = reply_to(office, text="Unsubscribe").tasks
    answer(office, second, "leave")
    assert reasons(office) == ["opted_out"]
    assert notes(office) == 2


def test_what_was_lifted_is_not_put_back_by_a_card_that_nobody_answers(office: Company) -> None:
    known_to_the_crm(office)
    [asking] = reply_to(office, text="STOP").tasks
    say(office, f"{ANNA} asked")
    for _ in range(8):
        office.pass_time(days=1)
    assert office.see(asking).status == "completed"
    assert reasons(office) == []
    assert not opted_out_in_crm(office)


def test_who_presses_all_the_same_is_heeded(office: Company) -> None:
    known_to_the_crm(office)
    [asking] = reply_to(office, text="STOP").tasks
    say(office, f"{ANNA} mistake")
    answer(office, asking, "leave")
    assert reasons(office) == ["opted_out"]
    assert opted_out_in_crm(office)


def test_what_the_crm_has_yet_to_hear_is_not_told_any_more(office: Company) -> None:
    offer = offer_to_anna(office)
    office.order("crm", "answer", status=503, times=50)
    suppress(office, "unsubscribed")
    office.settle()
    say(office, f"{ANNA} mistake")
    office.local.clear_faults()
    for _ in range(4):
        office.pass_time(hours=1)
    assert reasons(office) == []
    assert not opted_out_in_crm(office)
    assert office.see(offer).context["customer_opted_out"] is False


def test_a_bounce_is_lifted_and_a_complaint_stands(office: Company) -> None:
    suppress(office, "bounced")
    assert "bounced" in say(office, ANNA)
    assert "again" in say(office, f"{ANNA} repaired")
    assert reasons(office) == []
    suppress(office, "complained")
    assert "stands" in say(office, ANNA)
    with pytest.raises(NotAllowed, match="marked our mail as spam"):
        say(office, f"{ANNA} asked")
    assert reasons(office) == ["complained"]


def test_only_who_may_act_with_a_reason_and_an_address(office: Company) -> None:
    suppress(office, "opted_out")
    with pytest.raises(NotAllowed):
        commands.answer(office.runtime, f"write-again {ANNA} asked", VIEWER)
    for wrong in ("", "anna", f"{ANNA} because", "zoe@example.com asked"):
        with pytest.raises(EngineError):
            say(office, wrong)
    assert reasons(office) == ["opted_out"]
    assert "They may be written to" in say(office, "zoe@example.com")


def test_the_command_line_names_the_reasons() -> None:
    shown = CliRunner().invoke(cli, ["write-again", "--help"])
    assert "asked" in shown.output
    assert "repaired" in shown.output


def test_a_stranger_that_was_heeded_can_be_let_in_again(office: Company) -> None:
    [asking] = anna_says(office, "stop").tasks
    answer(office, asking, "leave")
    assert reasons(office) == ["opted_out"]
    say(office, f"{ANNA} asked")
    assert reasons(office) == []
