-- name: lock :one
select * from effects where key = %(key)s for update;

-- name: hold_task :exec
select id from tasks where id = %(task_id)s for no key update;

-- name: get :one
select * from effects where key = %(key)s;

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

-- name: open_of_visit :one
-- The last call, of one visit to a step, of which nobody knows yet what became of it, and the
-- seconds for which its vendor may still be at it.
select key, vendor, greatest(0, extract(epoch from settle_after - now()))::float8 as wait
  from effects
 where task_id = %(task_id)s and starts_with(key, %(owner)s) and state in ('intended', 'in_doubt')
 order by intended_at desc
 limit 1;

-- name: left_over :many
-- Open, ripe, and their task has ended; the vendor is not at it any more.
select e.key
  from effects e join tasks t on t.id = e.task_id
 where e.state in ('intended', 'in_doubt') and e.settle_after <= now()
   and t.finished_at is not null and e.key not like 'card-%%'
 order by e.intended_at
 limit 100;

-- name: lock_left_over :one
select e.* from effects e join tasks t on t.id = e.task_id
 where e.key = %(key)s and e.state in ('intended', 'in_doubt') and t.finished_at is not null
   for update of e;
