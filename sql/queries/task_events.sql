-- name: append :value
-- The task's row hands out the number, so events of one task have no gap and no double.
with t as (
    update tasks set events = events + 1 where id = %(task_id)s returning id, events, agent_id
)
insert into task_events (
    task_id, seq, agent_id, step_id, event_type, attempt, tier, model, tokens_in, tokens_out,
    tokens_cached, cost_usd, confidence, duration_ms, actor, effect_key, input_summary, output_summary)
select t.id, t.events, t.agent_id, %(step_id)s, %(event_type)s, %(attempt)s, %(tier)s, %(model)s,
       %(tokens_in)s, %(tokens_out)s, %(tokens_cached)s, %(cost_usd)s, %(confidence)s,
       %(duration_ms)s, %(actor)s, %(effect_key)s, %(input_summary)s, %(output_summary)s
  from t
returning seq;

-- name: append_configuration :exec
insert into task_events (
    agent_id, step_id, event_type, attempt, tier, model, tokens_in, tokens_out,
    tokens_cached, cost_usd, confidence, duration_ms, actor, effect_key, input_summary, output_summary)
values (%(agent_id)s, %(step_id)s, %(event_type)s, %(attempt)s, %(tier)s, %(model)s,
       %(tokens_in)s, %(tokens_out)s, %(tokens_cached)s, %(cost_usd)s, %(confidence)s,
       %(duration_ms)s, %(actor)s, %(effect_key)s, %(input_summary)s, %(output_summary)s);

-- name: timeline :many
select e.*, s.key as step_key, s.name as step_name, s.step_type
  from task_events e
  left join steps s on s.id = e.step_id
 where e.task_id = %(task_id)s and e.seq > %(after)s
 order by e.seq;

-- name: cost_since :value
-- What model calls have cost since a moment, in USD.
select coalesce(sum(cost_usd), 0)
  from task_events
 where cost_usd is not null and created_at >= %(since)s;

-- name: steps_since_rest :value
-- How many steps a task has left since a person, a timer or its children last had a say in it.
select count(*)::int from task_events e
 where e.task_id = %(task_id)s and e.event_type in ('step_completed', 'step_failed', 'step_uncertain')
   and e.seq > (select coalesce(max(r.seq), 0) from task_events r
                 where r.task_id = %(task_id)s
                   and (r.event_type in ('human_answered', 'question_expired', 'children_started',
                                         'task_rerun', 'opt_out_taken_back', 'customer_replied')
                        or r.event_type = 'task_parked' and r.output_summary like 'until %%'));
