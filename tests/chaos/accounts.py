"""Going through the books: what arrived at the vendors, and whether our own rows say so.

What has happened is counted in the stand-ins, by key and by recipient and content; they
never deduplicate. Each finding is one line; none means that all is well.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from engine.mail.ses import EFFECT_TAG, effect_key_of
from tests.chaos.stage import SHORT, Stage
from tests.chaos.stories import Occasions, Story
from web.local.world import World

WRITES = ("POST", "PATCH", "PUT", "DELETE")
# Endings of one attempt: there can be one of them.
ENDINGS = ("effect_done", "effect_refused", "effect_settled")


@dataclass(frozen=True)
class Request:
    """A request that would change the world, as it came in."""

    vendor: str
    key: str
    what: str
    status: int | None


def requests(local: World) -> list[Request]:
    found = []
    for row in local.requests():
        body = bytes(row["body"])
        path = row["path"].rstrip("?")
        if row["vendor"] == "slack" and "chat.postMessage" in path:
            found.append(Request("slack", *_post(body), row["status"]))
        elif row["vendor"] == "ses":
            order = json.loads(body)
            tags = {tag["Name"]: tag["Value"] for tag in order.get("EmailTags", [])}
            to = order["Destination"]["ToAddresses"][0]
            found.append(Request("mail", effect_key_of(tags[EFFECT_TAG]), to, row["status"]))
        elif row["vendor"] == "crm" and row["method"] in WRITES:
            key = row["headers"].get("Idempotency-Key", "")
            what = f"{row['method']} {path} {hash(body)}"
            found.append(Request("crm", key, what, row["status"]))
    return found


def _post(body: bytes) -> tuple[str, str]:
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    metadata = given.get("metadata") or {}
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    return metadata.get("event_payload", {}).get("effect_key", ""), str(given.get("text"))[:60]


# -- what arrived -----------------------------------------------------------------------


def arrivals(stage: Stage) -> Iterator[str]:
    """What was carried out more than once, by the key it came under."""
    local = stage.local
    keys = Counter(
        [("mail", effect_key_of(mail["tags"][EFFECT_TAG])) for mail in local.all("outbox")]
        + [("http", call["key"]) for call in local.all("http_call")]
        + [("slack", _key_of(post)) for post in posts(local)]
    )
    for (vendor, key), times in keys.items():
        if times > 1:
            yield f"{vendor}: {key} was carried out {times} times"


def repeats(stage: Stage, *, faults: bool) -> Iterator[str]:
    """Requests that came twice under one key. Where no fault was ordered none may."""
    counted = Counter((r.vendor, r.key) for r in requests(stage.local) if not faults or _ok(r))
    for (vendor, key), times in counted.items():
        if times > 1 and not (faults and vendor == "crm"):
            yield f"{vendor}: {times} requests for {key}"


def _ok(request: Request) -> bool:
    return request.status is not None and request.status < 300


def posts(local: World) -> list[dict[str, Any]]:
    return [message for message in local.all("slack_message")
            if message.get("bot_id") and not message.get("ephemeral_to")]  # fmt: skip


def _key_of(post: dict[str, Any]) -> str:
    return (post.get("metadata") or {}).get("event_payload", {}).get("effect_key", "")


def occasions(stage: Stage, wanted: Occasions, *, doubts: int, deaths: int) -> Iterator[str]:
    """What arrived, by recipient and content, against the harness's own list."""
    local = stage.local
    yield from _compare(
        "mails", Counter((mail["to"][0], mail["subject"]) for mail in local.all("outbox")),
        wanted.mails,
    )  # fmt: skip
    yield from _compare("calls", Counter(c["name"] for c in local.all("http_call")), wanted.calls)
    yield from _compare("CRM writes", _writes(local), wanted.writes)
    yield from _compare("posts", _told(local, wanted), wanted.posts)
    cards = Counter(row["title"] for row in stage.rows(
        "select c.id, coalesce(q.title, '') as title from cards c"
        " left join tasks t on t.id = c.task_id"
        " left join lateral (select d ->> 'title' as title from jsonb_array_elements("
        "   coalesce(t.question -> 'earlier', '[]') || coalesce(t.question, 'null')) d"
        "   where d ->> 'id' = c.id::text) q on true"
        " where c.kind = 'question'"
    ))  # fmt: skip
    asked = Counter({title: n for title, n in cards.items() if "may or may not" not in title})
    yield from _compare("questions", asked, wanted.questions)
    found = cards.total() - asked.total()
    in_doubt = _in_doubt(stage)
    late = sum(_is_late(doubt, deaths) for doubt in in_doubt)
    if not doubts <= found <= doubts + late:
        yield f"questions about a doubt: {found}, not {doubts}: {in_doubt}"
    # Each card, question or alarm, is one message, whatever it says by now.
    shown = Counter(_key_of(post) for post in posts(local))
    for row in stage.rows("select id, generation from cards where wanted > 0"):
        again = f"-{row['generation']}" if row["generation"] else ""
        key = f"card-{row['id']}{again}.post"
        if shown[key] != 1:
            yield f"card {row['id']} stands in Slack {shown[key]} times"
    tasks = stage.rows(
        "select s.slug, t.status, count(*)::int as n from tasks t join sops s on s.id = t.sop_id"
        " group by 1, 2"
    )
    yield from _compare(
        "tasks", Counter({(row["slug"], row["status"]): row["n"] for row in tasks}), wanted.tasks
    )


