-- name: add :exec
insert into mail_threads (hash, task_id) values (%(hash)s, %(task_id)s) on conflict do nothing;

-- name: task_of :value
-- The newest task that one of these names leads to.
select task_id from mail_threads where hash = any(%(hashes)s) order by created_at desc limit 1;
