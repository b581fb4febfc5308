"""YAML as people write it: the company, its agents and watchers, its procedures. Read, with a
mistake told in their words, and written again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from engine.errors import EngineError

# What YAML 1.1 reads into plain words and numbers, and whoever writes a procedure does not.
_SURPRISING = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "timestamp")}
_SLOT_FIRST = re.compile(r"[:-]\s+\{\{")


def read(path: Path, *, refuse: type[EngineError]) -> Any:
    """What stands in a file. Raises `refuse` with the file, the line and what is wrong there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise refuse(f"{path}: {error.strerror}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refuse(f"{path}, line {line}: is not UTF-8 text; save it as UTF-8") from None
    return parse(text, name=str(path), refuse=refuse)


def parse(text: str, *, name: str, refuse: type[EngineError]) -> Any:
    try:
        return yaml.load(text, Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        raise refuse(f"{name}{where}: {_told(error, line)}") from None


def _told(error: yaml.YAMLError, line: str) -> str:
    problem = str(getattr(error, "problem", None) or "cannot be read")
    if "stands twice" in problem:
        return problem
    if "\t" in line and "'\\t'" in problem:
        return "there is a tab; indent with spaces"
    if _SLOT_FIRST.search(line):
        return "a text with {{ at its beginning must stand in quotes"
    if problem == "mapping values are not allowed here":
        return "a text with a colon and a space in it must stand in quotes"
    return f"not valid YAML: {problem}; check indent and quotes there"


def dump(plain: Any) -> str:
    """The canonical text."""
    return yaml.dump(
        plain, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=96,
        default_flow_style=False,
    )  # fmt: skip


class Loader(yaml.SafeLoader):
    """YAML as people read it: `17:30` is a time and not 1050, `yes` and `on` are words. What
    stands twice is a mistake: else the last one wins, and the first is lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"{key.value!r} stands twice; keep one", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _SURPRISING]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)


class Dumper(yaml.SafeDumper):
    """Block text for what has lines, and lists set in from their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _text)
