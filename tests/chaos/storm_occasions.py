"""What happens in the world during a storm, and what must have arrived for each of it:
the harness's own list, by recipient and content, in which no table of ours has a part.
"""

from __future__ import annotations

import json
from collections import Counter
from email.message import EmailMessage
from email.utils import formataddr
from typing import Any

from tests.chaos.accounts import WRITES, _key_of, posts
from tests.chaos.storm_plan import Occasion
from web.local.world import World

FIRST = """
Anna Bela Clara Doris Edgar Frida Greta Henry Irene Jonas
Klara Louis Maria Nora Oscar Paula Ralph Signe Theo Vera
"""
LAST = """
Berg Carlson Dahl Ekman Fisk Grant Holm Isaac Jensen Krueger
Lund Moe Nyberg Olson Penn Quist Rask Strand Thorn Wik
"""
# So many people are there, numbered from 1.
MOST = 399
OFFICE = "office@snowmass.example"
WISH = (
    "We just moved to Richfield and are looking for someone to do snow removal this winter."
    " Could you give us an estimate? The address is 6621 Humboldt Ave S."
)
PATIENCE = """
slug: patience
name: Patience
agent: billing
steps:
  - {key: first, name: First, type: wait, config: {for: 2s}}
  - {key: second, name: Second, type: wait, config: {for: 3s}}
  - {key: call, name: Call, type: api_call, config: {service: http, operation: request,
     url: '%(http)s/patience', body: {name: '{{customer_name}}'}}}
  - {key: third, name: Third, type: wait, config: {for: 1s}}
  - {key: tell, name: Tell, type: slack_notify, config: {text: 'Waited for {{customer_name}}.'}}
"""


def name(occasion: Occasion) -> str:
    first, last = divmod(occasion.number, 20)
    return f"{FIRST.split()[first]} {LAST.split()[last]}"


def address(occasion: Occasion) -> str:
    return f"storm{occasion.number:04}@example.com"


def form(occasion: Occasion) -> bytes:
    fields = {"id": f"storm-{occasion.number}", "name": name(occasion),
              "email": address(occasion), "message": WISH}  # fmt: skip
    return json.dumps(fields).encode()


def letter(occasion: Occasion) -> bytes:
    mail = EmailMessage()
    mail["From"] = formataddr((name(occasion), address(occasion)))
    mail["To"] = OFFICE
    mail["Subject"] = "Snow removal this winter"
    mail["Message-ID"] = f"<storm-{occasion.number}@customer.example>"
    mail.set_content(f"Hi,\n\n{WISH}\n\nThanks, {name(occasion)}\n")
    return mail.as_bytes()


def context(occasion: Occasion) -> dict[str, Any]:
    """What a task that is started by hand begins with."""
    facts: dict[str, Any] = {"customer_name": name(occasion), "customer_email": address(occasion)}
    if occasion.kind == "everything":
        facts |= {
            "rooms": [{"room": "kitchen"}, {"room": "hall"}],
            "email_text": "A good garden.",
            "draft_mail": {"to": address(occasion), "to_name": name(occasion),
                           "subject": "Hello", "text": f"Hi {name(occasion)}"},
        }  # fmt: skip
    return facts


def tasks(occasion: Occasion) -> Counter[str]:
    """The tasks that come of it, by procedure."""
    match occasion.kind:
        case "form" | "mail":
            return Counter({"new_lead_response": 1, "quote_due": 1})
        case "everything":
            return Counter({"every_type": 1, "one_room": 2, "afterwards": 1})
        case _:
            return Counter({"patience": 1})


def effects(occasion: Occasion) -> list[str]:
    """What must arrive because of it, each once."""
    who, to = name(occasion), address(occasion)
    match occasion.kind:
        case "form" | "mail":
            return [
                f"mail to {to}", f"post: Answered {who}.", f"CRM: POST customers {to}",
                f"CRM: email_sent {to}",
            ]  # fmt: skip
        case "everything":
            return [
                f"mail to {to}", f"post: We go on with {who}.", f"post: All is over for {who}.",
                f"call: everything {who}", f"CRM: POST customers {to}", f"CRM: PATCH customer {to}",
                f"CRM: opt-out {to}", f"CRM: Everything was done. {to}",
                f"CRM: The kitchen is done. {to}", f"CRM: The hall is done. {to}",
            ]  # fmt: skip
        case _:
            return [f"post: Waited for {who}.", f"call: patience {who}"]


def droppable(occasion: Occasion, purpose: str) -> list[str]:
    """What a person drops who rules on a doubt about this purpose, with what tells of it."""
    who, to = name(occasion), address(occasion)
    if purpose == "send" and occasion.kind in ("form", "mail"):
        return [f"mail to {to}", f"post: Answered {who}.", f"CRM: email_sent {to}"]
    if purpose == "send":
        return [f"mail to {to}"]
    word = "everything" if occasion.kind == "everything" else "patience"
    return [f"call: {word} {who}"]


def arrived(local: World) -> Counter[str]:
    """What was carried out at the vendors, in the same words."""
    found = Counter(f"mail to {', '.join(mail['to'])}" for mail in local.all("outbox"))
    found.update(f"call: {call['name']} {call['body']['name']}" for call in local.all("http_call"))
    for post in posts(local):
        unsent = post["text"].startswith(":warning: The reply to")
        if not _key_of(post).startswith("card-") and not unsent:
            text = post["text"].removeprefix(":white_check_mark: ")
            found[f"post: {text.partition(' A quote is due')[0]}"] += 1
    found.update(_writes(local))
    return found


def _writes(local: World) -> list[str]:
    """CRM writes, each key once: the CRM carries a key out once, however often it comes."""
    emails = {one["id"]: one["email"] for one in local.all("crm_customer")}
    done: dict[str, str] = {}
    for row in local.requests("crm"):
        key = row["headers"].get("Idempotency-Key", "")
        if row["method"] not in WRITES or local.get("crm_effect", key) is None:
            continue
        body = json.loads(bytes(row["body"]) or b"{}")
        parts = row["path"].rstrip("?").removeprefix("/crm/api/v1/customers").strip("/").split("/")
        email = emails.get(parts[0], "nobody")
        match parts:
            case [""]:
                done[key] = f"CRM: POST customers {body['email']}"
            case [_]:
                done[key] = f"CRM: PATCH customer {email}"
            case [_, "opt-out"]:
                done[key] = f"CRM: opt-out {email}"
            case _:
                said = "email_sent" if body["kind"] == "email_sent" else body["summary"]
                done[key] = f"CRM: {said} {email}"
    return list(done.values())
