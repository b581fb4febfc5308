-- name: known :value
select print from hash_keys;

-- name: keep :exec
insert into hash_keys (print) values (%(print)s) on conflict do nothing;

-- name: replace :exec
update hash_keys set print = %(print)s, since = now();
