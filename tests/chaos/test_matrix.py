"""A real worker or web process is killed at every place there is; another one takes its
work up, and what arrived at the vendors is as if nobody had died."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from engine.settings import PROJECT
from tests.chaos.matrix import STORIES, Matrix, Theatre
from tests.chaos.names import ROOTS, calls_past, commits_and_calls
from tests.chaos.playing import Death, play
from tests.guarantees import second_sends

pytestmark = pytest.mark.slow

# What no story comes by, and why that may be so.
ACCOUNT = "one statement about a person's own account; nothing of a task or a vendor in it"
LEFT_OUT: dict[str, str] = {
    "commit:count_try": ACCOUNT,
    "commit:end_session": ACCOUNT,
    "commit:set_password": ACCOUNT,
    "commit:set_theme": ACCOUNT,
    "commit:give_cards_back": "a courtesy at SIGTERM; a card that is not given back has a lease,"
    " and tests/chaos/test_cards.py shows both",
    "commit:card_lost": "a card found to be gone; tests/engine/test_lost_cards.py",
    "commit:post_again": "a person's order for a lost card; tests/engine/test_lost_cards.py",
    "call:mail:confirm": "Amazon's own link, which it takes as often as it comes:"
    " tests/web/webhooks/test_ses.py",
    "call:slack:update_view": "turns a page that the next click draws anew: tests/campaigns",
    "commit:answer_batch": "the answers of a batch are one transaction; tests/campaigns",
    "commit:leave": "one statement of a command; tests/engine/test_absences.py",
    "commit:come_back": "one statement of a command; tests/engine/test_absences.py",
    "commit:delivery_done": "only for what is acted on outside its transaction:"
    " tests/engine/test_deliveries.py",
    "commit:leave_unknown": "one call's end; done again it changes nothing:"
    " tests/engine/test_leftovers.py",
    "commit:upkeep_failed": "an alarm of the engine's own slips: tests/engine/test_leftovers.py",
    "commit:upkeep_recovered": "the end of that alarm: tests/engine/test_leftovers.py",
    "commit:write_again": "one contact's opt-out; done again it changes nothing:"
    " tests/engine/test_opting_out.py",
    "commit:stop_writing": "one contact's opt-out; done again it changes nothing:"
    " tests/engine/test_replies.py",
}


@pytest.mark.parametrize("story", [story.name for story in STORIES])
def test_whoever_dies_nothing_is_lost_and_nothing_happens_twice(matrix: Matrix, story: str) -> None:
    found = [line for line in matrix.findings() if line.startswith(f"{story}, ")]
    assert not found, "\n".join(found)


def uncovered(matrix: Matrix, project: Path = PROJECT) -> set[str]:
    """Commits and calls that stand in the code, or were come by, and at which nobody died."""
    places = {
        f"{name}:{side}" for name in commits_and_calls(project) - set(LEFT_OUT)
        for side in ("before", "after")
    }  # fmt: skip
    return (places | matrix.places) - matrix.died_at | calls_past(project)


def test_every_commit_and_every_call_in_the_code_is_in_the_matrix(matrix: Matrix) -> None:
    assert uncovered(matrix) == set()


NOVELTIES = """
def archive(database, crm, slack):
    with database.statement("archive") as conn:
        conn.execute("select 1")
    with database.transaction(f"archive:{position.status}"):
        crm.upsert_lead({}, key="", timeout=1)
    failpoints.reach("call:crm:archive:before")
    return Effect("slack", "archive", None, 1.0)

def ask(crm):
    return crm.get_customer("C-1001", timeout=1)
"""


def test_a_new_commit_and_a_new_call_of_a_vendor_are_found(matrix: Matrix, tmp_path: Path) -> None:
    """Of each kind there is, in a copy of the code."""
    for root in ROOTS:
        copytree(PROJECT / root, tmp_path / root, ignore=ignore_patterns("__pycache__", "static"))
    assert uncovered(matrix, tmp_path) == set()
    (tmp_path / "engine" / "novelties.py").write_text(NOVELTIES)
    found = uncovered(matrix, tmp_path)
    assert {
        "commit:archive:before", "commit:archive:after", "commit:archive:completed:after",
        "call:crm:archive:before", "call:slack:archive:before", "call:slack:archive:after",
        "engine/novelties.py: get_customer",
    } <= found  # fmt: skip
    # One that is put together of what nobody knows does not get as far.
    (tmp_path / "engine" / "novelties.py").write_text('Effect("crm", whatever, call)')
    with pytest.raises(AssertionError, match="add what 'whatever' may be"):
        uncovered(matrix, tmp_path)


def test_what_is_left_out_stands_in_the_code(matrix: Matrix) -> None:
    assert set(LEFT_OUT) <= commits_and_calls()
    covered = {place.rpartition(":")[0] for place in matrix.died_at}
    assert not covered & set(LEFT_OUT), "nobody need make an excuse for these"


def test_the_query_of_the_guarantees_finds_no_second_send(theatre: Theatre) -> None:
    """After a death in the middle of a send, on the database it happened in."""
    story = next(story for story in STORIES if story.name == "lead")
    with theatre.empty_stage() as here:
        played = play(here, story, death=Death("worker", "call:mail:send:after"))
        assert not played.findings
        assert here.rows(second_sends()) == []
        sent = "select count(*) from effects where vendor = 'mail' and state = 'done'"
        assert here.value(sent) == 1, "there was something to find"


@pytest.mark.long
def test_at_every_place_of_every_story(theatre: Theatre) -> None:
    """The whole product, up to the third passage of each place."""
    found = theatre.play_matrix(whole=True).findings()
    assert not found, "\n".join(found)