def _in_doubt(stage: Stage) -> list[dict[str, Any]]:
    """The calls that ended in doubt: why, how long after their intent, and how often their
    task had been rescued by then."""
    return stage.rows(
        "select d.effect_key as key, d.output_summary as why,"
        " round(extract(epoch from d.created_at - i.created_at), 1)::float as seconds,"
        " (select count(*)::int from task_events r where r.task_id = d.task_id"
        "    and r.event_type = 'task_rescued' and r.seq < d.seq) as rescues"
        " from task_events d join task_events i on i.effect_key = d.effect_key"
        "  and i.attempt = d.attempt and i.event_type = 'effect_intended'"
        " where d.event_type = 'effect_in_doubt' order by d.created_at"
    )


def _is_late(doubt: dict[str, Any], deaths: int) -> bool:
    """Whether it may be the machine's doing, which stood still for a moment: nothing came
    back for a whole timeout, or a lease ran out though nobody had died."""
    on_its_own = doubt["why"] != "interrupted" or doubt["rescues"] > deaths
    return on_its_own and doubt["seconds"] >= float(SHORT["LEASE_SECONDS"])


def _writes(local: World) -> Counter[tuple[str, str, str]]:
    """CRM writes that were carried out, by method, path and whom or what they are about."""
    carried_out: dict[str, tuple[str, str, str]] = {}
    for row in local.requests("crm"):
        key = row["headers"].get("Idempotency-Key", "")
        if row["method"] in WRITES and local.get("crm_effect", key):
            body = json.loads(bytes(row["body"]) or b"{}")
            path = row["path"].rstrip("?").removeprefix("/crm/api/v1")
            carried_out[key] = (row["method"], path, body.get("email") or body.get("kind") or "")
    return Counter(carried_out.values())


def _told(local: World, wanted: Occasions) -> Counter[str]:
    """Posts that are no cards, by the wanted text that they hold, or else by their own."""
    told = [post for post in posts(local) if not _key_of(post).startswith("card-")]
    return Counter(
        next((text for text in wanted.posts if text in post["text"]), post["text"]) for post in told
    )


def _compare(what: str, found: Any, wanted: Any) -> Iterator[str]:
    for one in sorted({*found, *wanted}, key=str):
        times = wanted.get(one, 0)
        if found.get(one, 0) not in (times if isinstance(times, tuple) else (times,)):
            yield f"{what}: {one} {found.get(one, 0)} times, not {times}"


# -- what our rows say --------------------------------------------------------------------


