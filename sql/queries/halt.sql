-- name: read :one
select halted_at, halted_by, reason from halt for share;

-- name: begin :one
update halt set halted_at = now(), halted_by = %(by)s, reason = %(reason)s
 where halted_at is null
returning halted_at;

-- name: lift :one
update halt set halted_at = null, halted_by = null, reason = null
 where halted_at is not null
returning one;

-- name: release_held :many
-- What was held back for this reason becomes runnable again.
with held as (
    select id from tasks
     where status = 'waiting_on_timer' and parked_for = %(reason)s
     order by id
       for update
)
update tasks t set status = 'pending', parked_for = null, wake_at = null
  from held where t.id = held.id
returning t.id, t.question ->> 'id' as question_id;

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
