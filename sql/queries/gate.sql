-- What may hold an effect back, and the contact rule: see engine/gate.py.

-- name: task :one
-- Everything that may hold an effect of a task back, locked so that none of it changes
-- between this look and the intent's commit; and for how long the task has been due.
select t.run_token, t.status, t.cancel_requested_at, a.status as agent_status,
       extract(epoch from engine_now() - t.wake_at)::float8 as overdue
  from tasks t
  join agents a on a.id = t.agent_id
 where t.id = %(task_id)s
   for no key update of t
   for share of a;

-- name: now :value
select engine_now();

-- name: away_until :value
-- Until when marketing waits, because somebody is away.
select max(away_until) from users
 where role = 'admin' and disabled_at is null and away_until > engine_now();

-- name: suppressed :one
-- Why nobody writes to this contact any more, and whether that was so before the task began,
-- or began with it: a reply that says "stop" may be answered, too.
select s.reason, s.reason in ('unsubscribed', 'opted_out') as opted_out,
       coalesce(t.created_at >= s.created_at, false) as before
  from suppressions s
  left join tasks t on t.id = %(task_id)s
 where s.contact_hash = %(contact_hash)s;

-- name: lock_contact :exec
insert into contacts (contact_hash) values (%(contact_hash)s)
on conflict (contact_hash) do update set contact_hash = excluded.contact_hash;

-- name: contact :one
-- How it stands with a contact's marketing mail, for this task. No row: there never was one.
select -- This very mail tried again, or one in place of what never left; another one of the same
       -- task is a second mail like any other.
       coalesce(c.last_task_id = %(task_id)s
                and (exists (select from effects where key = %(key)s)
                     or not exists (select from effects e
                                     where e.task_id = %(task_id)s and e.vendor = 'mail'
                                       and e.state <> 'refused')),
                false) as same_mail,
       -- A follow-up belongs to the contact that it follows up: one, and some days later.
       coalesce(c.last_task_id = (select parent_id from tasks where id = %(task_id)s)
                and not c.followed_up
                and c.last_marketing_at + make_interval(days => %(follow_up_days)s) <= engine_now(),
                false) as follows_up,
       -- An offer of another task that the vendor refused has reached nobody. A follow-up that
       -- was refused has a mail before it that did not: so long the gap counts from there on.
       coalesce(c.last_marketing_at + make_interval(days => %(days)s) > engine_now(), false)
       and (c.followed_up or went.yes is not null) as recent
  from contacts c
  left join lateral (
       select true as yes from effects e
        where e.task_id = c.last_task_id and e.vendor = 'mail'
          and (e.state <> 'refused' or e.code = 'unknown')
        limit 1) went on true
 where c.contact_hash = %(contact_hash)s;

-- name: contacted :exec
update contacts
   set last_marketing_at = engine_now(), last_task_id = %(task_id)s,
       -- Tried again, a follow-up is still one.
       followed_up = %(follows_up)s or (followed_up and last_task_id = %(task_id)s)
 where contact_hash = %(contact_hash)s;
