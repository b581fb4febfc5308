"""A name that nothing gives is told to whoever writes a procedure, and not found out on a
customer's task."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine import books, sop_files, unknown_names
from engine.cli import cli
from engine.settings import PROJECT
from engine.steps.reads import reads
from tests.engine.hands import procedure
from tests.engine.test_questions import command
from tests.world import Company

SEEDS = sorted((PROJECT / "seeds" / "sops").glob("*.yaml"))
BY_MAIL = {"trigger": {"type": "event", "events": ["mail"]}}
DRAFT = """
- key: draft
  name: Draft
  type: llm_draft
  tier: 1
  config:
    prompt: 'Thank {{customer_name}}.'
    facts: [customer_name, email_from]
- key: tell
  name: Tell
  type: slack_notify
  config: {text: '{{customer_name}}: {{draft_subject}}'}
"""


def validate(folder: Path, text: str, *words: str, name: str = "small.yaml"):
    (folder / name).write_text(text, "utf-8")
    return CliRunner().invoke(cli, ["sop", "validate", *words, str(folder / name)])


def warned(folder: Path, steps: str, **more: object) -> list[str]:
    """What is said of a procedure, without the file's name."""
    done = validate(folder, procedure(steps, **more))
    assert done.exit_code == 0, done.output
    begins = f"{folder / 'small.yaml'}: warning: "
    return [line.removeprefix(begins) for line in done.stderr.splitlines()]


def test_a_procedure_without_a_slip_is_told_of_nothing(tmp_path: Path) -> None:
    assert warned(tmp_path, DRAFT, **BY_MAIL) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "Thank {{customer_name}}",
            "Thank {{custmer_name}}",
            "step 'draft', field config.prompt: nothing gives 'custmer_name';"
            " did you mean 'customer_name'?",
        ),
        (
            "[customer_name, email_from]",
            "[customer_nam, email_from]",
            "step 'draft', field config.facts: nothing gives 'customer_nam';"
            " did you mean 'customer_name'?",
        ),
        (
            "Thank {{customer_name}}",
            "Thank {{draft_subject}}",
            "step 'draft', field config.prompt: nothing gives 'draft_subject' before this step",
        ),
        (
            "{{draft_subject}}",
            "{{draft_subjct}}",
            "step 'tell', field config.text: nothing gives 'draft_subjct';"
            " did you mean 'draft_subject'?",
        ),
        (
            "{{draft_subject}}",
            "{{business.phon}}",
            "step 'tell', field config.text: nothing gives 'business.phon';"
            " did you mean 'business.phone'?",
        ),
        (
            "{{draft_subject}}",
            "{{business.mail_from.adress}}",
            "step 'tell', field config.text: nothing gives 'business.mail_from.adress';"
            " did you mean 'business.mail_from.address'?",
        ),
        (
            "{{draft_subject}}",
            "{{gate_code}}",
            "step 'tell', field config.text: nothing gives 'gate_code'; where whoever starts a"
            " task of it does, name it in trigger.keys",
        ),
    ],
)
def test_a_slip_is_told_with_step_field_and_what_was_meant(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert warned(tmp_path, DRAFT.replace(old, new), **BY_MAIL) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "{{business.phone}} {{business.mail_from.address}}",
        "{{customer_name.upper()}} {{customer_name[:4]}} {{customer_replied}} {{trigger}}",
        "{% for one in email_attachments %}{{one.name}}{% endfor %}",
        "{% set who = customer_name %}{{who}}",
    ],
)
def test_what_a_text_may_do_with_names_is_no_slip(tmp_path: Path, text: str) -> None:
    assert warned(tmp_path, DRAFT.replace("{{draft_subject}}", text), **BY_MAIL) == []


def test_what_only_another_way_gives_is_told(tmp_path: Path) -> None:
    """Who is not found has no record, and whose draft was refused has no reason to tell."""
    steps = """
    - key: look_up
      name: Look up
      type: query
      config: {operation: find_customer, email: '{{customer_email}}', absent: stranger}
    - key: known
      name: Known
      type: slack_notify
      on_success: complete
      config: {text: '{{customer_city}}'}
    - key: stranger
      name: Stranger
      type: slack_notify
      config: {text: '{{customer_city}} {{customer_found}} {{customer_perhaps}}'}
    """
    assert warned(tmp_path, steps, **BY_MAIL) == [
        "step 'stranger', field config.text: only step 'look_up' gives 'customer_city', and no"
        " way leads here on which it does"
    ]


