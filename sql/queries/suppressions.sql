-- name: add :exec
-- The stronger reason stands: who complained and then unsubscribed has complained, and so has
-- who complained after it. A bounce or a complaint ends answers too.
insert into suppressions (contact_hash, reason, created_at)
values (%(contact_hash)s, %(reason)s, engine_now())
on conflict (contact_hash) do update set reason = excluded.reason
 where suppressions.reason in ('unsubscribed', 'opted_out')
   and excluded.reason in ('bounced', 'complained');

-- name: last_task :value
-- Whose marketing mail they got last; a link to unsubscribe names nobody else.
select last_task_id from contacts where contact_hash = %(contact_hash)s;

-- name: get :one
select reason, created_at from suppressions where contact_hash = %(contact_hash)s;
