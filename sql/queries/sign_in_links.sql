-- name: add :exec
insert into sign_in_links (token_hash, user_id, expires_at)
values (%(token_hash)s, %(user_id)s, now() + %(lifetime)s::interval);

-- name: user_of :value
-- Whose link it is, as long as it may still be used.
select l.user_id
  from sign_in_links l
  join users u on u.id = l.user_id
 where l.token_hash = %(token_hash)s and l.used_at is null and l.expires_at > now()
   and u.disabled_at is null;

-- name: use :value
-- Used once: of two who press at the same time, one gets a row.
update sign_in_links l
   set used_at = now()
  from users u
 where l.token_hash = %(token_hash)s and l.used_at is null and l.expires_at > now()
   and u.id = l.user_id and u.disabled_at is null
returning l.user_id;

-- name: void :exec
-- A user's links that nobody has used.
update sign_in_links set used_at = now() where user_id = %(user_id)s and used_at is null;

-- name: prune :exec
delete from sign_in_links where expires_at < now() - interval '30 days';
