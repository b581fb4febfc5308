-- name: open :many
-- Tasks with an open question, oldest deadline first; the drafts of a batch stand on its card.
select t.*, s.name as sop_name
  from tasks t
  join sops s on s.id = t.sop_id
 where t.status in ('waiting_on_human', 'escalated') and t.wait_token is not null
   and not coalesce((t.question ->> 'in_batch')::boolean, false)
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
   and not coalesce((t.question ->> 'in_batch')::boolean, false)
 order by t.wake_at
 limit 20;

-- name: count :value
-- A batch counts once, however many drafts it holds.
select count(*) filter (where not in_batch)::int + count(distinct batch_id) filter (where in_batch)::int
  from (select coalesce((t.question ->> 'in_batch')::boolean, false) as in_batch, d.batch_id
          from tasks t
          left join batch_drafts d on d.question_id = (t.question ->> 'id')::uuid
         where t.status in ('waiting_on_human', 'escalated') and t.wait_token is not null
           and t.finished_at is null) waiting;
