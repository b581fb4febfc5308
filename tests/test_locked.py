"""bin/test refuses an environment that lacks what the lock names."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from engine.settings import PROJECT
from tests import locked

HERE = f"click=={version('click')} \\\n    --hash=sha256:00\n"


def test_this_environment_has_what_the_lock_names() -> None:
    assert list(locked.missing((PROJECT / "requirements-dev.txt").read_text())) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no-such-package==1.0 \\\n    --hash=sha256:00\n", "no-such-package 1.0 (not installed)"),
        ("click==0.1\n", f"click 0.1 (has {version('click')})"),
        ("winonly==1.0 ; sys_platform == 'win32' \\\n", ""),
        ("unixonly==1.0 ; sys_platform != 'win32' \\\n", "unixonly 1.0 (not installed)"),
    ],
)
def test_what_is_not_there_is_named(line: str, told: str) -> None:
    assert list(locked.missing(HERE + line)) == ([told] if told else [])


def test_it_is_one_line_with_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(HERE + "".join(f"absent-{n}==1\n" for n in range(7)))
    assert locked.main(str(lock)) == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "absent-0 1 (not installed)" in said
    assert "and 2 more" in said
    assert f"-m pip install --require-hashes -r {lock}" in said
