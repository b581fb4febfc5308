-- name: open :many
-- Tasks with an open question, oldest deadline first.
select t.*, s.name as sop_name
  from tasks t
  join sops s on s.id = t.sop_id
 where t.status in ('waiting_on_human', 'escalated') and t.wait_token is not null
 order by t.deadline nulls last, t.id
 limit %(limit)s;

-- name: undoable :many
-- Answers that can still be taken back. A question's wait is at most five minutes, so
-- the index on wake_at finds them among any number of sleeping tasks.
select t.*, s.name as sop_name
  from tasks t
  join sops s on s.id = t.sop_id
 where t.status = 'waiting_on_timer'
   and t.wake_at <= engine_now() + interval '5 minutes'
   and t.question ->> 'state' = 'undo'
 order by t.wake_at
 limit 20;

-- name: count :value
select count(*)::int
  from tasks
 where status in ('waiting_on_human', 'escalated') and wait_token is not null
   and finished_at is null;
