-- name: of_children :one
-- What became of a task's joined children, and of their follow-ups: from events and effects,
-- which erasure leaves alone. sent, struck_out, withheld, passed_over, failed, cancelled and
-- open add up to total; the others count customers among them.
with child as (
    select c.id, c.status,
           exists (select from effects e
                    where e.task_id = c.id and e.vendor = 'mail' and e.state = 'done') as sent,
           exists (select from task_events e
                    where e.task_id = c.id
                      and (e.event_type = 'step_failed'
                           and (e.output_summary like 'refused:suppressed%%'
                                or e.output_summary = 'refused:contacted_recently')
                           or e.event_type = 'step_completed'
                           and e.output_summary like 'withheld: %%')) as withheld,
           (select e.output_summary from task_events e
             where e.task_id = c.id and e.event_type in ('human_answered', 'answer_undone')
             order by e.seq desc limit 1) as answer
      from tasks c
     where c.parent_id = %(task_id)s and c.joined
), family as (
    select id as child_id, id as task_id from child
    union all
    select c.id, t.id from child c join tasks t on t.parent_id = c.id and not t.joined
), happened as (
    select f.child_id,
           bool_or(e.event_type = 'customer_replied') as replied,
           bool_or(e.event_type = 'mail_bounced') as bounced,
           bool_or(e.event_type = 'mail_complained') as complained,
           bool_or(e.event_type = 'customer_opted_out') as opted_out
      from family f join task_events e on e.task_id = f.task_id
     group by f.child_id
)
select count(*)::int as total,
       count(*) filter (where c.sent)::int as sent,
       count(*) filter (where c.sent and c.answer like '%%(edited)')::int as edited,
       count(*) filter (where not c.sent and not c.withheld and c.status = 'completed'
                          and c.answer is not null)::int as struck_out,
       count(*) filter (where not c.sent and not c.withheld and c.status = 'completed'
                          and c.answer is null)::int as passed_over,
       count(*) filter (where not c.sent and c.withheld and c.status in ('completed', 'failed'))::int
           as withheld,
       count(*) filter (where not c.sent and not c.withheld and c.status = 'failed')::int as failed,
       count(*) filter (where not c.sent and c.status = 'cancelled')::int as cancelled,
       count(*) filter (where not c.sent and c.status not in ('completed', 'failed', 'cancelled'))::int
           as open,
       count(*) filter (where h.replied)::int as replied,
       count(*) filter (where h.bounced)::int as bounced,
       count(*) filter (where h.complained)::int as complained,
       count(*) filter (where h.opted_out)::int as opted_out,
       (select count(distinct f.child_id)::int
          from family f join effects e on e.task_id = f.task_id
         where f.task_id <> f.child_id and e.vendor = 'mail' and e.state = 'done') as followed_up
  from child c
  left join happened h on h.child_id = c.id;