def books(stage: Stage) -> Iterator[str]:
    """Whether tasks, events, effects, cards and counters agree with each other."""
    for row in stage.rows(
        "select t.number, t.events, count(e.seq)::int as n, min(e.seq) as first, max(e.seq) as last"
        " from tasks t left join task_events e on e.task_id = t.id group by t.id"
        " having count(e.seq) <> t.events or min(e.seq) <> 1 or max(e.seq) <> t.events"
    ):
        yield f"task {row['number']}: its events have a gap or a double: {row}"
    for row in stage.rows(
        "select t.number, e.event_type, count(*)::int as n from task_events e"
        " join tasks t on t.id = e.task_id"
        " where e.event_type in ('task_started', 'task_completed', 'task_failed', 'task_cancelled')"
        " group by 1, 2 having count(*) > 1"
    ):
        yield f"task {row['number']}: {row['event_type']} {row['n']} times"
    for row in stage.rows(
        "select effect_key, attempt, event_type, count(*)::int as n from task_events"
        " where event_type = 'effect_intended' group by 1, 2, 3 having count(*) > 1"
        " union all select effect_key, attempt, 'an ending', count(*)::int from task_events"
        " where event_type = any(%s) group by 1, 2 having count(*) > 1",
        list(ENDINGS),
    ):
        yield f"{row['effect_key']}, attempt {row['attempt']}: {row['event_type']} {row['n']} times"
    for row in stage.rows("select slug, running_tasks from agents where running_tasks <> 0"):
        yield f"agent {row['slug']} still counts {row['running_tasks']} running tasks"
    # What a task that was cancelled in the middle of a call leaves is settled by a later tick.
    for row in stage.rows(
        "select key, state from effects e left join tasks t on t.id = e.task_id"
        " where state in ('intended', 'in_doubt') and t.status is distinct from 'cancelled'"
    ):
        yield f"effect {row['key']} is {row['state']}"
    yield from stale_cards(stage)


def stale_cards(stage: Stage) -> Iterator[str]:
    """Cards that show in Slack what is no longer so."""
    shown = {(post["channel"], post["ts"]): post for post in posts(stage.local)}
    for row in stage.rows(
        "select c.id, c.posted_channel, c.ts, t.finished_at is not null as over, t.number,"
        " t.wait_token from cards c join tasks t on t.id = c.task_id"
        " where c.kind = 'question' and c.ts is not null"
    ):
        post = shown.get((row["posted_channel"], row["ts"]))
        if post is None:
            yield f"card {row['id']} of task {row['number']} is not where it should be"
        elif row["over"] and answerable(post):
            yield f"card {row['id']} of task {row['number']} can still be pressed"


def answerable(post: dict[str, Any]) -> bool:
    return bool(re.search(r'"action_id": "answer', json.dumps(post.get("blocks") or [])))


# -- what the tasks hold --------------------------------------------------------------------

# The vendor's own name for one sending of a mail, and when a line of tasks began.
FLEETING = frozenset({"email_sent_id", "began_at"})


def contexts(stage: Stage) -> list[tuple[str, str, dict[str, Any]]]:
    rows = stage.rows(
        "select s.slug, coalesce(t.item, 0)::text as item, t.context from tasks t"
        " join sops s on s.id = t.sop_id order by 1, 2, t.number"
    )
    return [
        (row["slug"], row["item"], {k: v for k, v in row["context"].items() if k not in FLEETING})
        for row in rows
    ]


def audit(
    stage: Stage,
    story: Story,
    *,
    doubts: int,
    deaths: int,
    golden: list[tuple[str, str, dict[str, Any]]] | None,
) -> list[str]:
    """Every finding of every kind. `doubts` must have been put to a person; more may be only
    where the machine stood still."""
    findings = [
        *arrivals(stage),
        *repeats(stage, faults=story.faults),
        *occasions(stage, story.occasions, doubts=doubts, deaths=deaths),
        *books(stage),
    ]
    # Where a person may have said it twice there is no one right state to compare with.
    twice = any(isinstance(n, tuple) for n in story.occasions.tasks.values())
    if golden is not None and not twice and contexts(stage) != golden:
        findings.append(f"a context differs: {_difference(contexts(stage), golden)}")
    return findings


def _difference(found: Any, wanted: Any) -> str:
    for (slug, item, mine), (_, _, theirs) in zip(found, wanted, strict=False):
        keys = [k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k)]
        if keys:
            return f"{slug} {item}: " + ", ".join(
                f"{k}: {mine.get(k)!r} instead of {theirs.get(k)!r}" for k in keys
            )
    return f"{len(found)} tasks instead of {len(wanted)}"
