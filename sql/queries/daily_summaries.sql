-- name: last :one
select * from daily_summaries order by day desc limit 1;

-- name: begin :value
-- When the first task was ever started: before that there is nothing to tell.
select created_at from tasks order by id limit 1;

-- name: add :one
-- No row where another worker has told of this day.
with card as (select new_id() as id),
day as (
    select %(day)s::date as day
     where not exists (select from daily_summaries where day = %(day)s)
), made as (
    insert into cards (id, kind, channel) select card.id, 'summary', %(channel)s from card, day
    returning id
)
insert into daily_summaries (day, card_id, since, until)
select day.day, made.id, %(since)s, %(until)s from day, made
on conflict (day) do nothing
returning *;

-- name: of_card :one
select * from daily_summaries where card_id = %(card_id)s;

-- name: procedures :many
-- By procedure: what came in, what ended how, and what the models cost.
with touched as (
    select t.*, s.name as sop_name from tasks t join sops s on s.id = t.sop_id
     where t.created_at <= %(until)s and (t.finished_at is null or t.finished_at > %(since)s)
), paid as (
    select s.name as sop_name, sum(e.cost_usd) as cost_usd
      from task_events e join tasks t on t.id = e.task_id join sops s on s.id = t.sop_id
     where e.cost_usd is not null and e.created_at > %(since)s and e.created_at <= %(until)s
     group by s.name
), counted as (
    select sop_name,
           count(*) filter (where created_at > %(since)s)::int as started,
           count(*) filter (where status = 'completed' and finished_at <= %(until)s)::int as completed,
           count(*) filter (where status = 'failed' and finished_at <= %(until)s)::int as failed,
           count(*) filter (where status = 'cancelled' and finished_at <= %(until)s)::int as cancelled
      from touched group by sop_name
)
select sop_name, coalesce(started, 0) as started, coalesce(completed, 0) as completed,
       coalesce(failed, 0) as failed, coalesce(cancelled, 0) as cancelled,
       coalesce(cost_usd, 0) as cost_usd
  from counted full join paid using (sop_name)
 where coalesce(started, 0) + coalesce(completed, 0) + coalesce(failed, 0) + coalesce(cancelled, 0) > 0
    or cost_usd > 0
 order by sop_name;

-- name: done :one
-- What was sent and what was answered, of the tasks that were alive then.
select count(*) filter (where e.event_type = 'effect_done' and e.effect_key like '%%.send')::int as mails,
       count(*) filter (where e.event_type = 'human_answered')::int as answers
  from tasks t join task_events e on e.task_id = t.id
 where t.created_at <= %(until)s and (t.finished_at is null or t.finished_at > %(since)s)
   and e.created_at > %(since)s and e.created_at <= %(until)s;

-- name: spam :many
-- What was taken for spam, and whether somebody has said since that it is none.
select t.id, t.number, t.erased_at, t.context ->> 'email_subject' as subject,
       coalesce(nullif(t.context ->> 'customer_name', ''), t.context ->> 'customer_email') as sender,
       exists (select from task_events later
                where later.task_id = t.id and later.seq > e.seq
                  and later.event_type = 'task_rerun') as restarted
  from tasks t
  join task_events e on e.task_id = t.id and e.event_type = 'step_completed'
                    and e.output_summary = 'spam'
  join steps st on st.id = e.step_id and st.step_type = 'llm_classify'
 where t.created_at <= %(until)s and (t.finished_at is null or t.finished_at > %(since)s)
   and e.created_at > %(since)s and e.created_at <= %(until)s
 order by t.number;

-- name: spam_step :one
-- The step that took this task for spam; no row once it was run again.
select e.step_id
  from task_events e
  join steps st on st.id = e.step_id and st.step_type = 'llm_classify'
 where e.task_id = %(task_id)s and e.event_type = 'step_completed' and e.output_summary = 'spam'
   and not exists (select from task_events later
                    where later.task_id = e.task_id and later.seq > e.seq
                      and later.event_type = 'task_rerun');

-- name: redraw_of_task :exec
-- A day's summary shows what its tasks held, so it is drawn anew when one changes.
update cards set wanted = wanted + 1, next_try_at = least(next_try_at, now())
 where id in (select d.card_id from daily_summaries d join tasks t on t.id = %(task_id)s
               where t.created_at <= d.until and (t.finished_at is null or t.finished_at > d.since));
