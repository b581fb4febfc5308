"""Turbo Streams: pieces of a page sent to a page that stands open.

A form asks for them by its Accept header and gets a whole page where it does not, so
that every form works without scripts as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request
from markupsafe import Markup, escape

TYPE = "text/vnd.turbo-stream.html"


def wanted() -> bool:
    return TYPE in request.headers.get("Accept", "")


def stream(action: str, target: str, html: str = "", *, morph: bool = False) -> Markup:
    """One change: append, before, replace, update or remove; `morph` keeps what the
    reader has opened, typed or focused."""
    method = Markup(' method="morph"') if morph else ""
    template = Markup("<template>{}</template>").format(Markup(html)) if html else ""  # noqa: S704
    return Markup('<turbo-stream action="{}" target="{}"{}>{}</turbo-stream>').format(
        escape(action), escape(target), method, template
    )


def answer(streams: Sequence[str], status: int = 200) -> Response:
    return Response("".join(streams), status, content_type=f"{TYPE}; charset=utf-8")


def unchanged() -> Response:
    return Response(status=204)
