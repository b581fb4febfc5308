-- name: keep :exec
insert into verdicts (question_id, task_id, step_id, draft_step_id, model, confidence, prompt,
                      series, verdict, changed, reason)
values (%(question_id)s, %(task_id)s, %(step_id)s, %(draft_step_id)s, %(model)s, %(confidence)s,
        %(prompt)s, %(series)s, %(verdict)s, %(changed)s, %(reason)s);

-- name: take_back :exec
delete from verdicts where question_id = %(question_id)s;

-- name: tallies :many
-- How the drafts of each series fared.
select series,
       count(*) filter (where verdict = 'unchanged')::int as unchanged,
       count(*) filter (where verdict = 'edited')::int as edited,
       count(*) filter (where verdict = 'refused')::int as refused,
       avg(changed)::float8 as changed
  from verdicts
 where series = any(%(series)s::bytea[])
 group by series;

-- name: reasons :many
-- Why drafts of a series were refused.
select reason, count(*)::int as n
  from verdicts
 where series = %(series)s and verdict = 'refused'
 group by reason
 order by n desc, reason;
