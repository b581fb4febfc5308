"""The Slack app's manifest, with this engine's address in it.

`manifest.yaml` beside it says what the app may do and where Slack finds us; a test holds it
to what the code calls.
"""

from __future__ import annotations

from pathlib import Path

HOST = "https://ENGINE_HOST"
FILE = Path(__file__).with_name("manifest.yaml")


def manifest(base_url: str) -> str:
    return FILE.read_text("utf-8").replace(HOST, base_url.rstrip("/"))
