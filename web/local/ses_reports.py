"""What becomes of a mail that SES has taken, by its address, as the SES simulator has it:
`bounce@`, `complaint@` and `softbounce@`, each also with a `+label`, on any domain.

Everything else is delivered. As in SES, only mail under a configuration set is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]


def events(mail: Mapping[str, Any]) -> Iterator[Event]:
    """The reports about a mail of the outbox, in their order."""
    if not mail["configuration_set"]:
        return
    yield _event(mail, "Send", {"send": {}})
    for address in mail["to"]:
        yield _fate(mail, address)


def _fate(mail: Mapping[str, Any], address: str) -> Event:
    now = datetime.now(UTC).isoformat()
    match address.partition("@")[0].partition("+")[0].casefold():
        case "bounce":
            return _event(mail, "Bounce", _bounce("Permanent", "General", address, now))
        case "softbounce":
            return _event(mail, "Bounce", _bounce("Transient", "MailboxFull", address, now))
        case "complaint":
            complained = [{"emailAddress": address}]
            facts = {"complainedRecipients": complained, "timestamp": now, "feedbackId": "local",
                     "complaintFeedbackType": "abuse"}  # fmt: skip
            return _event(mail, "Complaint", {"complaint": facts})
        case _:
            return _event(mail, "Delivery", {"delivery": {"timestamp": now}})


def _bounce(kind: str, detail: str, address: str, now: str) -> Event:
    status = "5.1.1" if kind == "Permanent" else "4.2.2"
    recipient = {"emailAddress": address, "action": "failed", "status": status}
    facts = {"bounceType": kind, "bounceSubType": detail, "bouncedRecipients": [recipient],
             "timestamp": now, "feedbackId": "local"}  # fmt: skip
    return {"bounce": facts}


def _event(mail: Mapping[str, Any], kind: str, facts: Event) -> Event:
    tags = {name: [value] for name, value in mail["tags"].items()}
    return {
        "eventType": kind,
        "mail": {
            "timestamp": datetime.fromtimestamp(mail["at"], UTC).isoformat(),
            "messageId": mail["id"],
            "source": mail["from"],
            "destination": mail["to"],
            "tags": tags | {"ses:configuration-set": [mail["configuration_set"]]},
        },
        **facts,
    }
