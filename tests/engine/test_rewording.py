"""How much of a text was changed, in words."""

from __future__ import annotations

import pytest

from engine.rewording import MOST_WORDS, reworded

TEXT = "Hello Rachel,\n\nwe will look at your driveway and send a quote. Thank you."


@pytest.mark.parametrize(
    "same", [TEXT, TEXT.replace("\n\n", "\r\n\r\n"), f"  {TEXT} \n", TEXT.replace(". T", ".  T")]
)
def test_white_space_is_no_change(same: str) -> None:
    assert reworded(TEXT, same) is None


def test_one_word_of_thirteen() -> None:
    assert reworded(TEXT, TEXT.replace("Rachel", "Mike")) == pytest.approx(1 / 13, abs=0.01)


def test_another_text_is_all_of_it() -> None:
    assert reworded(TEXT, "Dear Sir or Madam") == 1
    assert reworded(TEXT, "") == 1


def test_long_texts_are_compared_in_bounded_time() -> None:
    words = "a " * 100_000
    assert reworded(words, words + "b") == 0
    assert reworded(words, "b " * MOST_WORDS) == 1
