-- One message for the questions that nobody has answered: see engine/reminders.py.

-- name: lock :value
-- Two who remind at the same time use one message.
select pg_advisory_xact_lock(hashtextextended('reminders', 0))::text;

-- name: current :value
-- The message that is joined: of those that wait on it none was reminded of long ago.
select (question ->> 'reminder')::uuid
  from tasks
 where status in ('waiting_on_human', 'escalated') and question ->> 'reminder' is not null
 group by 1
having min(reminded_at) > engine_now() - make_interval(hours => %(hours)s)
 order by min(reminded_at) desc
 limit 1;

-- name: open :value
insert into cards (kind, channel) values ('reminder', %(channel)s) returning id;

-- name: waiting :many
-- What a message still reminds of; a batch's drafts with their campaign.
select t.number, t.question ->> 'title' as title, t.deadline,
       t.question ->> 'resolves' = 'failure' as stays_open, s.name as sop_name, d.batch_id,
       cs.name as campaign
  from tasks t
  join sops s on s.id = t.sop_id
  left join batch_drafts d on d.question_id = (t.question ->> 'id')::uuid
  left join batches b on b.id = d.batch_id
  left join tasks c on c.id = b.task_id
  left join sops cs on cs.id = c.sop_id
 where t.status in ('waiting_on_human', 'escalated')
   and t.question ->> 'reminder' = %(card_id)s::uuid::text
 order by t.deadline, t.number;
