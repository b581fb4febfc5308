-- name: due :many
-- What goes on by the clock until then: timers, follow-ups, mails that a holiday holds back.
-- Not what merely tries a vendor again, and not the seconds in which an answer may be undone.
select id from tasks
 where status = 'waiting_on_timer' and wake_at > engine_now() and wake_at < %(until)s
   and (parked_for is null or parked_for in ('holiday', 'away'))
   and coalesce(question ->> 'state', '') <> 'undo'
 order by wake_at, id
 limit 500;

-- name: struck :many
-- What people have struck out since then, whether or not a card lists it.
select id from tasks
 where finished_at > %(since)s and erased_at is null and status = 'cancelled'
   and context ->> 'draft_cancel_reason' = %(reason)s
 order by finished_at desc
 limit 100;

-- name: lines :many
-- As these tasks stand now, and by whom they were struck out: after erasure nobody's name is
-- left.
select t.id, t.number, t.status, t.wake_at, t.finished_at, t.erased_at, s.name as sop_name,
       st.name as step_name, t.context ->> 'customer_name' as customer,
       (select e.actor from task_events e
         where e.task_id = t.id and e.event_type = 'task_cancelled'
         order by e.seq desc limit 1) as struck_by
  from tasks t
  join sops s on s.id = t.sop_id
  left join steps st on st.id = t.step_id
 where t.id = any(%(task_ids)s)
 order by t.wake_at nulls last, t.number;

-- name: schedules :many
select w.name, w.check_config, s.name as sop_name
  from watchers w
  join sops s on s.slug = w.sop_slug and s.status = 'active'
  join agents a on a.id = w.agent_id
 where w.check_type = 'schedule' and w.status = 'active' and a.status = 'active'
 order by w.name;

-- name: add :one
-- No row where another worker has told of this day.
with card as (select new_id() as id),
day as (
    select %(day)s::date as day
     where not exists (select from outlooks where day = %(day)s)
), made as (
    insert into cards (id, kind, channel) select card.id, 'outlook', %(channel)s from card, day
    returning id
)
insert into outlooks (day, card_id, until, task_ids)
select day.day, made.id, %(until)s, %(task_ids)s from day, made
on conflict (day) do nothing
returning *;

-- name: of_card :one
select * from outlooks where card_id = %(card_id)s;

-- name: current :one
-- The newest card, as long as the day that it looks ahead to is not over.
select * from outlooks where until > engine_now() order by day desc limit 1;

-- name: told :value
select exists (select from outlooks where day = %(day)s);

-- name: redraw_of_task :exec
update cards set wanted = wanted + 1, next_try_at = least(next_try_at, now())
 where id in (select card_id from outlooks where %(task_id)s = any(task_ids));