def test_a_condition_and_a_failure_go_by_their_ways(tmp_path: Path) -> None:
    steps = """
    - key: which
      name: Which
      type: llm_classify
      tier: 1
      on_failure: tell
      config:
        prompt: What is it?
        labels: {a: one, b: other}
        branches: {b: complete}
        into: kind
    - key: look
      name: Look
      type: query
      on_success: complete
      config: {cases: [{when: "knd == 'a' and email_frm", goto: complete}]}
    - key: tell
      name: Tell
      type: slack_notify
      config: {text: '{{kind}}'}
    """
    assert warned(tmp_path, steps, **BY_MAIL) == [
        "step 'look', field config.cases.0.when: nothing gives 'email_frm';"
        " did you mean 'email_from'?",
        "step 'look', field config.cases.0.when: nothing gives 'knd'; did you mean 'kind'?",
        "step 'tell', field config.text: only step 'which' gives 'kind', and no way leads here on"
        " which it does",
    ]


def test_a_mail_that_nobody_has_approved_is_told(tmp_path: Path) -> None:
    """Nothing of it is misspelt: the approval before it was taken out."""
    send = "- {key: go, name: Go, type: api_call, config: {service: email, operation: send}}"
    assert warned(tmp_path, send, **BY_MAIL) == [
        "step 'go', field config.mail: nothing gives 'draft_mail' before this step"
    ]


LIST = """
- key: list
  name: List
  type: query
  config: {operation: list_customers, status: past, where: "customer_cty == 'Edina'"}
- key: each
  name: Each
  type: for_each
  config: {items: customer_list, sop: child, keys: [trigger, seson], once: '{{customer_idd}}'}
- key: tell
  name: Tell
  type: slack_notify
  config: {text: '{{tally.snet}} {{tally.total}} {{tally.completed}}'}
"""


def test_the_names_of_a_campaign(tmp_path: Path) -> None:
    """`once` knows the item and the keys alone: with a slip in it all would have one occasion,
    and only the first be written to."""
    assert warned(tmp_path, LIST, trigger={"type": "watcher"}) == [
        "step 'list', field config.where: nothing gives 'customer_cty';"
        " did you mean 'customer_city'?",
        "step 'each', field config.keys: nothing gives 'seson'; where whoever starts a task of it"
        " does, name it in trigger.keys",
        "step 'each', field config.once: nothing gives 'customer_idd'; did you mean 'customer_id'?",
        "step 'tell', field config.text: nothing gives 'tally.snet'; tally has before,"
        " cancelled, completed, failed, total",
    ]


CHILD = "- {key: tell, name: Tell, type: slack_notify, config: {text: '{{customer_city}} {{x}}'}}"


