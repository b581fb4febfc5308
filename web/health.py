"""/healthz: whether this process can do its work, for whoever watches it; /healthz/worker:
whether there is one that carries tasks. They say no more than that: anybody may ask."""

from __future__ import annotations

import psycopg
from flask import Blueprint, Response, jsonify

from engine import queue
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


@blueprint.get("/healthz/worker")
def worker() -> tuple[Response, int]:
    """Apart from the other one: a web process is not to be restarted for want of a worker."""
    try:
        with runtime().database.read() as conn:
            alive = queue.has_worker(conn)
    except psycopg.Error:
        return jsonify(status="database_unreachable"), 503
    return (jsonify(status="ok"), 200) if alive else (jsonify(status="no_worker"), 503)
