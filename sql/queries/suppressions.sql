-- name: add :exec
-- The first reason stands: who complained and then unsubscribed has complained.
insert into suppressions (contact_hash, reason) values (%(contact_hash)s, %(reason)s)
on conflict (contact_hash) do nothing;

-- name: last_task :value
-- Whose marketing mail they got last; a link to unsubscribe names nobody else.
select last_task_id from contacts where contact_hash = %(contact_hash)s;

-- name: reason :value
select reason from suppressions where contact_hash = %(contact_hash)s;
