"""The record for earned autonomy, of drafts that were answered in a batch."""

from __future__ import annotations

from typing import Any

from tests.campaigns.hands import batch_card, customer, no_customers, press
from tests.campaigns.test_review import labels, stack, tap, top
from tests.engine.hands import rows
from tests.world import Company

MANY = 5


def campaign(office: Company) -> None:
    no_customers(office)
    for n in range(MANY):
        customer(office, n)
    office.run_sop("past_customer_reactivation", trigger="the test")
    office.settle(rounds=2000)


def record(office: Company) -> dict[str, Any]:
    """What is kept of each draft, by the customer."""
    kept = rows(office, "select t.subject, v.* from verdicts v join tasks t on t.id = v.task_id")
    return {row["subject"]: (row["verdict"], row["reason"], row["changed"]) for row in kept}


def at(office: Company, number: int) -> str:
    """Turn the review's pages to this customer."""
    while f"c{number}@example.com" not in top(office):
        tap(office, "Next ▶")
    return top(office)


def test_how_and_why_is_kept_of_each(office: Company) -> None:
    campaign(office)
    press(office, "Review one by one")
    at(office, 1)
    tap(office, "Strike out")
    at(office, 2)
    tap(office, "Edit first")
    before = stack(office)[-1]["blocks"]
    [body] = [
        block["element"]["initial_value"]
        for block in before
        if block.get("block_id") == "field:draft_body"
    ]
    office.submit(stack(office)[-1]["id"], draft_body=body.replace("Thank you", "Many thanks", 1))
    office.settle()
    at(office, 3)
    tap(office, "Don't send")
    office.submit(stack(office)[-1]["id"], tapped="Wrong tone")
    office.settle()
    press(office, "Approve all 2")
    found = record(office)
    assert found.pop("T-0001") == ("refused", "struck_out", None)
    assert found.pop("T-0003") == ("refused", "wrong_tone", None)
    verdict, reason, changed = found.pop("T-0002")
    assert (verdict, reason) == ("edited", "")
    assert 0 < changed < 0.5
    assert set(found.values()) == {("unchanged", "", None)}
    assert len(found) == MANY - 3
    assert "Wrong tone" not in batch_card(office), "the batch's card counts, and names no reason"


def test_what_is_taken_back_is_not_kept(office: Company) -> None:
    campaign(office)
    press(office, f"Approve all {MANY}")
    assert len(record(office)) == MANY
    press(office, "Undo")
    assert record(office) == {}
    press(office, "Review one by one")
    tap(office, "Strike out")
    tap(office, "◀ Previous")
    tap(office, "Undo")
    tap(office, "Look again")
    assert "Send as is" in labels(office)
    assert record(office) == {}
