"""One line of the request log, as people read it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    vendor: str
    method: str
    path: str
    at: str
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: str


def line(row: dict[str, Any]) -> Line:
    return Line(
        id=row["id"],
        vendor=row["vendor"],
        method=row["method"],
        path=unquote(row["path"]).rstrip("?"),
        at=time.strftime("%H:%M:%S", time.localtime(row["at"])),
        status=row["status"],
        headers=tuple((k, _shown(k, v)) for k, v in sorted(row["headers"].items())),
        body=readable(bytes(row["body"]))[:SHOWN],
    )


def readable(body: bytes) -> str:
    """JSON and forms laid out, anything else as text."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        pass
    form = parse_qs(text) if "=" in text and "\n" not in text else {}
    return "\n".join(f"{key} = {', '.join(values)}" for key, values in form.items()) or text


def _shown(name: str, value: str) -> str:
    return "(not shown)" if name.lower() in ("authorization", "x-api-key") else value