def test_a_child_knows_its_item_and_what_it_is_handed(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(procedure(LIST, slug="parent"), "utf-8")
    (tmp_path / "torn.yaml").write_text("slug: [", "utf-8")
    [line] = warned(tmp_path, CHILD, slug="child")
    assert line.startswith("step 'tell', field config.text: nothing gives 'x'")
    # Another one hands nothing on but what it is told to.
    start = "- {key: go, name: Go, type: enqueue_next, config: {sop: child, keys: [customer_id]}}"
    (tmp_path / "parent.yaml").write_text(procedure(start, slug="parent"), "utf-8")
    assert warned(tmp_path, CHILD.replace(" {{x}}", " {{began_at}}"), slug="child") == [
        "step 'tell', field config.text: nothing gives 'customer_city'; parent could hand it on"
        " in 'keys'"
    ]


def test_items_of_whom_nothing_is_known_may_hold_anything_but_a_slip(tmp_path: Path) -> None:
    """A list that was given by hand."""
    each = """
    - key: each
      name: Each
      type: for_each
      config: {items: visits, sop: child}
    """
    parent = procedure(each, slug="parent", trigger={"type": "manual", "keys": ["visits"]})
    (tmp_path / "parent.yaml").write_text(parent, "utf-8")
    child = CHILD.replace("{{x}}", "{{x}} {{house}} {{customer_replid}}")
    assert warned(tmp_path, child, slug="child") == [
        "step 'tell', field config.text: nothing gives 'customer_replid';"
        " did you mean 'customer_replied'?"
    ]


def test_keys_that_are_given_by_hand_are_declared(tmp_path: Path) -> None:
    text = DRAFT.replace("{{draft_subject}}", "{{gate_code}}")
    assert len(warned(tmp_path, text, **BY_MAIL)) == 1
    given = {"type": "event", "events": ["mail"], "keys": ["gate_code"]}
    assert warned(tmp_path, text, trigger=given) == []
    wrong = validate(tmp_path, procedure(text, trigger={**given, "keys": ["gate code"]}))
    assert wrong.exit_code == 1
    assert "field trigger.keys.0: 'gate code' must begin with a small letter" in wrong.output


def test_strict_makes_a_warning_count(tmp_path: Path) -> None:
    slip = procedure(DRAFT.replace("draft_subject", "draft_subjct"), **BY_MAIL)
    assert validate(tmp_path, slip).exit_code == 0
    assert validate(tmp_path, slip, "--strict").exit_code == 1
    assert validate(tmp_path, procedure(DRAFT, **BY_MAIL), "--strict").exit_code == 0


# -- what ships ---------------------------------------------------------------------


def test_what_ships_is_told_of_nothing_together_or_alone(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["sop", "validate", "--strict", *map(str, SEEDS)])
    assert (done.exit_code, done.stderr) == (0, "")
    for n, file in enumerate(SEEDS):
        alone = tmp_path / str(n)
        alone.mkdir()
        shutil.copy(file, alone)
        done = CliRunner().invoke(cli, ["sop", "validate", "--strict", str(alone / file.name)])
        assert (done.exit_code, done.stderr) == (0, ""), done.stderr


def test_the_example_in_the_docs_is_told_of_nothing(tmp_path: Path) -> None:
    docs = (PROJECT / "docs" / "procedures.md").read_text("utf-8")
    whole = [one for one in re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL) if "slug:" in one]
    assert whole
    for example in whole:
        assert validate(tmp_path, example, "--strict").exit_code == 0


@pytest.mark.parametrize("file", SEEDS, ids=lambda file: file.stem)
def test_every_name_that_ships_is_told_where_it_has_a_slip(file: Path) -> None:
    """Each that a step reads, one after the other, without its last letter but one."""
    checked = sop_files.read(file)
    given = {str(step.config.get("into")) for step in checked.file.steps}
    names = {read.key for config in checked.configs for read in reads(config) if read.written}
    beside = [(one, sop_files.read(one)) for one in SEEDS if one != file]
    for name in sorted(names - given):
        slip = name[:-2] + name[-1]
        text = re.sub(rf"\b{name}\b(?!:\n)", slip, file.read_text("utf-8"))
        spoilt = sop_files.parse(text, name=file.name)
        found = list(
            unknown_names.warnings(books.of_files([*beside, (file, spoilt)]), checked.file.slug)
        )
        assert any(repr(slip) in line for line in found), (slip, found)


# -- import and seed ----------------------------------------------------------------


def test_import_tells_and_publishes_all_the_same(office: Company, tmp_path: Path) -> None:
    """A child by what those in use hand on, and the keys that are declared come out again."""
    file = tmp_path / "quote_due.yaml"
    steps = "- {key: tell, name: T, type: slack_notify, config: {text: '{{customer_phone}}'}}"
    file.write_text(procedure(steps, slug="quote_due"), "utf-8")
    done = command(office, "sop", "import", str(file))
    assert (done.exit_code, done.stdout) == (0, "quote_due v2: active\n")
    assert done.stderr == (
        f"{file}: warning: step 'tell', field config.text: nothing gives 'customer_phone';"
        " new_lead_response could hand it on in 'keys'\n"
    )
    declared = {"type": "manual", "keys": ["customer_phone"]}
    file.write_text(procedure(steps, slug="quote_due", trigger=declared), "utf-8")
    assert command(office, "sop", "import", str(file)).stderr == ""
    exported = command(office, "sop", "export", "quote_due").output
    assert "trigger:\n  keys:\n    - customer_phone\n" in exported
    file.write_text(exported, "utf-8")
    assert command(office, "sop", "import", str(file)).stderr == ""
    assert command(office, "sop", "export", "quote_due").output == exported


def test_seed_tells_what_is_in_use(office: Company) -> None:
    assert command(office, "seed").stderr == ""
    office.import_sop(procedure(DRAFT.replace("draft_subject", "draft_subjct"), **BY_MAIL))
    assert command(office, "seed").stderr == (
        "sop small: warning: step 'tell', field config.text: nothing gives 'draft_subjct';"
        " did you mean 'draft_subject'?\n"
    )
