"""Where the real sample mails lie, if they do: they are not ours to commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ENGINE_SAMPLE_MAILS") or PROJECT.parent / "shared" / "data" / "mail")

needs_samples = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no sample mails; name their folder in ENGINE_SAMPLE_MAILS"
)


def all_samples() -> list[Path]:
    return sorted(FOLDER.rglob("*.eml"))


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
