"""Two changes that met: what PostgreSQL takes back for the sake of the other is done again.

The engine locks in one order, so this is rare. Nothing of the request has been written when
it happens, for each request writes in one transaction; after some tries, whoever asked is
told so.
"""

from __future__ import annotations

import random
import time

import structlog
from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue

from engine.postgres import COLLISIONS
from web import errors

log = structlog.get_logger()
TRIES = 4


def install(app: Flask) -> None:
    for collision in COLLISIONS:
        app.register_error_handler(collision, _again)


def _again(error: Exception) -> ResponseReturnValue:
    tries = g.tries = g.get("tries", 1) + 1
    log.warning("collided", error=type(error).__name__, page=request.endpoint, tries=tries)
    if tries > TRIES:
        return errors.page(409, "Somebody else changed the same thing at the same moment.")
    time.sleep(random.uniform(0, 0.05 * tries))
    try:
        return current_app.dispatch_request()
    except Exception as following:
        return current_app.handle_user_exception(following)
