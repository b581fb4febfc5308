-- Procedures whose tasks may be run, each with the head of its queue. Read by the claim alone
-- and by the claim that comes with a task's end, so that both choose by the same rule. Within
-- one agent, too, a slow procedure with a long queue must not take every thread.
create index tasks_queued on tasks (sop_id, priority desc, queued_at) where status = 'pending';

drop index tasks_runnable;

-- The view `runnable_agents` stays until a later change: a deploy migrates while workers of the
-- release before are still at it, and they claim by that view.

create view runnable_sops as
-- From one procedure with a task waiting to the next: each costs one look at the index,
-- however many tasks wait, and those without any cost nothing.
with recursive queues as (
    (select t.sop_id, t.agent_id, t.priority, t.queued_at from tasks t
      where t.status = 'pending'
      order by t.sop_id, t.priority desc, t.queued_at
      limit 1)
    union all
    select following.* from queues q
     cross join lateral (
        select t.sop_id, t.agent_id, t.priority, t.queued_at from tasks t
         where t.status = 'pending' and t.sop_id > q.sop_id
         order by t.sop_id, t.priority desc, t.queued_at
         limit 1) following
), busy as (
    select t.sop_id, t.agent_id, count(*) as n from tasks t
     where t.status = 'in_progress'
     group by t.sop_id, t.agent_id
)
select q.sop_id, q.agent_id, a.max_concurrent_tasks, a.running_tasks, q.priority, q.queued_at,
       -- Where there is nothing to choose, nothing is counted.
       case when (select count(*) from queues) > 1
            then (select coalesce(sum(n), 0) from busy where busy.agent_id = q.agent_id)
       end as running_of_agent,
       case when (select count(*) from queues) > 1
            then (select coalesce(sum(n), 0) from busy where busy.sop_id = q.sop_id)
       end as running_of_sop
  from queues q join agents a on a.id = q.agent_id
 where a.status = 'active';
