"""What a process begins with can be imported first, by itself.

A test imports half the engine before the module that it is about, and so hides a circle.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.settings import PROJECT


@pytest.mark.parametrize("module", ["engine.cli", "engine.worker", "engine.steps", "jobs", "web"])
def test_a_process_may_begin_with_any_of_them(module: str) -> None:
    tried = subprocess.run(
        [sys.executable, "-c", f"import {module}"], cwd=PROJECT, capture_output=True, check=False
    )
    assert tried.returncode == 0, tried.stderr.decode()[-400:]
