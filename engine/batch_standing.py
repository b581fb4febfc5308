"""How a batch stands: what waits, what is leaving, what was decided. Slack's card and the
web's page are drawn from this, and from nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine import batches, sops, tasks
from engine.batch_outliers import refusal_of
from engine.batches import Batch, Draft
from engine.postgres import Connection

VERDICTS = ("sent as drafted", "edited", "struck out", "without an answer", "not sent after all")


@dataclass(frozen=True, slots=True)
class Standing:
    """`together` can be approved at once; `apart` wait as well, and are looked at one by
    one. `decided` counts what was answered, by the words of VERDICTS."""

    batch: Batch
    title: str
    trigger: str
    campaign_number: int
    drafts: list[Draft]
    together: list[Draft]
    apart: list[Draft]
    leaving: list[Draft]
    decided: Counter[str]
    by: str
    at: datetime | None

    @property
    def waiting(self) -> int:
        return len(self.together) + len(self.apart)

    @property
    def leaves_at(self) -> datetime | None:
        """When the first of the mails can no longer be taken back."""
        sending = (d.leaves_at for d in self.leaving if verdict(d) != VERDICTS[2])
        return min((at for at in sending if at), default=None)

    @property
    def sending(self) -> int:
        return sum(1 for draft in self.leaving if verdict(draft) != VERDICTS[2])

    @property
    def can_be_taken_back(self) -> bool:
        """Whether Undo has anything to take back."""
        return any(verdict(draft) == VERDICTS[0] for draft in self.leaving)

    @property
    def erased(self) -> bool:
        return bool(self.drafts) and all(draft.question is None for draft in self.drafts)

    @property
    def over(self) -> bool:
        return not self.waiting and not self.leaving


def read(conn: Connection, batch: Batch) -> Standing:
    campaign = tasks.get(conn, batch.task_id)
    drafts = [d for d in batches.drafts(conn, batch.id) if batch.posted_at is None or _frozen(d)]
    waiting = [draft for draft in drafts if draft.waiting]
    together = [draft for draft in waiting if draft.goes_together]
    leaving = [draft for draft in drafts if draft.leaves_at is not None]
    answered = [d for d in drafts if d.question and d.question.get("answer") and not d.waiting]
    by, at = _who(answered)
    return Standing(
        batch=batch,
        title=sops.get(conn, campaign.sop_id).name,
        trigger=str(campaign.context.get("trigger") or ""),
        campaign_number=campaign.number,
        drafts=drafts,
        together=together,
        apart=[draft for draft in waiting if not draft.goes_together],
        leaving=leaving,
        decided=Counter(verdict(draft) for draft in drafts if not draft.waiting),
        by=by,
        at=at,
    )


def _frozen(draft: Draft) -> bool:
    return draft.position is not None


def verdict(draft: Draft) -> str:
    given: dict[str, Any] | None = (draft.question or {}).get("answer")
    if not given:
        return VERDICTS[3]
    if draft.withheld:
        return VERDICTS[4]
    if given["choice"] == refusal_of(draft.question or {}):
        return VERDICTS[2]
    return VERDICTS[1] if given.get("edited") else VERDICTS[0]


def _who(answered: list[Draft]) -> tuple[str, datetime | None]:
    """Who answered most of it, and the last answer's time."""
    given = [(draft.question or {})["answer"] for draft in answered]
    if not given:
        return "", None
    by = Counter(one["by"]["name"] for one in given).most_common(1)[0][0]
    return by, max(datetime.fromisoformat(one["at"]) for one in given)
