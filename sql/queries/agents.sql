-- name: get :one
select * from agents where id = %(agent_id)s;

-- name: get_by_slug :one
select * from agents where slug = %(slug)s;

-- name: list :many
select * from agents order by slug;

-- name: upsert :one
-- From a file: what the owner has set by hand since (status, interval, limit) is kept.
insert into agents (slug, name, description, slack_channel, icon, loop_interval_minutes,
                    capabilities, max_concurrent_tasks, essential)
values (%(slug)s, %(name)s, %(description)s, %(slack_channel)s, %(icon)s,
        %(loop_interval_minutes)s, %(capabilities)s, %(max_concurrent_tasks)s, %(essential)s)
on conflict (slug) do update
   set name = excluded.name, description = excluded.description,
       slack_channel = excluded.slack_channel, icon = excluded.icon,
       capabilities = excluded.capabilities, essential = excluded.essential,
       updated_at = now()
returning *;

-- name: set_status :one
update agents set status = %(status)s, updated_at = now()
 where slug = %(slug)s and status <> %(status)s
returning *;

-- name: set_limit :one
-- What runs already is counted from now on; the next recount puts right what began meanwhile.
update agents a
   set max_concurrent_tasks = %(limit)s, updated_at = now(),
       running_tasks = (select count(*) from tasks t where t.agent_id = a.id and t.status = 'in_progress')
 where a.slug = %(slug)s and a.max_concurrent_tasks is distinct from %(limit)s
returning id;

-- name: pause_nonessential :many
update agents set status = 'paused', updated_at = now()
 where not essential and status = 'active'
returning slug;
