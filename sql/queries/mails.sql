-- name: keep :one
-- No row means that this mail has been taken in before.
insert into mails (dedupe_key, source, verdict, raw)
values (%(dedupe_key)s, %(source)s, %(verdict)s, %(raw)s)
on conflict (dedupe_key) do nothing
returning id;

-- name: belongs_to :exec
update mails set task_id = %(task_id)s
 where id = %(mail_id)s
   and exists (select from tasks where id = %(task_id)s and erased_at is null);

-- name: erase_of_task :exec
update mails set raw = null, erased_at = engine_now() where task_id = %(task_id)s and erased_at is null;

-- name: erase_taskless :exec
-- Auto-replies and the like belong to no task, or came as their task was being erased: kept
-- for the same grace period.
update mails set raw = null, erased_at = engine_now()
 where erased_at is null
   and (task_id is null or (select t.erased_at is not null from tasks t where t.id = mails.task_id))
   and received_at <= engine_now() - make_interval(days => %(days)s);

-- name: of_task :many
select id, source, received_at, erased_at, octet_length(raw) as size from mails where task_id = %(task_id)s;

-- name: raw :value
select raw from mails where id = %(mail_id)s;
