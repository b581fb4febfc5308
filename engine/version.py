"""The version, which stands in `pyproject.toml` and nowhere else: nobody installs the engine as a
package, so there are no metadata to ask."""

from __future__ import annotations

import tomllib

from engine.settings import PROJECT


def version() -> str:
    told = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    return told["project"]["version"]
