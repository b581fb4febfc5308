-- Agents whose tasks may be run, each with the head of its queue. Read by the claim alone
-- and by the claim that comes with a task's end, so that both choose by the same rule.
create view runnable_agents as
select a.id, a.max_concurrent_tasks, a.running_tasks, head.priority, head.queued_at,
       (select count(*) from tasks r where r.agent_id = a.id and r.status = 'in_progress') as running
  from agents a
 cross join lateral (
    select t.priority, t.queued_at from tasks t
     where t.agent_id = a.id and t.status = 'pending'
     order by t.priority desc, t.queued_at
     limit 1) head
 where a.status = 'active';
