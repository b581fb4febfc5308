"""What somebody has written for settings and the engine would not read: lines of `.env` that
say nothing, and names that are nearly a setting's. A mistake here must not stay silent, for
what is left out has a default.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from dotenv.parser import parse_stream

NAME = ".env"
# `SLACK_BOT_TOKN` is meant for SLACK_BOT_TOKEN, while AWS_REGION is nobody's SES_REGION.
NEARLY = 0.85


def names(file: Path) -> list[str]:
    """The names that the file sets; ValueError with the line that cannot be read."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except OSError:
        return []
    found = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # A line that is none begins where the one before ended.
            blank = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            raise ValueError(
                f"{file}, line {binding.original.line + blank}: is no NAME=value; mend it, or"
                " put # in front"
            )
        if binding.key:
            found.append(binding.key)
    return found


def misspelt(given: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names that are no setting, with the setting that is meant."""
    settings = set(known)
    for name in sorted(set(given) - settings):
        for near in difflib.get_close_matches(name.upper(), settings, 1, NEARLY):
            yield name, near
