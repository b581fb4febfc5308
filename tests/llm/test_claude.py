"""What the adapter costs before it is used. The rest is `tests/contracts/test_llm.py`."""

from __future__ import annotations

import subprocess
import sys

from engine.settings import PROJECT

PROBE = """
import sys
from engine.llm.claude import from_settings
from engine.settings import Settings
from_settings(Settings(ANTHROPIC_API_KEY="key"))
print("anthropic" in sys.modules or "httpx2" in sys.modules)
"""


def test_the_sdk_is_not_loaded_until_the_first_call():
    """It takes 42 MiB of a dyno's 512, and the web process makes no calls."""
    loaded = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "False"
