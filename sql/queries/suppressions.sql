-- name: add :exec
-- The stronger reason stands: who complained and then unsubscribed has complained, and so has
-- who complained after it. A bounce or a complaint ends answers too; a link to unsubscribe
-- cannot be taken back, as a word in a reply can. The last such word is the one that counts.
insert into suppressions (contact_hash, reason, created_at)
values (%(contact_hash)s, %(reason)s, engine_now())
on conflict (contact_hash) do update
   set reason = excluded.reason,
       created_at = case when excluded.reason = 'opted_out' then excluded.created_at
                         else suppressions.created_at end
 where suppressions.reason = 'opted_out'
    or suppressions.reason = 'unsubscribed' and excluded.reason in ('bounced', 'complained');

-- name: lift :exec
-- Only what was said in that very mail: it began in the transaction that took the mail in.
delete from suppressions
 where contact_hash = %(contact_hash)s and reason = 'opted_out' and created_at = %(created_at)s;

-- name: last_task :value
-- Whose marketing mail they got last; a link to unsubscribe names nobody else.
select last_task_id from contacts where contact_hash = %(contact_hash)s;

-- name: get :one
select reason, created_at from suppressions where contact_hash = %(contact_hash)s;
