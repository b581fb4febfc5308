"""A campaign's approval that is taken back while its minutes last, over a worker's death."""

from __future__ import annotations

import pytest

from tests.campaigns.test_batches import BODY, CHILD, EACH, NAMES
from tests.chaos.matrix import Theatre
from tests.chaos.stage import Stage
from tests.engine.hands import procedure

pytestmark = pytest.mark.slow

LEAVING = (
    "select count(*) from tasks where status = 'waiting_on_timer' and question ->> 'state' = 'undo'"
)
ASKING = "select count(*) from tasks where status = 'waiting_on_human'"
CARD = (
    "select posted_channel, ts from cards"
    " where kind = 'batch' and ts is not null and shown >= wanted"
)
ENDED = "select count(*) from tasks where status = 'completed'"


def pressed(place: Stage, label: str) -> None:
    """As soon as the card offers it."""
    from web.local.slack.inputs import NothingThere

    def press() -> bool:
        try:
            place.press(place.rows(CARD)[0], label)
        except (NothingThere, IndexError):
            return False
        return True

    place.until(press, seconds=60, what=label)


def test_undo_of_a_batch_over_a_worker_that_was_killed(theatre: Theatre) -> None:
    minutes = {"BATCH_UNDO_SECONDS": "300"}
    with theatre.empty_stage() as place:
        place.import_sop(procedure(CHILD, slug="word", agent="marketing"))
        place.import_sop(procedure(EACH % 0, slug="campaign", agent="marketing"))
        people = [{"customer_name": name, "customer_email": f"{name.split()[0]}@example.com",
                   "draft_body": BODY.format(name=name)} for name in NAMES]  # fmt: skip
        place.run_sop("campaign", customer_list=people)
        first = place.worker(**minutes)
        pressed(place, "Approve all 4")
        place.until(lambda: place.value(LEAVING) == 4, seconds=60, what="the approval")
        first.kill()

        second = place.worker(**minutes)
        pressed(place, "Undo")
        place.until(lambda: place.value(ASKING) == 4, seconds=60, what="the drafts again")
        place.pass_time(minutes=10)
        pressed(place, "Approve all 4")
        place.until(lambda: place.value(LEAVING) == 4, seconds=60, what="the second approval")
        assert place.local.count("outbox") == 0, "nothing of the first one went out"
        second.kill()

        # Its minutes run out while nobody works.
        place.pass_time(minutes=6)
        place.worker(**minutes)
        place.until(lambda: place.value(ENDED) == 5, seconds=120, what="the campaign's end")
        mails = sorted(mail["to"][0] for mail in place.local.all("outbox"))
        assert mails == sorted(one["customer_email"] for one in people)
