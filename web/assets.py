"""Static files by their content: an address changes when the file does, so browsers may
keep them for a year. The import map names the modules; its hash stands in the CSP."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
YEAR_SECONDS = 365 * 24 * 3600


class Assets:
    """Every file under web/static, hashed once at start."""

    def __init__(self, folder: Path = FOLDER, prefix: str = "/static/") -> None:
        self._prefix = prefix
        self._versions = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def url(self, name: str) -> str:
        """KeyError for a file that is not there: better at start than in a browser."""
        return f"{self._prefix}{name}?v={self._versions[name]}"

    @cached_property
    def import_map(self) -> str:
        """The vendors' modules by their names, ours by their places."""
        imports = {
            "@hotwired/turbo": self.url("vendor/turbo.js"),
            "@hotwired/stimulus": self.url("vendor/stimulus.js"),
        }
        for name in self._versions:
            if name.startswith("controllers/"):
                imports[name.removesuffix(".js")] = self.url(name)
        return json.dumps({"imports": imports}, indent=1)

    @cached_property
    def import_map_hash(self) -> str:
        """As a CSP source: browsers take an import map from the page itself only."""
        digest = hashlib.sha256(self.import_map.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"
