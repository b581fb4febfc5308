"""What every template may use: who looks, where the pages are, how moments read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from flask import Flask, g

from engine import halt, inbox, queue, tasks
from engine.runtime import Runtime
from web.assets import Assets
from web.formats import filters
from web.navigation import PLACES
from web.timeline import Names


def install(app: Flask, runtime: Runtime, assets: Assets) -> None:
    app.jinja_env.filters.update(filters(runtime.business.zone))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def waiting_count() -> int:
        try:
            with runtime.database.read() as conn:
                return inbox.count(conn)
        except psycopg.Error:
            return 0

    def halted_by() -> str:
        """Who has stopped everything; empty while nothing is."""
        try:
            with runtime.database.read() as conn:
                row = halt.standing(conn)
                return Names.read(conn).of(row["halted_by"]) if row is not None else ""
        except psycopg.Error:
            return ""

    def worker_is_missing() -> bool:
        try:
            with runtime.database.read() as conn:
                return not queue.has_worker(conn)
        except psycopg.Error:
            return False

    def current_moment() -> datetime:
        with runtime.database.read() as conn:
            return tasks.now(conn)

    @app.context_processor
    def _everywhere() -> dict[str, Any]:
        # Only what the door has read already: an error page asks nothing of a database
        # that may be the error.
        me = g.get("me")
        return {
            "me": me,
            "may_act": bool(me and me.person.may_act),
            "theme": me.user.theme if me else "system",
            "business": runtime.business,
            "mode": runtime.settings.mode,
            "places": PLACES,
            "waiting_count": waiting_count,
            "halted_by": halted_by,
            "worker_is_missing": worker_is_missing,
            "current_moment": current_moment,
            "asset": assets.url,
            "import_map": assets.import_map,
        }
