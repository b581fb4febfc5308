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

-- name: address_of :value
-- Where a task writes to, as far as it knows by now.
select case when jsonb_typeof(context -> 'draft_mail') = 'object' then context #>> '{draft_mail,to}'
            else context ->> 'customer_email' end
  from tasks where id = %(task_id)s;

-- name: get :one
select reason, created_at from suppressions where contact_hash = %(contact_hash)s;

-- name: remove :exec
-- An owner lifts what stands there, and not what has come in its place meanwhile.
delete from suppressions where contact_hash = %(contact_hash)s and reason = %(reason)s;

-- name: tellers :many
-- The procedures that have ever told a CRM of an opt-out, in whatever version.
select distinct slug from sops
 where trigger_config::jsonb -> 'events' ? 'stop_writing' order by slug;

-- name: told :many
select id from tasks where dedupe_key = any(%(keys)s) order by id;

-- name: forget_told :exec
update tasks set dedupe_key = null where dedupe_key = any(%(keys)s);
