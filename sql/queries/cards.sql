-- name: lock_alike :value
-- Two that ask the same at once: one of them is the first.
select pg_advisory_xact_lock(hashtextextended('alike:' || %(alike)s, 0))::text;

-- name: open :one
-- A new card, due at once; in the thread of the one that asked the same before and is open.
with first as (
    select c.id from cards c join tasks t on t.id = c.task_id
     where c.alike = %(alike)s::text and c.channel = %(channel)s and c.follows is null
       and c.created_at > now() - make_interval(hours => %(hours)s)
       and t.status in ('waiting_on_human', 'escalated')
       and (t.question ->> 'id')::uuid = c.id
     order by c.created_at desc
     limit 1
), told as (
    update cards set wanted = wanted + 1, next_try_at = least(next_try_at, now())
     where id = (select id from first)
)
insert into cards (id, kind, task_id, channel, alike, follows)
values (%(card_id)s, 'question', %(task_id)s, %(channel)s, %(alike)s, (select id from first))
returning id;

-- name: followers :many
select t.number from cards c join tasks t on t.id = c.task_id
 where c.follows = %(card_id)s and t.status in ('waiting_on_human', 'escalated')
   and (t.question ->> 'id')::uuid = c.id
 order by t.number;

-- name: open_unposted :exec
-- A question that is shown on its batch's card: it is never posted itself, for nothing is ever
-- wanted of it.
insert into cards (id, kind, task_id, channel, wanted)
values (%(card_id)s, 'question', %(task_id)s, %(channel)s, 0);

-- name: open_batch :exec
insert into cards (id, kind, task_id, channel)
values (%(card_id)s, 'batch', %(task_id)s, %(channel)s);

-- name: rewrite_posts :exec
-- What this task's steps have posted and what may name a customer, by the step's text: each
-- becomes a card that stands there and is to show something else.
insert into cards (kind, task_id, channel, posted_channel, ts)
select 'post', e.task_id, e.result ->> 'channel', e.result ->> 'channel', e.result ->> 'ts'
  from effects e
  join steps s on s.id = e.step_id
 where e.task_id = %(task_id)s and e.vendor = 'slack' and e.state = 'done'
   and e.result ? 'ts' and s.step_type = 'slack_notify'
   and s.config ->> 'text' ~ '(customer|email|draft)_';

-- name: open_handoff :exec
insert into cards (kind, task_id, channel, count)
values ('handoff', %(task_id)s, %(channel)s, %(count)s);

-- name: raise_alarm :one
-- One cause, one card: what repeats is counted on it. What was over and is back, or was told
-- more than a day ago, gets a new message (so a new id, for the key of its effect): a count
-- on an old one is read by nobody. But one that is not known to stand in Slack keeps its id:
-- its post may be under way, or in doubt, and under a new one nobody would settle that.
insert into cards (kind, task_id, cause, channel, summary)
values ('alarm', %(task_id)s, %(cause)s, %(channel)s, %(summary)s)
on conflict (cause) do update
   set count = case when cards.closed_at is null then cards.count + 1 else 1 end,
       summary = excluded.summary, wanted = cards.wanted + 1, closed_at = null, tries = 0,
       id = case when cards.ts is null
                   or cards.closed_at is null and cards.created_at > now() - interval '1 day'
                 then cards.id else new_id() end,
       ts = case when cards.closed_at is null and cards.created_at > now() - interval '1 day'
                 then cards.ts end,
       created_at = case when cards.ts is null
                           or cards.closed_at is null and cards.created_at > now() - interval '1 day'
                         then cards.created_at else now() end,
       task_id = excluded.task_id, error = null, set_aside = false,
       next_try_at = greatest(cards.next_try_at, now())
returning id, count;

-- name: is_alarming :value
select exists (select from cards where cause = %(cause)s and closed_at is null);

-- name: close_alarm :one
update cards set closed_at = now(), wanted = wanted + 1, next_try_at = now()
 where cause = %(cause)s and closed_at is null
returning id;

-- name: change :exec
-- A batch's card changes with every draft on it, and so does a reminder: they wait out the
-- seconds since they were shown. The one in whose thread it stands counts it.
update cards
   set wanted = wanted + 1, tries = 0, error = null, set_aside = false,
       next_try_at = case when kind in ('batch', 'reminder') then next_try_at
                          else least(next_try_at, now()) end
 where id in (coalesce((select batch_id from batch_drafts where question_id = %(card_id)s), %(card_id)s),
              (select follows from cards where id = %(card_id)s));

-- name: change_of_task :exec
update cards set wanted = wanted + 1, next_try_at = now()
 where id in (select coalesce(d.batch_id, c.id)
                from cards c left join batch_drafts d on d.question_id = c.id
               where c.task_id = %(task_id)s);

-- name: take :many
-- Cards that do not show what they should, oldest first. A new message waits for the older
-- ones of its channel, unless those cannot be posted for a reason of their own. Whoever takes
-- a card has it to itself for that long, whatever changes meanwhile.
update cards c set held_until = now() + make_interval(secs => %(lease_seconds)s)
  from (select id from cards
         where wanted > shown and next_try_at <= now() and (held_until is null or held_until <= now())
           and (ts is not null and not again or not exists (
                select from cards before
                 where before.channel = cards.channel and (before.ts is null or before.again)
                   and before.wanted > before.shown and not before.set_aside
                   -- One that is still gathering its drafts may take half an hour.
                   and before.kind <> 'batch'
                   and (before.created_at, before.id) < (cards.created_at, cards.id)))
         order by created_at
         limit 20
           for update skip locked) due
 where c.id = due.id
returning c.*;

-- name: give_back :exec
update cards set held_until = null where id = any(%(card_ids)s) and held_until = %(held_until)s;

-- name: shown :exec
-- Where a newer state was shown meanwhile, nobody knows which of the two arrived last: it is
-- shown once more.
update cards
   set shown = greatest(shown, %(version)s), tries = 0,
       next_try_at = now() + case when kind in ('batch', 'reminder') then interval '3 seconds' else interval '0' end,
       wanted = case when shown > %(version)s then wanted + 1 else wanted end,
       posted_channel = %(channel)s, ts = %(ts)s, error = null, set_aside = false,
       again = again and generation > %(generation)s,
       held_until = nullif(held_until, %(held_until)s)
 where id = %(card_id)s;

-- name: postpone :exec
update cards set tries = tries + 1, next_try_at = now() + make_interval(secs => %(seconds)s),
                 error = %(error)s, set_aside = %(set_aside)s,
                 held_until = nullif(held_until, %(held_until)s)
 where id = %(card_id)s;

-- name: lost :exec
-- Its message is gone: there is nothing to change, until somebody has it posted again.
update cards set shown = wanted, error = %(error)s, held_until = nullif(held_until, %(held_until)s)
 where id = %(card_id)s;

-- name: post_again :one
update cards
   set generation = generation + 1, again = true, wanted = wanted + 1, tries = 0,
       error = null, set_aside = false, next_try_at = now(),
       channel = coalesce(%(channel)s, channel)
 where id = coalesce((select batch_id from batch_drafts where question_id = %(card_id)s), %(card_id)s)
returning *;

-- name: due :value
select exists (select from cards where wanted > shown and next_try_at <= now()
                                   and (held_until is null or held_until <= now()));

-- name: shown_on :one
-- The card on which people see a question: its own, or its batch's.
select * from cards
 where id = coalesce((select batch_id from batch_drafts where question_id = %(card_id)s), %(card_id)s);

-- name: get :one
select * from cards where id = %(card_id)s;
