"""“Kill the worker now”: SIGKILL in the middle of a call to the mail provider, on order.

Only the demo offers it, for it alone says where the worker's process id stands. Where a
send is under way the worker dies at once. Otherwise it dies in the next one, at the worst
moment there is: the mail has been taken, and the answer has not gone back yet.

An order is a document of kind `worker_kill_order`. What came of it is one of kind
`worker_kill`, key its number:

    number, at, pid      which process was killed, and when
    to, subject, effect  of the mail whose sending was cut short
    code, new_pid, task, status, rescued, asks, settled_by, settled_as
                         what has become of it since; the demo writes these down
"""

from __future__ import annotations

import base64
import email.policy
import json
import os
import signal
import time
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from engine.mail.ses import EFFECT_TAG, effect_key_of
from web.local import local_settings, request_world
from web.local.world import World

blueprint = Blueprint("worker_kill", __name__, url_prefix="/kill")

SEND = "/ses/v2/email/outbound-emails"
# A call that old is not under way any more: its caller has given up.
LONGEST_CALL_SECONDS = 60.0


@blueprint.get("/")
def index() -> str:
    world = request_world()
    kill = next(iter(reversed(world.all("worker_kill"))), None)
    return render_template(
        "kill.html",
        here="kill",
        engine_url=local_settings().engine_url,
        ordered=world.get("worker_kill_order", "next"),
        kill=kill,
        mails=_arrived(world, kill["effect"]) if kill else [],
    )


@blueprint.post("/")
def order() -> Any:
    world = request_world()
    calls = [row for row in world.requests("ses", SEND) if row["status"] is None]
    if calls and time.time() - calls[-1]["at"] < LONGEST_CALL_SECONDS:
        _kill(world, bytes(calls[-1]["body"]))
    else:
        world.put("worker_kill_order", "next", {"at": time.time()})
    return redirect(url_for("worker_kill.index"), 303)


@blueprint.post("/spare")
def spare() -> Any:
    request_world().take("worker_kill_order", "next")
    return redirect(url_for("worker_kill.index"), 303)


def strike(response: Response) -> Response:
    """After a request was carried out and before its answer goes back."""
    if request.path == SEND and response.status_code < 300:
        ordered = request_world().take("worker_kill_order", "next")
        if ordered and not _kill(request_world(), request.get_data()):
            request_world().put("worker_kill_order", "next", ordered)
    return response


def _kill(world: World, body: bytes) -> bool:
    """False where there was nobody to kill."""
    try:
        pid = int(Path(local_settings().worker_pid_file).read_text())
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return False
    number = world.next_number("worker_kill")
    happened = {"number": number, "at": time.time(), "pid": pid, **_about(body)}
    world.put("worker_kill", str(number), happened)
    return True


def _about(body: bytes) -> dict[str, str]:
    """Whose mail it was, from the order that the provider was given."""
    order = json.loads(body)
    tags = {tag["Name"]: tag["Value"] for tag in order.get("EmailTags") or []}
    raw = base64.b64decode(order["Content"]["Raw"]["Data"])
    head = BytesHeaderParser(policy=email.policy.default).parsebytes(raw)
    return {
        "to": ", ".join(order["Destination"]["ToAddresses"]),
        "subject": str(head.get("Subject", "")),
        "effect": effect_key_of(tags.get(EFFECT_TAG, "")),
    }


def _arrived(world: World, effect_key: str) -> list[dict[str, Any]]:
    """The mails that came in under an effect's key."""
    return [
        mail
        for mail in world.all("outbox")
        if effect_key_of(mail["tags"].get(EFFECT_TAG, "")) == effect_key
    ]
