-- name: add :exec
-- The first reason stands: who complained and then unsubscribed has complained.
insert into suppressions (contact_hash, reason) values (%(contact_hash)s, %(reason)s)
on conflict (contact_hash) do nothing;
