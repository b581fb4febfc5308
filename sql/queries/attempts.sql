-- name: take :value
-- One try more. No row where too many came before: then nothing is counted either, so
-- whoever goes on hammering does not push the end away for everybody else.
insert into rate_limits (vendor, key, next_free)
values (%(door)s, %(who)s, now() + make_interval(secs => %(gap)s))
on conflict (vendor, key) do update
   set next_free = greatest(rate_limits.next_free, now()) + make_interval(secs => %(gap)s)
 where greatest(rate_limits.next_free, now()) + make_interval(secs => %(gap)s)
       <= now() + make_interval(secs => %(burst)s * %(gap)s)
returning true;

-- name: wait :value
-- Seconds until the next try is welcome.
select greatest(1, ceil(extract(epoch from
           next_free - now()) + %(gap)s - %(burst)s * %(gap)s))::int
  from rate_limits where vendor = %(door)s and key = %(who)s;

-- name: forget :exec
-- Somebody came in: their tries are over, and so are all that have run out.
delete from rate_limits where vendor = %(door)s and (key = %(who)s or next_free < now());
