"""Idempotency keys in the CRM stand-in: a write happens once under its key, and its answer
is kept and given again.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, request

from web.local import request_world
from web.local.crm_fields import Wrong

_writing = threading.Lock()


class Keyed:
    """One write under its idempotency key, while no other write is under way."""

    def __enter__(self) -> Keyed:
        self.key = request.headers.get("Idempotency-Key", "")
        if not 1 <= len(self.key) <= 255:
            raise Wrong("missing", "Idempotency-Key", status=400)
        said = f"{request.method} {request.path}\n".encode() + request.get_data()
        self.fingerprint = hashlib.sha256(said).hexdigest()
        _writing.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        _writing.release()

    def replay(self) -> Response | None:
        earlier = request_world().get("crm_effect", self.key)
        if earlier is None:
            return None
        if earlier["fingerprint"] != self.fingerprint:
            raise Wrong("key_reused", "Idempotency-Key")
        response = jsonify(earlier["answer"])
        response.status_code = earlier["status"]
        response.headers["Idempotent-Replayed"] = "true"
        return response

    def keep(self, resource: str, status: int, made: dict[str, Any]) -> Response:
        answer = {"data": made}
        effect = {
            "key": self.key,
            "resource": resource,
            "id": made["id"],
            "at": now(),
            "fingerprint": self.fingerprint,
            "status": status,
            "answer": answer,
        }
        request_world().put("crm_effect", self.key, effect)
        response = jsonify(answer)
        response.status_code = status
        return response


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
