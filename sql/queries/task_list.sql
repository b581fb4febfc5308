-- What the list of tasks and the page of one task show. Each query that picks tasks gives
-- their ids and nothing else, by an index; `rows` then reads what a page says of them. So
-- a page costs the same at a thousand tasks and at a million.

-- name: recent :many
-- Newest first, by key.
select t.id from tasks t
 where (%(statuses)s::text[] is null or t.status = any(%(statuses)s::text[]))
   and (%(before)s::uuid is null or t.id < %(before)s::uuid)
 order by t.id desc
 limit %(limit)s;

-- name: open :many
-- Among the open ones, which are few: the partial index holds only those.
select t.id from tasks t
 where t.finished_at is null
   and t.status = any(%(statuses)s::text[])
   and (%(sop)s::text is null or t.sop_id in (select id from sops where slug = %(sop)s))
   and (%(before)s::uuid is null or t.id < %(before)s::uuid)
 order by t.id desc
 limit %(limit)s;

-- name: ended_badly :many
-- Among the failed and the cancelled, which are few as well. The statuses stand here in
-- full, or a partial index on them would not be seen.
select t.id from tasks t
 where t.status in ('failed', 'cancelled')
   and t.status = any(%(statuses)s::text[])
   and (%(sop)s::text is null or t.sop_id in (select id from sops where slug = %(sop)s))
   and (%(before)s::uuid is null or t.id < %(before)s::uuid)
 order by t.id desc
 limit %(limit)s;

-- name: of_sop :many
-- The newest of each version of a procedure, by (sop_id, id), and the newest of those.
select t.id from sops v
 cross join lateral (
    select t.id from tasks t
     where t.sop_id = v.id
       and (%(statuses)s::text[] is null or t.status = any(%(statuses)s::text[]))
       and (%(before)s::uuid is null or t.id < %(before)s::uuid)
     order by t.id desc
     limit %(limit)s) t
 where v.slug = %(sop)s
 order by t.id desc
 limit %(limit)s;

-- name: of_subject :many
-- Of one customer, by the CRM's id.
select t.id from tasks t
 where t.subject = %(subject)s
   and (%(before)s::uuid is null or t.id < %(before)s::uuid)
 order by t.id desc
 limit %(limit)s;

-- name: children :many
-- The children of one task, the newest first.
select t.id from tasks t where t.parent_id = %(task_id)s order by t.id desc limit %(limit)s;

-- name: rows :many
select t.id, t.number, t.status, t.subject, t.created_at, t.finished_at, t.error, t.parked_for,
       t.wake_at, t.deadline, t.open_children, t.cancel_requested_at, t.erased_at,
       s.slug as sop, s.name as sop_name, st.name as step_name,
       t.context ->> 'customer_name' as customer_name,
       t.question ->> 'state' as question_state, t.question ->> 'title' as question_title,
       (select sum(e.cost_usd) from task_events e where e.task_id = t.id) as cost_usd
  from tasks t
  join sops s on s.id = t.sop_id
  left join steps st on st.id = t.step_id
 where t.id = any(%(ids)s::uuid[])
 order by t.id desc;
