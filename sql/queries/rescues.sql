-- name: in_a_row :many
-- How often each of these has been rescued since anything came of it, where that is often.
-- Waiting to learn what became of a call is nothing that came of it.
select e.task_id, count(*)::int as times
  from task_events e
 where e.task_id = any(%(task_ids)s) and e.event_type = 'task_rescued'
   -- A worker that was told to stop is no dead one.
   and e.output_summary is null
   and e.seq > (select coalesce(max(p.seq), 0) from task_events p
                 where p.task_id = e.task_id and p.event_type = any(%(progress)s)
                   and (p.event_type <> 'task_parked' or p.output_summary not like 'settling:%%'))
 group by e.task_id
having count(*) >= %(least)s;

-- name: suspect :exec
-- What a step remembers by these columns is kept behind the word: that its wait is over, or why
-- its card says that it is held.
update tasks
   set parked_for = case when parked_for is null and wake_at is not null then %(woken)s
                         when parked_for = any(%(holds)s) then %(reason)s || ' ' || parked_for
                         else %(reason)s end
 where id = any(%(task_ids)s) and status = 'pending'
   and (parked_for is null or not starts_with(parked_for, %(reason)s));

-- name: take :one
-- One that was rescued in this transaction: nobody else has seen it as runnable. A place of
-- its agent's limit is taken for it, whether or not there is one, for its end gives one back.
-- Who has cancelled it ends it by the run that it gets.
with t as (
    update tasks
       set status = 'in_progress', run_token = new_id(), step_started_at = now(),
           lease_until = now() + make_interval(secs => %(lease_seconds)s)
     where id = %(task_id)s and status = 'pending' and cancel_requested_at is null
    returning *
), counted as (
    update agents a set running_tasks = a.running_tasks + 1
      from t where a.id = t.agent_id and a.max_concurrent_tasks is not null
)
select t.*, to_jsonb(a) as agent from t join agents a on a.id = t.agent_id;
