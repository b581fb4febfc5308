"""A real worker or web process is killed at every place there is; another one takes its
work up, and what arrived at the vendors is as if nobody had died."""

from __future__ import annotations

import re

import pytest

from engine.settings import PROJECT
from tests.chaos.matrix import STORIES, Matrix, Theatre
from tests.chaos.names import commits_and_calls
from tests.chaos.playing import Death, play

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
    "call:slack:update_view": "turns a page that the next click draws anew: tests/campaigns",
    "commit:answer_batch": "the answers of a batch are one transaction; tests/campaigns",
    "commit:leave": "one statement of a command; tests/engine/test_absences.py",
    "commit:come_back": "one statement of a command; tests/engine/test_absences.py",
    "commit:delivery_done": "only for what is acted on outside its transaction:"
    " tests/engine/test_deliveries.py",
    "commit:leave_unknown": "one call's end; done again it changes nothing:"
    " tests/engine/test_leftovers.py",
    "commit:stop_writing": "one contact's opt-out; done again it changes nothing:"
    " tests/engine/test_replies.py",
}


@pytest.mark.parametrize("story", [story.name for story in STORIES])
def test_whoever_dies_nothing_is_lost_and_nothing_happens_twice(matrix: Matrix, story: str) -> None:
    found = [line for line in matrix.findings() if line.startswith(f"{story}, ")]
    assert not found, "\n".join(found)


def test_every_commit_and_every_call_in_the_code_is_in_the_matrix(matrix: Matrix) -> None:
    places = {
        f"{name}:{side}" for name in commits_and_calls() - set(LEFT_OUT)
        for side in ("before", "after")
    }  # fmt: skip
    assert places - matrix.died_at == set(), "in the code, and nobody died there"
    assert matrix.places - matrix.died_at == set(), "come by, and nobody died there"


def test_what_is_left_out_stands_in_the_code(matrix: Matrix) -> None:
    assert set(LEFT_OUT) <= commits_and_calls()
    covered = {place.rpartition(":")[0] for place in matrix.died_at}
    assert not covered & set(LEFT_OUT), "nobody need make an excuse for these"


def test_the_query_of_the_guarantees_finds_no_second_send(theatre: Theatre) -> None:
    """After a death in the middle of a send, on the database it happened in."""
    text = (PROJECT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    [query] = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    story = next(story for story in STORIES if story.name == "lead")
    with theatre.empty_stage() as here:
        played = play(here, story, death=Death("worker", "call:mail:send:after"))
        assert not played.findings
        assert here.rows(query.replace("%", "%%")) == []
        sent = "select count(*) from effects where vendor = 'mail' and state = 'done'"
        assert here.value(sent) == 1, "there was something to find"


@pytest.mark.long
def test_at_every_place_of_every_story(theatre: Theatre) -> None:
    """The whole product, up to the third passage of each place."""
    found = theatre.play_matrix(whole=True).findings()
    assert not found, "\n".join(found)
