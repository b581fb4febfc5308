-- name: take :value
-- Take the next slot; returns how many seconds away it is. %(gap)s seconds lie between two.
insert into rate_limits (vendor, key, next_free)
values (%(vendor)s, %(key)s, now() + make_interval(secs => %(gap)s))
on conflict (vendor, key) do update
   set next_free = greatest(rate_limits.next_free, now()) + make_interval(secs => %(gap)s)
returning greatest(0, extract(epoch from next_free - now()) - %(gap)s)::float8;

-- name: push :exec
-- The vendor asked everybody to wait.
insert into rate_limits (vendor, key, next_free)
values (%(vendor)s, %(key)s, now() + make_interval(secs => %(seconds)s))
on conflict (vendor, key) do update
   set next_free = greatest(rate_limits.next_free, excluded.next_free);

-- name: wait_for :value
-- Seconds until calls to this vendor are welcome again; 0 where they are.
select coalesce(max(greatest(0, extract(epoch from next_free - now()))), 0)::float8
  from rate_limits where vendor = %(vendor)s and key = %(key)s;

-- name: standing :one
-- Whether a vendor may be called now, asked before every read: both answers at once.
select coalesce((select greatest(0, extract(epoch from next_free - now())) from rate_limits
                  where vendor = %(vendor)s and key = %(key)s), 0)::float8 as paused,
       o.failures, extract(epoch from o.retry_at - now())::float8 as wait
  from (select) one left join outages o on o.vendor = %(vendor)s;

-- name: outage :one
select vendor, since, failures, extract(epoch from retry_at - now())::float8 as wait
  from outages where vendor = %(vendor)s;

-- name: fail :one
-- One more failure in a row; pauses double from 2 s up to 15 min.
insert into outages (vendor, retry_at) values (%(vendor)s, now() + interval '2 s')
on conflict (vendor) do update
   set failures = outages.failures + 1,
       retry_at = now() + least(interval '15 min', interval '2 s' * (2 ^ least(outages.failures, 9)))
returning vendor, since, failures, extract(epoch from retry_at - now())::float8 as wait,
          failures = 1 as began;

-- name: recover :one
delete from outages where vendor = %(vendor)s returning since, failures;
