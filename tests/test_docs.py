"""What README, docs/ and .env.example say is held to the program: a setting, a table, a
field or a command that one of them names exists, and none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import indent
from typing import Any, get_args, get_origin

import click
import pytest
import yaml
from click.testing import CliRunner
from dotenv import dotenv_values
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine import sop_files
from engine.cli import cli
from engine.settings import PROJECT, Settings
from engine.steps import STEP_TYPES

DOCS = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").glob("*.md"))]
PROCEDURES = (PROJECT / "docs" / "procedures.md").read_text(encoding="utf-8")
ENV = (PROJECT / ".env.example").read_text(encoding="utf-8")
each_doc = pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)


def read(doc: Path) -> str:
    return doc.read_text(encoding="utf-8")


# -- .env.example -------------------------------------------------------------------


def environment_name(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or name).upper()


def test_env_example_lists_every_setting_in_the_files_order() -> None:
    listed = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", ENV, re.MULTILINE)
    assert listed == [environment_name(*item) for item in Settings.model_fields.items()]


def test_env_example_shows_the_defaults_and_nothing_else(tmp_path: Path) -> None:
    """Uncommented as a whole, it changes nothing; and as it is, it sets nothing."""
    assert dotenv_values(PROJECT / ".env.example") == {}
    file = tmp_path / ".env"
    file.write_text(re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", ENV, flags=re.MULTILINE))
    said = {name: text for name, text in dotenv_values(file).items() if text}
    for name, field in Settings.model_fields.items():
        text = said.get(environment_name(name, field))
        default = field.default
        if isinstance(default, Path):
            default, text = default.relative_to(PROJECT), text and Path(text)
            assert text == default, name
        elif text is not None:
            alias = str(field.validation_alias or name)
            read = Settings.model_validate({alias: text}, by_alias=True)
            assert getattr(read, name) == default, name
        else:
            assert str(default.get_secret_value() if secret(field) else default) == "", name


def secret(field: FieldInfo) -> bool:
    return field.annotation is not None and field.annotation.__name__ == "SecretStr"


def test_env_example_says_a_word_about_each_setting() -> None:
    lines = ENV.splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"#[A-Z][A-Z0-9_]*=", line) and not before.startswith("# ")
    ]
    assert bare == []


def test_settings_that_nothing_reads_are_marked_in_env_example() -> None:
    """A mark that has served its time goes; a new setting without effect gets one."""
    code = "\n".join(
        read(file)
        for folder in ("engine", "jobs", "web")
        for file in (PROJECT / folder).rglob("*.py")
        if file.name != "settings.py"
    )
    spoken = {
        "http_allowed_hosts": "http_hosts",
        "keep_calendar": "calendar_is_kept",
        "timezone": "settings.zone",
    }
    idle = {
        environment_name(name, field)
        for name, field in Settings.model_fields.items()
        if not name.startswith("channel_")
        and not re.search(rf"\b{re.escape(spoken.get(name, name))}\b", code)
    }
    marked = set(re.findall(r"\(Not read yet\.\)\n#([A-Z0-9_]+)=", ENV))
    assert marked == idle, "the mark is a comment that ends in (Not read yet.)"


# -- procedures ---------------------------------------------------------------------

EXAMPLES = re.findall(r"```yaml\n(.*?)```", PROCEDURES, re.DOTALL)


def as_file(example: str) -> str:
    """A step alone becomes a procedure of one."""
    if example.startswith("slug:"):
        return example
    head = "slug: example\nname: Example\nagent: lead_response\nsteps:\n"
    return head + "  - " + indent(example, "    ").lstrip()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_examples_are_usable(example: str) -> None:
    sop_files.parse(as_file(example), name="docs/procedures.md")


def test_every_step_type_has_an_example() -> None:
    shown = {
        step.type
        for example in EXAMPLES
        for step in sop_files.parse(as_file(example), name="docs/procedures.md").file.steps
    }
    assert shown == set(STEP_TYPES)


def test_the_eleven_are_the_step_types() -> None:
    assert len(STEP_TYPES) == 11, "docs/procedures.md says eleven"
    told = re.findall(r"^### (\w+)$", PROCEDURES, re.MULTILINE)
    assert sorted(told) == sorted(STEP_TYPES)


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a config as files name them, and those of the objects in it."""
    for name, field in model.model_fields.items():
        yield field.alias or name.rstrip("_")
        for inner in models_in(field.annotation):
            yield from fields_of(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize("step_type", STEP_TYPES)
def test_every_field_of_a_step_type_is_told(step_type: str) -> None:
    section = PROCEDURES.partition(f"### {step_type}\n")[2].partition("\n### ")[0]
    if step_type.startswith("llm_"):
        # What the four share is told once, with the first of them.
        section += PROCEDURES.partition("### llm_classify\n")[2].partition("And this one")[0]
    blocks = " ".join(block for block in EXAMPLES if block in section)
    inline = " ".join(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", section, flags=re.DOTALL)))
    told = set(re.findall(r"\w+", f"{blocks} {inline}"))
    missing = set(fields_of(STEP_TYPES[step_type].Config)) - told
    assert not missing, f"{step_type}: {sorted(missing)}"


def test_every_field_of_the_file_is_told() -> None:
    told = set(re.findall(r"`(\w+)`", PROCEDURES.partition("## Where a task")[0]))
    for model in (sop_files.SopFile, sop_files.StepFile, sop_files.Trigger):
        assert set(model.model_fields) <= told


# -- data ---------------------------------------------------------------------------


def tables() -> set[str]:
    files = [
        *(PROJECT / "sql/migrations").rglob("*.sql"),
        PROJECT / "engine/postgres/migrations.py",
    ]
    text = "\n".join(map(read, files))
    return set(re.findall(r"create (?:unlogged )?table (?:if not exists )?(\w+)", text, re.I))


def test_every_table_stands_in_data_md() -> None:
    data = read(PROJECT / "docs" / "data.md")
    told = set(re.findall(r"`(\w+)`", data))
    assert tables() - told == set()
    own = re.findall(r"^\| `(\w+)` \|", data, re.MULTILINE)
    assert len(own) == len(set(own)), "a table has one line"
    assert set(own) <= tables(), "docs/data.md has a line for what is no table"


# -- commands -----------------------------------------------------------------------


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = list(commands(cli))


def test_help_of_the_whole() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.output


def test_a_status_that_is_none_is_refused_and_the_others_named() -> None:
    said = CliRunner().invoke(cli, ["task", "list", "--status", "waiting"])
    assert said.exit_code == 2
    assert "'waiting_on_human'" in said.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_each_command(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: cli {' '.join(path)}")
    said = shown.output.partition("\n\n")[2]
    assert not said.startswith("Options:"), "no word on what it does"
    command = found(path)
    if command.params and not isinstance(command, click.Group):
        assert "Example" in said, "no example of what it takes"


@each_doc
def test_every_command_that_a_text_names_exists(doc: Path) -> None:
    for words in re.findall(r"bin/engine((?: [a-z][a-z-]*)+)(?=[^a-z-]|$)", read(doc)):
        command: click.Command = cli
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"{doc.name}: bin/engine{words}"
            command = command.commands[word]


@each_doc
def test_every_option_that_a_text_names_exists(doc: Path) -> None:
    options = {
        option for path in COMMANDS for parameter in found(path).params for option in parameter.opts
    } | {"--help", "--version"}
    for line in re.findall(r"bin/engine [^`\n]*", read(doc)):
        said = line.partition("#")[0]
        for option in re.findall(r"(?<= )--[a-z-]+", said):
            assert option in options, f"{doc.name}: {line}"


def found(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for word in path:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


# -- links and names ----------------------------------------------------------------


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_doc
def test_links_lead_somewhere(doc: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(doc)):
        if re.match(r"https?://", target):
            continue
        place, _, anchor = target.partition("#")
        file = doc.parent / place if place else doc
        assert file.exists(), f"{doc.name}: {target}"
        if anchor:
            assert anchor in anchors(read(file)), f"{doc.name}: {target}"


PLACES = ("engine", "web", "sql", "jobs", "seeds", "bin", "tests", "docs", ".ci")


@each_doc
def test_every_file_that_a_text_names_exists(doc: Path) -> None:
    for name in re.findall(r"`([\w./-]+)`", read(doc)):
        if name.split("/")[0] in PLACES and "/" in name:
            assert (PROJECT / name).exists(), f"{doc.name}: {name}"
        elif re.search(r"\.(md|toml|txt|yaml|json)$", name) and "/" not in name:
            near = [PROJECT / name, PROJECT / "docs" / name, PROJECT / "seeds" / name]
            assert any(file.exists() for file in near), f"{doc.name}: {name}"


@each_doc
def test_every_setting_that_a_text_names_exists(doc: Path) -> None:
    known = {environment_name(*item) for item in Settings.model_fields.items()}
    # Read by the launcher, the tests and the platforms.
    known |= {"ENGINE_PYTHON", "ENGINE_VENV", "ENGINE_NO_VENV", "ENGINE_CHROMIUM", "DYNO"}
    known |= {"TEST_DATABASE_URL", "BENCH_DATABASE_URL", "POSTGRES_PASSWORD", "WEB_BIND"}
    known |= set(re.findall(r'"(ENGINE_[A-Z_]+)"', read(PROJECT / "engine" / "failpoints.py")))
    for name in re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=?[^`]*`", read(doc)):
        assert name in known, f"{doc.name}: {name}"


def test_the_readme_is_short_and_names_the_test_command() -> None:
    readme = read(PROJECT / "README.md")
    assert len(readme.splitlines()) < 120
    assert "bin/test" in readme


def test_the_company_stands_in_its_own_file_and_not_in_the_program() -> None:
    """The procedures serve any small company: its names stand in seeds/ and the README."""
    company = yaml.safe_load(read(PROJECT / "seeds" / "business.yaml"))
    names = [company["name"], *re.split(r"(?= (?:LLC|Inc)\b)", company["legal_name"])[:1]]
    shown = re.compile("|".join(map(re.escape, names)), re.IGNORECASE)
    inside = [
        file
        for folder in ("engine", "web", "jobs", "sql", "bin", ".ci")
        for file in (PROJECT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
    beside = [file for file in PROJECT.glob("*.*") if file.suffix in (".toml", ".yaml", ".json")]
    holding = [
        str(file.relative_to(PROJECT))
        for file in [*inside, *beside, *DOCS[1:]]
        if shown.search(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert holding == []


# -- docs/guarantees.md ---------------------------------------------------------------


def test_every_promise_names_a_test_that_exists() -> None:
    text = read(PROJECT / "docs" / "guarantees.md")
    promises = [line for line in text.splitlines() if line.startswith("| ") and "::" in line]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    heads = [line for line in rows if line.endswith(" by |")]
    assert len(promises) == len(rows) - len(heads), "a promise without a test"
    for file, test in re.findall(r"`(tests/\S+\.py)::(\w+)`", text):
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), f"{file}::{test}"
