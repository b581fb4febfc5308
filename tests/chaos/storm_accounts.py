"""A storm's books: what was wanted, against what arrived and what our own rows say."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos import accounts, storm_occasions
from tests.chaos.stage import Stage
from tests.chaos.storm_person import Person
from tests.chaos.storm_plan import Occasion
from tests.chaos.storm_source import Source
from tests.chaos.storm_watch import Watch
from tests.guarantees import second_sends

RESUME_SECONDS = 45.0
# A commit's own time lies a little before or after what we saw from outside.
AROUND_SECONDS = 0.2
ROOTS = """
with recursive tree as (
    select id, id as root from tasks where parent_id is null
    union all
    select t.id, tree.root from tasks t join tree on t.parent_id = tree.id)
select r.context ->> 'customer_name' as who, s.slug, t.status, t.number, t.error
  from tree join tasks t on t.id = tree.id join tasks r on r.id = tree.root
  join sops s on s.id = t.sop_id
"""


@dataclass
class Books:
    """The closing figures. Each of `findings` is one thing that should not be."""

    seed: int = 0
    kills: int = 0
    tasks: int = 0
    completed: int = 0
    cancelled: int = 0
    lost: int = 0
    stuck: int = 0
    duplicate_effects: int = 0
    in_doubt: int = 0
    cut_short: int = 0
    duplicate_events: int = 0
    resumed: int = 0
    resume_median_s: float = 0.0
    resume_max_s: float = 0.0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return not self.findings

    def find(self, what: str, finding: str) -> None:
        setattr(self, what, getattr(self, what) + 1)
        self.findings.append(f"{what.replace('_', ' ')}: {finding}")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"well": self.well}


def close(stage: Stage, source: Source, person: Person, watch: Watch, books: Books) -> None:
    """Fill the books in. The engine has come to rest, or will not."""
    _count_tasks(stage, source, books)
    _count_effects(stage, source, person, books)
    _count_events(stage, books)
    _count_doubts(stage, watch, books)
    for row in stage.rows(second_sends()):
        books.find("duplicate_effects", f"by the query of the guarantees: {row}")


def _count_tasks(stage: Stage, source: Source, books: Books) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in stage.rows(ROOTS):
        found.setdefault(row["who"], []).append(row)
        books.tasks += 1
        books.completed += row["status"] == "completed"
        books.cancelled += row["status"] == "cancelled"
        if row["status"] not in ("completed", "failed", "cancelled"):
            books.find("stuck", f"task {row['number']} ({row['slug']}) is {row['status']}")
        if row["status"] == "failed":
            books.find("lost", f"task {row['number']} ({row['slug']}) failed: {row['error']}")
    for one in source.offered:
        rows = found.pop(storm_occasions.name(one), [])
        _compare_tasks(one, rows, one.number in source.cancelled, books)
    for who, rows in found.items():
        books.find("duplicate_effects", f"{len(rows)} tasks of nobody's: {who}")


def _compare_tasks(
    one: Occasion, rows: list[dict[str, Any]], cancelled: bool, books: Books
) -> None:
    there = Counter(row["slug"] for row in rows)
    wanted = storm_occasions.tasks(one)
    for slug in sorted({*there, *wanted}):
        if there[slug] > wanted[slug]:
            books.find("duplicate_effects", f"{one}: {there[slug]} tasks of {slug}")
        for _ in range(wanted[slug] - there[slug] if not cancelled else 0):
            books.find("lost", f"{one}: no task of {slug}")
    if not cancelled and any(row["status"] == "cancelled" for row in rows):
        books.find("lost", f"{one}: cancelled, and nobody did that")


def _count_effects(stage: Stage, source: Source, person: Person, books: Books) -> None:
    found = storm_occasions.arrived(stage.local)
    dropped = set(_dropped(stage, source, person))
    for one in source.offered:
        for effect in storm_occasions.effects(one):
            times = found.pop(effect, 0)
            if times > 1 or (times and effect in dropped):
                books.find("duplicate_effects", f"{effect}: {times} times")
            if not times and effect not in dropped and one.number not in source.cancelled:
                books.find("lost", f"{effect}: never arrived")
    for effect, times in found.items():
        books.find("duplicate_effects", f"{effect}: {times} times, and nobody wanted it")
    for finding in accounts.arrivals(stage):
        books.find("duplicate_effects", finding)
    for finding in _cards(stage):
        books.find("duplicate_effects", finding)


def _dropped(stage: Stage, source: Source, person: Person) -> Iterator[str]:
    """What a person ruled not to send: it must not have arrived, and is not missed."""
    by_name = {storm_occasions.name(one): one for one in source.offered}
    for key in person.dropped:
        task_id, _, purpose, *_ = key.split(".")
        [row] = stage.rows(
            "select context ->> 'customer_name' as who from tasks where id = %s", task_id
        )
        yield from storm_occasions.droppable(by_name[row["who"]], purpose)


def _cards(stage: Stage) -> Iterator[str]:
    """Each card is one message, and none can be pressed any more."""
    shown = Counter(accounts._key_of(post) for post in accounts.posts(stage.local))
    for row in stage.rows("select id from cards where ts is not null"):
        times = shown[f"card-{row['id']}.post"]
        if times != 1:
            yield f"card {row['id']} stands in Slack {times} times"
    yield from accounts.stale_cards(stage)


def _count_events(stage: Stage, books: Books) -> None:
    for finding in accounts.books(stage):
        books.find("duplicate_events", finding)
    for row in stage.rows("select key, state from effects where state in ('intended', 'in_doubt')"):
        books.find("stuck", f"effect {row['key']} is {row['state']}")
    for row in stage.rows(
        "select t.number, s.key, count(*)::int as n from task_events e"
        " join tasks t on t.id = e.task_id join steps s on s.id = e.step_id"
        " where e.event_type = 'step_completed' group by 1, 2 having count(*) > 1"
    ):
        finding = f"task {row['number']}: {row['key']} was completed {row['n']} times"
        books.find("duplicate_events", finding)


def _count_doubts(stage: Stage, watch: Watch, books: Books) -> None:
    """Each doubt that was put to a person needs a call that something cut short."""
    books.in_doubt = stage.value(
        "select count(*)::int from task_events"
        " where event_type = 'human_asked' and output_summary like 'in_doubt in %%'"
    )
    calls = stage.rows(
        "select i.created_at as began, min(c.created_at) as ended"
        " from task_events i join effects f on f.key = i.effect_key"
        " left join task_events c on c.effect_key = i.effect_key and c.attempt = i.attempt"
        "  and c.seq > i.seq and c.event_type <> 'effect_intended'"
        " where i.event_type = 'effect_intended' and f.vendor in ('mail', 'http')"
        " group by i.id"
    )
    for call in calls:
        began = call["began"].timestamp() - AROUND_SECONDS
        ended = call["ended"].timestamp() + AROUND_SECONDS if call["ended"] else math.inf
        books.cut_short += any(began <= blow <= ended for blow in watch.blows)
    books.cut_short += watch.unsettling_faults
    if books.in_doubt > books.cut_short:
        books.findings.append(
            f"in doubt: {books.in_doubt}, and only {books.cut_short} calls were cut short"
        )


def count_resumes(watch: Watch, books: Books) -> None:
    took = watch.resumes()
    books.resumed = len(took)
    books.resume_median_s = round(statistics.median(took), 1) if took else 0.0
    books.resume_max_s = round(max(took, default=0.0), 1)
    if books.resume_max_s >= RESUME_SECONDS:
        books.findings.append(f"resume: {books.resume_max_s} s after a blow")
