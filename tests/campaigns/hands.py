"""Customers for campaigns, and what people and the world do to them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import httpx

from engine import watchers
from engine.demo import OWNER_SLACK_ID
from engine.tasks import Task
from tests.engine.hands import children, rows, sent
from tests.world import Company
from web.local.crm_fields import blank_customer

SURNAMES = ["Berg", "Dahl", "Finn", "Hill", "Lund", "Moe", "Nygaard", "Olson", "Quist", "Rudd"]
GIVEN = ["Anna", "Bob", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hope", "Ivan", "June"]


def no_customers(office: Company) -> None:
    """Those of the seeds are out of every list; the test puts in its own."""
    for one in office.local.all("crm_customer"):
        office.local.put("crm_customer", one["id"], one | {"status": "lost"})
    for one in office.local.all("crm_invoice"):
        office.local.put("crm_invoice", one["id"], one | {"paid": True})


def customer(office: Company, number: int, **more: Any) -> dict[str, Any]:
    """A past customer of last season, as the CRM knows one."""
    name = f"{GIVEN[number % 10]} {SURNAMES[number // 10 % 10]}"
    made = blank_customer(f"T-{number:04}") | {
        "name": name,
        "email": f"c{number}@example.com",
        "phone": f"612-555-{number:04}",
        "city": "Edina",
        "status": "past",
        "services": ["fertilizer", "weed_control"],
        "last_service_at": (date.today() - timedelta(days=200)).isoformat(),
        **more,
    }
    office.local.put("crm_customer", made["id"], made)
    return made


def press(office: Company, label: str) -> dict[str, Any]:
    """Press a button of the newest batch's card in Slack, as it stands by now."""
    office.settle()
    [card, *_] = rows(
        office,
        "select * from cards where kind = 'batch' and ts is not null order by created_at desc",
    )
    said = {"channel": card["posted_channel"], "message_ts": card["ts"], "label": label,
            "user": OWNER_SLACK_ID}  # fmt: skip
    reply = httpx.post(f"{office.local_url}/slack/_press", json=said, timeout=30).json()
    assert reply["ok"], reply
    office.settle()
    return reply


def batch_card(office: Company, channel: str = "#marketing") -> str:
    """The newest batch's card, as text."""
    cards = [m for m in office.messages(channel) if "*Batch*" in str(m["blocks"])]
    return str(cards[-1]["blocks"])


def by_customer(office: Company, task: Task) -> dict[str, Task]:
    return {str(child.subject): child for child in children(office, task)}


def mails_by_address(office: Company) -> Counter[str]:
    return Counter(mail["to"][0] for mail in office.outbox)


def interactions(office: Company) -> Counter[str]:
    """What was logged in the CRM, by customer."""
    return Counter(one["path"].split("/")[-2] for one in sent(office, "crm", path="/interactions"))


def report(office: Company, channel: str = "#marketing") -> str:
    """The newest tally in the channel."""
    found = [m["text"] for m in office.messages(channel) if "mails are out" in m["text"]
             or "in the end" in m["text"]]  # fmt: skip
    return found[-1]


def look(office: Company) -> int:
    """The minute tick: every watcher whose time has come is checked."""
    with office.runtime.database.statement("tick") as conn:
        conn.execute("update watchers set next_check_at = now() where check_type = 'schedule'")
        conn.execute("update watchers set status = 'disabled' where check_type <> 'schedule'")
    checked = watchers.check_due(office.runtime)
    office.settle()
    return checked
