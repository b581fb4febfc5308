-- name: add :one
-- No row where the e-mail address or the Slack id belongs to another user.
insert into users (email, name, role, password_hash, slack_user_id)
values (%(email)s, %(name)s, %(role)s, %(password_hash)s, %(slack_user_id)s)
on conflict do nothing
returning *;

-- name: get :one
select * from users where id = %(user_id)s;

-- name: by_email :one
select * from users where lower(email) = lower(%(email)s);

-- name: by_slack :one
select * from users where slack_user_id = %(slack_user_id)s and disabled_at is null;

-- name: known_by_slack :value
select id from users where slack_user_id = %(slack_user_id)s;

-- name: list :many
select * from users order by disabled_at is not null, lower(name), lower(email);

-- name: lock_admins :many
-- Those who may change things, held so that two who remove each other take turns.
select id from users where role = 'admin' and disabled_at is null order by id for update;

-- name: set_role :exec
update users set role = %(role)s where id = %(user_id)s and role <> %(role)s;

-- name: set_password :exec
update users set password_hash = %(password_hash)s where id = %(user_id)s;

-- name: set_slack_user_id :exec
update users set slack_user_id = %(slack_user_id)s
 where id = %(user_id)s and slack_user_id is distinct from %(slack_user_id)s
   and not exists (select from users other
                    where other.slack_user_id = %(slack_user_id)s and other.id <> %(user_id)s);

-- name: set_theme :exec
update users set theme = %(theme)s where id = %(user_id)s;

-- name: set_away :exec
update users set away_until = %(until)s where id = %(user_id)s;

-- name: disable :exec
update users set disabled_at = now() where id = %(user_id)s and disabled_at is null;

-- name: enable :exec
update users set disabled_at = null where id = %(user_id)s and disabled_at is not null;
