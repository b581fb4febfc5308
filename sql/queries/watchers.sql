-- name: upsert :one
insert into watchers (agent_id, sop_slug, name, check_type, check_config, interval_seconds)
values (%(agent_id)s, %(sop_slug)s, %(name)s, %(check_type)s, %(check_config)s, %(interval_seconds)s)
on conflict (name) do update
   set agent_id = excluded.agent_id, sop_slug = excluded.sop_slug,
       check_type = excluded.check_type, check_config = excluded.check_config
returning *;

-- name: take_due :one
-- The watcher that has been due longest. Moving next_check_at on keeps any other worker from
-- checking it too, for as long as a check may take between two signs of life; should this one
-- die in it, the next tick checks again. Missed checks run once, not many times.
update watchers w
   set next_check_at = now() + make_interval(secs => least(w.interval_seconds, %(hold_seconds)s::float8))
  from (select w2.id from watchers w2 join agents a on a.id = w2.agent_id
         where w2.status = 'active' and a.status = 'active' and w2.next_check_at <= now()
         order by w2.next_check_at
         limit 1
           for update of w2 skip locked) due
 where w.id = due.id
returning w.*;

-- name: passed :one
-- A sign of life, too. Somebody may have asked meanwhile for another check at once, or for none.
update watchers
   set cursor = %(cursor)s, failures = 0, last_error = null,
       next_check_at = case when next_check_at = %(held_until)s
                            then now() + make_interval(secs => least(interval_seconds, %(hold_seconds)s::float8))
                            else next_check_at end
 where id = %(watcher_id)s
returning next_check_at, status;

-- name: checked :exec
-- The next check is an interval after this one began, unless somebody wants it sooner.
update watchers set next_check_at = greatest(%(began)s::timestamptz + make_interval(secs => interval_seconds), now())
 where id = %(watcher_id)s and next_check_at = %(held_until)s;

-- name: failed :one
-- Each failure in a row doubles the pause, up to an hour.
update watchers
   set failures = failures + 1, last_error = %(error)s,
       next_check_at = now() + least(interval '1 hour',
           make_interval(secs => interval_seconds) * (2 ^ least(failures, 6)))
 where id = %(watcher_id)s
returning failures;

-- name: list :many
select w.*, a.slug as agent, a.status as agent_status from watchers w join agents a on a.id = w.agent_id order by w.name;

-- name: set_status :one
-- Resumed it is due at once. No row where it was so before.
update watchers
   set status = %(status)s,
       next_check_at = case when %(status)s = 'active' then now() else next_check_at end
 where name = %(name)s and status <> %(status)s
returning *;

-- name: check_now :exec
update watchers set next_check_at = now() where name = %(name)s;

-- name: schedules :many
-- Those that can start something: their procedure has an active version.
select w.* from watchers w join agents a on a.id = w.agent_id
 where exists (select from sops s where s.slug = w.sop_slug and s.status = 'active')
   and w.check_type = 'schedule' and w.status = 'active' and a.status = 'active'
 order by w.name;

-- name: rest_schedules :exec
-- In a demo: they start nothing before somebody does.
update watchers set status = 'paused' where check_type = 'schedule';

-- name: check_schedules_now :exec
update watchers set next_check_at = now() where check_type = 'schedule' and status = 'active';
