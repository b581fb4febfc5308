"""The stand-in for Slack: its Web API, and pages that press its buttons.

`api.py` answers the SDK under `/slack/api/`. `page.py` shows channels, threads, modals
and the home tab under `/slack/_view/`, and `interactions.py` posts what a person does
there to the engine, signed as Slack signs it. Paths that begin with `/slack/_` belong to
the page and stand in no request log.
"""

from __future__ import annotations

from flask import Blueprint

from web.local.slack import api, page, response_urls

blueprint = Blueprint("slack", __name__, url_prefix="/slack")
for part in (api.blueprint, page.blueprint, response_urls.blueprint):
    blueprint.register_blueprint(part)
