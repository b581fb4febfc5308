"""Verdicts: what each answer to an approval says of the draft, and the record they make.

Sent unchanged, edited (how much) or refused (why). A verdict is written in the transaction
of its answer, an Undo takes it back, a rerun asks again and so makes another. It holds no
customer data and stays for ever. Nothing is decided by the record yet: it is shown beside
the step, so that the owner may judge whether to let the step go by itself one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal
from uuid import UUID

from engine import answers, refusals, series
from engine.agents import Agent
from engine.clopper_pearson import upper_bound
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.rewording import reworded
from engine.runtime import Runtime
from engine.series import Series
from engine.sops import Procedure
from engine.steps.contract import Step
from engine.tasks import Task

sql = queries("verdicts")
Question = Mapping[str, Any]
Word = Literal["unchanged", "edited", "refused"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How a series has fared. A draft is bad that was not sent as it was."""

    unchanged: int = 0
    edited: int = 0
    refused: int = 0
    changed: float | None = None
    """The share of words that an edit changed, on average."""

    @property
    def total(self) -> int:
        return self.unchanged + self.edited + self.refused

    @property
    def bound(self) -> float:
        return upper_bound(self.edited + self.refused, self.total)

    def counted(self) -> str:
        return f"{self.unchanged} sent as is, {self.edited} edited, {self.refused} refused"

    def bounded(self) -> str:
        """Rounded up, for a bound that says less than it is would be none."""
        return f"at most {ceil(self.bound * 1000) / 10:g} % bad, with 95 % confidence"


@dataclass(frozen=True, slots=True)
class Record:
    """What stands beside a step, for one series."""

    series: Series
    tally: Tally


def of_step(
    conn: Connection, runtime: Runtime, procedure: Procedure, agent: Agent, step: Step
) -> list[Record]:
    """The records of a step that asks for approval: one for each model that has drafted
    under the step, prompt and model of today. Other steps have none."""
    if not series.is_approval(step):
        return []
    known = series.of_step(runtime, procedure, agent, step)
    tallies = _tallies(conn, known)
    return [Record(one, tallies[one.hash]) for one in known if one.hash in tallies]


def _tallies(conn: Connection, wanted: Sequence[Series]) -> dict[bytes, Tally]:
    rows = sql.tallies(conn, series=[one.hash for one in wanted])
    return {
        bytes(row["series"]): Tally(row["unchanged"], row["edited"], row["refused"], row["changed"])
        for row in rows
    }


def reasons(conn: Connection, of: Series) -> list[tuple[str, int]]:
    """Why drafts of a series were refused, the most frequent code first."""
    return [(row["reason"], row["n"]) for row in sql.reasons(conn, series=of.hash)]


# -- with a question --------------------------------------------------------------


def on_question(
    conn: Connection,
    runtime: Runtime,
    procedure: Procedure,
    agent: Agent,
    step: Step,
    context: Mapping[str, Any],
    mail: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What an approval's question carries: the draft as it was, the series it belongs to,
    and the record so far for the card's small print. Nothing for other questions."""
    if mail is None or not series.is_approval(step):
        return {}
    drafted = series.of_draft(runtime, procedure, agent, step, context)
    tally = _tallies(conn, [drafted]).get(drafted.hash)
    return {
        "judged": {
            # Kept apart from the mail: an edit that was taken back leaves its text there.
            "subject": mail["subject"],
            "body": mail["body"],
            "step_id": str(drafted.step_id),
            "draft_step_id": str(drafted.draft_step_id) if drafted.draft_step_id else None,
            "model": drafted.model,
            "prompt": drafted.prompt.hex(),
            "series": drafted.hash.hex(),
        },
        "record": f"So far: {tally.counted()}." if tally else "",
    }


def keep(conn: Connection, task: Task, question: Question) -> None:
    """Write down what the answer says of the draft, in the answer's transaction."""
    judged = question.get("judged")
    if judged is None:
        return
    word, changed, reason = of_answer(question)
    sql.keep(
        conn,
        question_id=UUID(question["id"]),
        task_id=task.id,
        step_id=UUID(judged["step_id"]),
        draft_step_id=UUID(judged["draft_step_id"]) if judged["draft_step_id"] else None,
        model=judged["model"],
        confidence=question["confidence"],
        prompt=bytes.fromhex(judged["prompt"]),
        series=bytes.fromhex(judged["series"]),
        verdict=word,
        changed=changed,
        reason=reason,
    )


def take_back(conn: Connection, question: Question) -> None:
    sql.take_back(conn, question_id=UUID(question["id"]))


def of_answer(question: Question) -> tuple[Word, float | None, str]:
    """The verdict, the share of words changed, and the reason's code. A mail is on its way
    where the chosen option can be undone, edits it, or goes on as the step does."""
    given, judged, mail = question["answer"], question["judged"], question["mail"]
    option = answers.chosen(question, given["choice"])
    sends = option["undoable"] or option["form"] in ("edit", "reply") or option["goto"] is None
    if option["form"] == "reason" or not sends:
        return "refused", None, refusals.code_of(str(given["fields"].get(answers.REASON) or ""))
    before = f"{judged['subject']}\n{judged['body']}"
    changed = reworded(before, f"{mail['subject']}\n{mail['body']}")
    return ("unchanged", None, "") if changed is None else ("edited", changed, "")
