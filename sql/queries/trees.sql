-- The order in which tasks are locked: see engine/trees.py.

-- name: hold_parent :exec
select id from tasks
 where id = (select parent_id from tasks where id = %(task_id)s and joined)
   for update;

-- name: hold :exec
-- The task, the parent that waits for it, and the open children that it waits for, theirs
-- included.
with recursive down as (
    select id from tasks where id = %(task_id)s
    union all
    select t.id from down join tasks t on t.parent_id = down.id
     where t.joined and t.finished_at is null
), tree as (
    select id from down
    union
    select parent_id from tasks where id = %(task_id)s and joined
)
select t.id from tasks t where t.id in (select id from tree) order by t.id for update of t;
