-- name: lock :one
select * from effects where key = %(key)s for update;

-- name: get :one
select * from effects where key = %(key)s;

-- name: gate :one
-- Everything that may hold an effect of a task back, locked so that none of it changes
-- between this look and the intent's commit.
select t.run_token, t.status, t.cancel_requested_at, a.status as agent_status
  from tasks t
  join agents a on a.id = t.agent_id
 where t.id = %(task_id)s
   for no key update of t
   for share of a;

-- name: now :value
select engine_now();

-- name: halted :one
select halted_at, halted_by, reason from halt for share;

-- name: halt :one
update halt set halted_at = now(), halted_by = %(by)s, reason = %(reason)s
 where halted_at is null
returning halted_at;

-- name: lift_halt :one
update halt set halted_at = null, halted_by = null, reason = null
 where halted_at is not null
returning one;

-- name: release_held :many
-- What was held back for this reason becomes runnable again.
update tasks set status = 'pending', parked_for = null, wake_at = null
 where status = 'waiting_on_timer' and parked_for = %(reason)s
returning id, question ->> 'id' as question_id;

-- name: away_until :value
-- Until when marketing waits, because somebody is away.
select max(away_until) from users
 where role = 'admin' and disabled_at is null and away_until > engine_now();

-- name: release_if_lifted :exec
-- For a task that parks because of a stop: the stop may be over by now.
update tasks set status = 'pending', parked_for = null
 where id = %(task_id)s and status = 'waiting_on_timer' and parked_for = 'halted';

-- name: held :many
-- What a stop holds back, the longest first.
select t.number, s.name as sop_name, st.name as step_name
  from tasks t
  join sops s on s.id = t.sop_id
  left join steps st on st.id = t.step_id
 where t.status = 'waiting_on_timer' and t.parked_for = 'halted'
 order by t.number;

-- name: leaving :value
-- Approved, and in the seconds in which that can be taken back.
select count(*)::int from tasks
 where status = 'waiting_on_timer' and wake_at <= engine_now() + interval '5 minutes'
   and question ->> 'state' = 'undo';

-- name: suppressed :value
select reason from suppressions where contact_hash = %(contact_hash)s;

-- name: lock_contact :one
insert into contacts (contact_hash) values (%(contact_hash)s)
on conflict (contact_hash) do update set contact_hash = excluded.contact_hash
returning last_task_id,
          -- A follow-up belongs to the contact that it follows up.
          coalesce(last_task_id = (select parent_id from tasks where id = %(task_id)s), false)
              as follows_up,
          coalesce(last_marketing_at + make_interval(days => %(days)s) > engine_now(), false) as recent;

-- name: contacted :exec
update contacts set last_marketing_at = engine_now(), last_task_id = %(task_id)s
 where contact_hash = %(contact_hash)s;

-- name: intend :exec
insert into effects (key, task_id, step_id, vendor, settle_after)
values (%(key)s, %(task_id)s, %(step_id)s, %(vendor)s, now() + make_interval(secs => %(settle_seconds)s));

-- name: intend_again :exec
-- Only a refused attempt may be followed by another one.
update effects
   set state = 'intended', attempt = attempt + 1, code = null, finished_at = null,
       intended_at = now(), settle_after = now() + make_interval(secs => %(settle_seconds)s)
 where key = %(key)s and state = 'refused' and attempt = %(attempt)s;

-- name: conclude :exec
-- Compare-and-set on (state, attempt): who comes late changes nothing.
update effects
   set state = %(state)s, code = %(code)s, result = coalesce(%(result)s, result),
       finished_at = case when %(state)s in ('done', 'refused') then now() end
 where key = %(key)s and attempt = %(attempt)s and state = any(%(expected)s);

-- name: settled_at :one
select state, attempt, result, code, settle_after, settle_after <= now() as ripe,
       extract(epoch from settle_after - now())::float8 as wait,
       extract(epoch from intended_at)::float8 as since
  from effects where key = %(key)s;

-- name: of_task :many
select * from effects where task_id = %(task_id)s order by intended_at, key;
