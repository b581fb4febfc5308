-- name: accept :one
-- No row means that it has been accepted before.
insert into deliveries (source, dedupe_key, body)
values (%(source)s, %(dedupe_key)s, %(body)s)
on conflict (dedupe_key) do nothing
returning id;

-- name: take :one
-- The oldest open one; whoever holds it has it until its transaction ends.
select id, source, body from deliveries
 where done_at is null and try_at <= now()
 order by try_at
 limit 1
   for update skip locked;

-- name: done :exec
-- What was delivered has become a task or an answer; the body is not kept.
update deliveries set done_at = now(), body = null, error = %(error)s where id = %(delivery_id)s;

-- name: postpone :exec
-- It cannot be acted on now; nothing of it is lost.
update deliveries set error = %(error)s, try_at = now() + interval '5 minutes'
 where id = %(delivery_id)s;

-- name: open :value
select count(*)::int from deliveries where done_at is null;

-- name: prune :exec
delete from deliveries where done_at < now() - interval '30 days';
