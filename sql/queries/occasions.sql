-- What became of occasions: see engine/occasions.py.

-- name: of_keys :many
-- The tasks under these keys, locked in one order, and whether the occasion is used up. What
-- is not at its end may yet be sent; what ended well had its say, unless nobody answered. A
-- call that went out or may have counts, and so does one that a person had dropped. Who had an
-- offer lately, and so was not even drafted to, has yet to have a turn. Each look is for one
-- task, so that no planner reads all events for a list.
select t.id, t.dedupe_key,
       called.yes is not null
       or struck_out.yes is not null
       or t.status not in ('completed', 'failed', 'cancelled')
       or coalesce(t.error, '') like 'refused:suppressed%%'
       or t.status = 'completed' and heard.event_type is distinct from 'question_expired'
          and (heard.event_type is not null or too_soon.yes is null) as used
  from tasks t
  left join lateral (
       select true as yes from effects e
        where e.task_id = t.id and e.vendor in ('mail', 'http')
          and (e.state <> 'refused' or e.code in ('unknown', 'dropped'))
        limit 1) called on true
  left join lateral (
       select true as yes from task_events e
        where e.task_id = t.id and e.event_type in ('task_cancelled', 'cancel_requested')
          and e.output_summary = 'struck_out'
        limit 1) struck_out on true
  left join lateral (
       select e.event_type from task_events e
        where e.task_id = t.id and e.event_type in ('human_answered', 'question_expired')
        order by e.seq desc limit 1) heard on true
  left join lateral (
       select true as yes from task_events e
        where e.task_id = t.id and e.event_type = 'step_completed'
          and e.output_summary = 'withheld: contacted_recently'
        limit 1) too_soon on true
 where t.dedupe_key = any(%(keys)s)
 order by t.id
   for no key update of t;

-- name: task_of :one
select id, number from tasks where dedupe_key = %(key)s;
