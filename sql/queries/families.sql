-- name: members :many
-- A task, what it follows from, and what follows from it; locked in one order, so that two
-- who tell the same family wait for each other and do not clash. An item of a for_each is
-- about a customer of its own, so the way up and down ends there.
with recursive up as (
    select id, parent_id, item from tasks where id = %(task_id)s
    union all
    select t.id, t.parent_id, t.item from up join tasks t on t.id = up.parent_id where up.item is null
), family as (
    select id from up
    union
    select t.id from family f join tasks t on t.parent_id = f.id where t.item is null
)
select t.* from tasks t where t.id in (select id from family) order by t.id for no key update of t;

-- name: tell :exec
-- What a customer did becomes known to a task: steps branch on it.
update tasks set context = context || %(known)s where id = %(task_id)s and erased_at is null;

-- name: wake_waiting :exec
-- A wait that a reply ends. It is this step's visit that goes on, so nothing is doubled.
update tasks t set status = 'pending'
  from steps s
 where t.id = %(task_id)s and t.status = 'waiting_on_timer' and t.parked_for is null
   and s.id = t.step_id and s.step_type = 'wait' and s.config::jsonb ? 'unless_replied';

-- name: traffic :one
-- What went to and fro in a day, for this task and its family: mails that went out, or may
-- have, and mails that were put before a person.
with recursive up as (
    select id, parent_id, item from tasks where id = %(task_id)s
    union all
    select t.id, t.parent_id, t.item from up join tasks t on t.id = up.parent_id where up.item is null
), family as (
    select id from up
    union
    select t.id from family f join tasks t on t.parent_id = f.id where t.item is null
)
select (select count(*)::int from effects
         where task_id in (select id from family) and vendor = 'mail' and state <> 'refused'
           and intended_at > now() - interval '1 day') as sent,
       (select count(*)::int from mails
         where task_id in (select id from family) and verdict = 'reply'
           and received_at > engine_now() - interval '1 day') as taken;
