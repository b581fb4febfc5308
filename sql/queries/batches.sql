-- name: campaign_of :value
-- The task whose for_each this one descends from: the parent of the nearest joined task, its
-- own line included, so that a follow-up belongs to the campaign too.
with recursive line as (
    select id, parent_id, joined from tasks where id = %(task_id)s
    union all
    select t.id, t.parent_id, t.joined
      from tasks t join line l on t.id = l.parent_id
     where not l.joined
)
select parent_id from line where joined;

-- name: gather :one
-- The batch that is being gathered for this campaign and step.
insert into batches (task_id, step_id) values (%(task_id)s, %(step_id)s)
on conflict (task_id, step_id) where posted_at is null do update set task_id = excluded.task_id
returning *;

-- name: add_draft :exec
insert into batch_drafts (question_id, batch_id, task_id)
values (%(question_id)s, %(batch_id)s, %(task_id)s);

-- name: get :one
select * from batches where id = %(batch_id)s;

-- name: of_question :one
select d.*, b.posted_at, b.task_id as campaign_id, b.step_id
  from batch_drafts d join batches b on b.id = d.batch_id
 where d.question_id = %(question_id)s;

-- name: ready :many
-- Batches to be posted: nobody of the campaign is still on the way to a draft, or enough time
-- has passed. Whoever starts later than that is not waited for.
select b.*
  from batches b
  join steps s on s.id = b.step_id
 where b.posted_at is null
   and (b.created_at + make_interval(mins => %(minutes)s) <= engine_now()
        or not exists (
            select from tasks t
             where t.finished_at is null and t.sop_id = s.sop_id
               and t.status in ('pending', 'in_progress', 'waiting_on_timer')
               and (t.wake_at is null or t.wake_at <= b.created_at + make_interval(mins => %(minutes)s))
               and (t.parent_id = b.task_id
                    or t.parent_id in (select id from tasks where parent_id = b.task_id and joined))
               and not exists (select from batch_drafts d where d.task_id = t.id)))
 order by b.created_at
   for update of b skip locked;

-- name: gathered :value
-- Drafts that wait for an answer on a card which has not been posted yet.
select count(*)::int
  from batches b
  join batch_drafts d on d.batch_id = b.id
  join tasks t on t.id = d.task_id
 where b.posted_at is null and t.status in ('waiting_on_human', 'escalated');

-- name: drafts :many
-- Every draft of a batch with its task as it is now, in the order of the card.
select d.question_id, d.position, d.token, d.draft_hash, d.remarks, t.id as task_id, t.number,
       t.status, t.question, t.wake_at, t.erased_at, t.context ->> 'withheld_because' as withheld,
       t.context ->> 'customer_name' as customer
  from batch_drafts d
  join tasks t on t.id = d.task_id
 where d.batch_id = %(batch_id)s
 order by d.position nulls last, t.number;

-- name: tasks_of :many
select * from tasks where id = any(%(task_ids)s);

-- name: lock_tasks :many
-- Held in one order (see engine/trees.py), with the campaign, on whose log the answer goes,
-- and with the parents that wait for these tasks.
with wanted as (
    select task_id as id from batches where id = %(batch_id)s
    union
    select task_id from batch_drafts where batch_id = %(batch_id)s
    union
    select t.parent_id
      from batch_drafts d join tasks t on t.id = d.task_id
     where d.batch_id = %(batch_id)s and t.joined
)
select t.id from tasks t where t.id in (select id from wanted) order by t.id for update of t;

-- name: freeze_drafts :exec
update batch_drafts d
   set position = f.position, token = f.token, draft_hash = decode(f.draft_hash, 'hex'),
       remarks = array(select jsonb_array_elements_text(f.remarks))
  from jsonb_to_recordset(%(frozen)s::jsonb)
       as f (question_id uuid, position int, token text, draft_hash text, remarks jsonb)
 where d.question_id = f.question_id;

-- name: posted :exec
update batches
   set posted_at = engine_now(), closed_at = case when %(empty)s then engine_now() end
 where id = %(batch_id)s;

-- name: renew_token :exec
update batch_drafts set token = %(token)s where question_id = %(question_id)s;

-- name: move_draft :exec
-- A draft that changed goes to the next batch.
update batch_drafts
   set batch_id = %(batch_id)s, position = null, token = null, draft_hash = null, remarks = '{}'
 where question_id = %(question_id)s;

-- name: reopen :exec
update batches set closed_at = null where id = %(batch_id)s;

-- name: close :exec
update batches set closed_at = engine_now() where id = %(batch_id)s and closed_at is null;

-- name: open :many
-- Batches with a draft that waits for an answer, or whose answer can still be taken back.
select b.id, b.task_id, s.name as title, b.posted_at,
       count(*) filter (where t.status in ('waiting_on_human', 'escalated'))::int as waiting,
       count(*) filter (where t.status = 'waiting_on_timer')::int as leaving,
       min(t.deadline) as deadline
  from batches b
  join tasks c on c.id = b.task_id
  join sops s on s.id = c.sop_id
  join batch_drafts d on d.batch_id = b.id
  join tasks t on t.id = d.task_id
 where b.closed_at is null
   and (t.question ->> 'id')::uuid = d.question_id
   and ((t.status in ('waiting_on_human', 'escalated') and t.question ->> 'state' in ('open', 'editing'))
        or (t.status = 'waiting_on_timer' and t.question ->> 'state' = 'undo'))
 group by b.id, s.name
 order by b.created_at;
