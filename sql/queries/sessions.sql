-- name: begin :exec
insert into sessions (token_hash, user_id, device, expires_at)
values (%(token_hash)s, %(user_id)s, %(device)s, now() + %(longest)s::interval);

-- name: user_of :one
-- Whose token it is; `stale` says that last_seen_at is worth writing.
select s.user_id, s.last_seen_at < now() - interval '1 minute' as stale
  from sessions s
  join users u on u.id = s.user_id
 where s.token_hash = %(token_hash)s
   and s.revoked_at is null
   and s.expires_at > now()
   and s.last_seen_at > now() - %(idle)s::interval
   and u.disabled_at is null;

-- name: seen :exec
update sessions set last_seen_at = now() where token_hash = %(token_hash)s;

-- name: revoke :exec
update sessions set revoked_at = now()
 where token_hash = %(token_hash)s and user_id = %(user_id)s and revoked_at is null;

-- name: revoke_all :exec
-- Every one of a user, or all but the one that is speaking.
update sessions set revoked_at = now()
 where user_id = %(user_id)s and revoked_at is null
   and token_hash is distinct from %(but)s::bytea;

-- name: of_user :many
select token_hash, device, created_at, last_seen_at, expires_at
  from sessions
 where user_id = %(user_id)s
   and revoked_at is null
   and expires_at > now()
   and last_seen_at > now() - %(idle)s::interval
 order by last_seen_at desc;

-- name: prune :exec
delete from sessions
 where coalesce(revoked_at, least(expires_at, last_seen_at + %(idle)s::interval))
       < now() - interval '30 days';
