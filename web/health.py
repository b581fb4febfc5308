"""/healthz: whether this process can do its work, for whoever watches it. It says no
more than that: anybody may ask."""

from __future__ import annotations

import psycopg
from flask import Blueprint, Response, jsonify

from engine.errors import SchemaMismatch
from engine.postgres.migrations import verify
from web.current import runtime

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def health() -> tuple[Response, int]:
    try:
        with runtime().database.read() as conn:
            verify(conn)
    except SchemaMismatch:
        return jsonify(status="schema_mismatch"), 503
    except psycopg.Error:
        return jsonify(status="database_unreachable"), 503
    return jsonify(status="ok"), 200
