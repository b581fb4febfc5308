"""What somebody reads who has made a mistake in a procedure's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import sop_files
from engine.errors import SopInvalid

GOOD = """
slug: one
name: One
agent: lead_response
steps:
  - {key: tell, name: Tell, type: slack_notify, config: {text: Hello.}}
"""


def said(text: str) -> list[str]:
    with pytest.raises(SopInvalid) as refused:
        sop_files.parse(text, name="one.yaml")
    return refused.value.detail.splitlines()


def test_a_good_file_is_taken():
    assert sop_files.parse(GOOD, name="one.yaml").file.slug == "one"


def test_a_step_that_is_wrong_is_the_only_thing_that_is_said():
    (line,) = said(GOOD.replace("slack_notify", "slack_notfy"))
    assert line == (
        "one.yaml: step 'tell', field type: there is no 'slack_notfy'; did you mean 'slack_notify'?"
    )


def test_a_type_like_no_other_is_answered_by_all_of_them():
    (line,) = said(GOOD.replace("slack_notify", "xyzzy"))
    assert line.startswith("one.yaml: step 'tell', field type: there is no 'xyzzy'; there are ")
    assert "slack_notify" in line
    assert "for_each" in line


def test_a_file_without_a_step_is_told_so():
    text = GOOD[: GOOD.index("  - {")].replace("steps:", "steps: []")
    assert said(text) == ["one.yaml: field steps: is empty; a procedure has at least one step"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("name: One\n", "", "one.yaml: field name: is missing; add it"),
        (
            "text: Hello.",
            "txt: Hello.",
            "one.yaml: step 'tell', field config.txt: is not known here; did you mean 'text'?",
        ),
        (
            "type: slack_notify",
            "type: slack_notify, on_success: tel",
            "one.yaml: step 'tell', field on_success: there is no step 'tel'; did you mean 'tell'?",
        ),
    ],
)
def test_each_mistake_names_the_place_and_the_cure(old: str, new: str, line: str):
    assert line in said(GOOD.replace(old, new, 1))


def test_a_name_with_a_space_is_told_what_a_name_has():
    (line,) = said(GOOD.replace("slug: one", "slug: one two"))
    assert line == (
        "one.yaml: field slug: 'one two' must begin with a small letter, and have only those,"
        " digits and _"
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        # The last one would win, and what the first one said be lost in silence.
        (
            "name: One\n",
            "name: One\nslug: two\n",
            "one.yaml, line 4: 'slug' stands twice; keep one",
        ),
        (
            "config: {text: Hello.}",
            "config: {text: Hello., text: Bye.}",
            "one.yaml, line 6: 'text' stands twice; keep one",
        ),
        ("  - {key", "\t- {key", "one.yaml, line 6: there is a tab; indent with spaces"),
        (
            "name: One\n",
            "name: {{customer_name}}\n",
            "one.yaml, line 3: a text with {{ at its beginning must stand in quotes",
        ),
        (
            "name: One\n",
            "name: {{customer_name}} is there\n",
            "one.yaml, line 3: a text with {{ at its beginning must stand in quotes",
        ),
        (
            "name: One\n",
            "name: One: the first\n",
            "one.yaml, line 3: a text with a colon and a space in it must stand in quotes",
        ),
        (
            "agent: lead",
            "agnet: lead",
            "one.yaml: field agnet: is not known here; did you mean 'agent'?",
        ),
        (
            "name: Tell,",
            "nmae: Tell,",
            "one.yaml: step 'tell', field nmae: is not known here; did you mean 'name'?",
        ),
        ("name: One\n", "name: One\nmax_tier: two\n", "one.yaml: field max_tier: must be a number"),
        (
            "name: One\n",
            "name: One\ntrigger:\n",
            "one.yaml: field trigger: must be fields with names",
        ),
        ("text: Hello.", "text: [1]", "one.yaml: step 'tell', field config.text: must be a text"),
        (
            "name: One\n",
            "name: One\nrequired_services: mail\n",
            "one.yaml: field required_services: must be a list",
        ),
    ],
)
def test_what_people_do_to_yaml_is_told_in_their_words(old: str, new: str, line: str):
    assert line in said(GOOD.replace(old, new, 1))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_told_with_the_line_and_the_cure(encoding: str, tmp_path: Path):
    file = tmp_path / "one.yaml"
    file.write_bytes(GOOD.replace("Hello.", "Grüße").encode(encoding))
    with pytest.raises(SopInvalid) as refused:
        sop_files.read(file)
    line = 6 if encoding == "latin-1" else 1
    assert refused.value.detail == f"{file}, line {line}: is not UTF-8 text; save it as UTF-8"
