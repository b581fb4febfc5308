-- name: start :one
-- No row means that the occasion has had its task already.
insert into tasks (sop_id, agent_id, status, context, subject, priority, dedupe_key,
                   parent_id, joined, item, wake_at, slack_channel, slack_thread_ts, step_id, visit)
select s.id, s.agent_id,
       case when %(wake_at)s::timestamptz is null then 'pending' else 'waiting_on_timer' end,
       %(context)s, %(subject)s, %(priority)s, %(dedupe_key)s, %(parent_id)s, %(joined)s, %(item)s,
       %(wake_at)s::timestamptz, %(slack_channel)s, %(slack_thread_ts)s,
       -- One that starts later stands at no step yet: being woken then is its beginning, and
       -- not the end of a first step that waits.
       case when %(wake_at)s::timestamptz is null
            then (select id from steps where sop_id = s.id and position = 1) end, 1
  from sops s
 where s.id = %(sop_id)s
on conflict (dedupe_key) do nothing
returning *;

-- name: get :one
select * from tasks where id = %(task_id)s;

-- name: get_by_number :one
select * from tasks where number = %(number)s;

-- name: get_by_token :one
select * from tasks where wait_token = %(token)s;

-- name: lock :one
-- Not the weaker "for no key update": what changes the wait token, a unique column, needs all
-- of it, and would meet a transaction half way that has appended to the task.
select * from tasks where id = %(task_id)s for update;

-- name: lock_by_token :one
select * from tasks where wait_token = %(token)s for update;

-- name: claim :many
-- The best runnable task whose agent has room. First the procedure, by the head of its queue,
-- so that a thousand tasks of a full or paused agent are not walked through. Where the heads of
-- several are equally urgent, that of the agent that has fewest running, and of its procedures
-- the one that has fewest: otherwise one slow procedure with a long queue would take every
-- thread for hours. Where all that wait there are being taken by others, the next procedure.
-- Up to %(room)s are taken at once, but only where that passes nobody over: where no other procedure
-- waits, of an agent without a limit, and only such as nobody has parked.
with best as (
    select t.id, sop.sop_id, sop.agent_id, sop.max_concurrent_tasks,
           sop.running_of_sop is null and sop.max_concurrent_tasks is null
             and t.parked_for is null as alone
      from (select sop_id, agent_id, max_concurrent_tasks, running_of_sop from runnable_sops
             where max_concurrent_tasks is null or running_tasks < max_concurrent_tasks
             order by priority desc, running_of_agent, running_of_sop, queued_at) sop
     cross join lateral (
        -- Only so is the index walked in order, and only to its first row that is free.
        select t.id, t.parked_for from tasks t
         where t.sop_id = sop.sop_id and t.status = 'pending'
         order by t.priority desc, t.queued_at
         limit 1
           for update of t skip locked) t
     limit 1
), others as (
    select t.id from best cross join lateral (
        select t.id from tasks t
         where t.sop_id = best.sop_id and t.status = 'pending' and t.parked_for is null
           and t.id <> best.id
         order by t.priority desc, t.queued_at
         limit case when best.alone then %(room)s::int - 1 else 0 end
           for update of t skip locked) t
), counted as (
    update agents a set running_tasks = a.running_tasks + 1
      from best
     where a.id = best.agent_id and best.max_concurrent_tasks is not null
       and a.running_tasks < a.max_concurrent_tasks
    returning a.id
)
update tasks t
   set status = 'in_progress', run_token = new_id(), step_started_at = now(),
       lease_until = now() + make_interval(secs => %(lease_seconds)s),
       started_at = coalesce(t.started_at, engine_now())
  from (select id from best where max_concurrent_tasks is null or exists (select from counted)
        union all select id from others
        -- By this the planner knows that they are few, and looks each of them up.
        limit 10) taken
 where t.id = taken.id
returning t.*, (select to_jsonb(a) from agents a where a.id = t.agent_id) as agent;

-- name: advance :many
-- What `record` does for runs that go on to their next steps with one event each, which is most
-- of what is ever recorded: for several at once a third of the server's work, and a commit
-- instead of several. Whose row somebody holds is not waited for. The ids of those that are
-- written; whose is not among them has lost its run, or is left to `record`.
with given as (
    select * from jsonb_to_recordset(%(facts)s::jsonb) as given (
           task_id uuid, run_token uuid, next_step_id uuid, visit int, output jsonb, question jsonb,
           subject text, step_id uuid, event_type text, attempt int, tier smallint, confidence real,
           duration_ms int, output_summary text)
     -- See `claim`. A number that changed would have it plan anew every time.
     limit 10
), free as (
    select given.* from given cross join lateral (
        select from tasks t
         where t.id = given.task_id and t.run_token = given.run_token and t.status = 'in_progress'
           for update skip locked) t
), moved as (
    update tasks t
       set context = case when free.output is null then t.context else t.context || free.output end,
           step_id = free.next_step_id, visit = free.visit, attempt = 0, tier = null, wake_at = null,
           parked_for = null, wait_token = null, question = coalesce(free.question, t.question),
           deadline = null, reminded_at = null, subject = coalesce(free.subject, t.subject),
           error = null, step_started_at = now(), events = t.events + 1
      from free
     where t.id = free.task_id
    returning t.id, t.agent_id, t.events, t.cancel_requested_at, free.step_id, free.event_type,
              free.attempt, free.tier, free.confidence, free.duration_ms, free.output_summary
), logged as (
    insert into task_events (
        task_id, seq, agent_id, step_id, event_type, attempt, tier, confidence, duration_ms,
        output_summary)
    select id, events, agent_id, step_id, event_type, attempt, tier, confidence, duration_ms,
           output_summary
      from moved
)
select id, cancel_requested_at from moved;

-- name: complete :many
-- What `record` does for tasks that are done, and `claim` with it, as many as were ended: under
-- load a statement and a commit less for each. Where the best one is of an agent that counts its
-- running tasks, nothing is claimed, for one statement cannot change the same agent twice; nor
-- where it was parked, for it may have to be run alone: both are left to `claim`. Each row says
-- in `done` which tasks have ended, as `advance` does, and is one that was claimed; or its id is
-- null.
with given as (
    select * from jsonb_to_recordset(%(facts)s::jsonb) as given (
           task_id uuid, run_token uuid, visit int, output jsonb, question jsonb, subject text,
           step_id uuid, event_type text, attempt int, tier smallint, confidence real,
           duration_ms int, output_summary text)
     limit 10
), free as (
    select given.* from given cross join lateral (
        select from tasks t
         where t.id = given.task_id and t.run_token = given.run_token and t.status = 'in_progress'
           for update skip locked) t
), done as (
    update tasks t
       set context = case when free.output is null then t.context else t.context || free.output end,
           status = 'completed', step_id = free.step_id, visit = free.visit, attempt = 0,
           tier = null, wake_at = null, parked_for = null, wait_token = null,
           question = coalesce(free.question, t.question), deadline = null, reminded_at = null,
           subject = coalesce(free.subject, t.subject), error = null, run_token = null,
           lease_until = null, step_started_at = null, finished_at = engine_now(),
           events = t.events + 2
      from free
     where t.id = free.task_id
    returning t.id, t.agent_id, t.events, free.step_id, free.event_type, free.attempt, free.tier,
              free.confidence, free.duration_ms, free.output_summary
), logged as (
    insert into task_events (
        task_id, seq, agent_id, step_id, event_type, attempt, tier, confidence, duration_ms,
        output_summary)
    select id, events - 1, agent_id, step_id, event_type, attempt, tier, confidence, duration_ms,
           output_summary
      from done
     union all
    select id, events, agent_id, null, 'task_completed', null, null, null, null, null
      from done
), best as (
    select t.id, sop.sop_id, sop.running_of_sop is null as alone,
           sop.max_concurrent_tasks is null and t.parked_for is null as free
      from (select sop_id, max_concurrent_tasks, running_of_sop from runnable_sops
             where (max_concurrent_tasks is null or running_tasks < max_concurrent_tasks)
               and %(onwards)s::boolean and exists (select from done)
             order by priority desc, running_of_agent, running_of_sop, queued_at) sop
     cross join lateral (
        select t.id, t.parked_for from tasks t
         where t.sop_id = sop.sop_id and t.status = 'pending'
         order by t.priority desc, t.queued_at
         limit 1
           for update of t skip locked) t
     limit 1
), others as (
    select t.id from best cross join lateral (
        select t.id from tasks t
         where t.sop_id = best.sop_id and t.status = 'pending' and t.parked_for is null
           and t.id <> best.id
         order by t.priority desc, t.queued_at
         limit case when best.free and best.alone then (select count(*) from done) - 1 else 0 end
           for update of t skip locked) t
), claimed as (
    update tasks t
       set status = 'in_progress', run_token = new_id(), step_started_at = now(),
           lease_until = now() + make_interval(secs => %(lease_seconds)s),
           started_at = coalesce(t.started_at, engine_now())
      from (select id from best where free
            union all select id from others
            limit 10) taken
     where t.id = taken.id
    returning t.*, (select to_jsonb(a) from agents a where a.id = t.agent_id) as agent
)
select (select array_agg(id) from done) as done, claimed.*
  from (select) one left join claimed on true;

-- name: record :one
-- The step's events, what it put out, and where the task stands now: one statement, one
-- commit. No row means that the run was lost: another worker has the task; or that the task
-- was cancelled and must not come to rest.
with t as (
    update tasks
       set context = case when %(output)s::jsonb is null then context else context || %(output)s::jsonb end,
           status = %(status)s,
           step_id = %(step_id)s,
           visit = %(visit)s,
           attempt = %(attempt)s,
           tier = %(tier)s,
           wake_at = %(wake_at)s,
           parked_for = %(parked_for)s,
           wait_token = %(wait_token)s,
           question = coalesce(%(question)s::jsonb, question),
           deadline = %(deadline)s,
           reminded_at = null,
           open_children = open_children + %(children)s,
           subject = coalesce(%(subject)s, subject),
           error = %(error)s,
           queued_at = case when %(yields)s then clock_timestamp() else queued_at end,
           run_token = case when %(status)s = 'in_progress' then run_token end,
           lease_until = case when %(status)s = 'in_progress' then lease_until end,
           step_started_at = case when %(status)s = 'in_progress' then now() end,
           finished_at = case when %(status)s in ('completed', 'failed', 'cancelled') then engine_now() end,
           events = events + %(count)s
     where id = %(task_id)s and run_token = %(run_token)s and status = 'in_progress'
       -- The keeper gives up a step whose thread has just written that it went on.
       and visit = %(at_visit)s
       and not (%(unless_cancelled)s::boolean and cancel_requested_at is not null)
    returning id, agent_id, events, status, parent_id, joined, cancel_requested_at, open_children
), released as (
    update agents a set running_tasks = a.running_tasks - 1
      from t
     where a.id = t.agent_id and t.status <> 'in_progress'
       and a.max_concurrent_tasks is not null and a.running_tasks > 0
), logged as (
    insert into task_events (
        task_id, seq, agent_id, step_id, event_type, attempt, tier, model, tokens_in, tokens_out,
        tokens_cached, cost_usd, confidence, duration_ms, actor, effect_key, input_summary, output_summary)
    select t.id, t.events - %(count)s + e.n, t.agent_id, e.step_id, e.event_type, e.attempt, e.tier,
           e.model, e.tokens_in, e.tokens_out, e.tokens_cached, e.cost_usd, e.confidence,
           e.duration_ms, e.actor, e.effect_key, e.input_summary, e.output_summary
      from t, jsonb_to_recordset(%(events)s::jsonb) as e (
           n int, step_id uuid, event_type text, attempt int, tier smallint, model text, tokens_in int,
           tokens_out int, tokens_cached int, cost_usd numeric, confidence real, duration_ms int,
           actor text, effect_key text, input_summary text, output_summary text)
)
select * from t;

-- name: keep_reply :one
-- A model's reply and what it cost, stored before the reply is used.
with t as (
    update tasks set context = context || %(output)s::jsonb, events = events + 1
     where id = %(task_id)s and run_token = %(run_token)s and status = 'in_progress'
    returning id, agent_id, events
), logged as (
    insert into task_events (
        task_id, seq, agent_id, step_id, event_type, attempt, tier, model, tokens_in, tokens_out,
        tokens_cached, cost_usd, confidence, duration_ms, actor, effect_key, input_summary, output_summary)
    select t.id, t.events, t.agent_id, %(step_id)s, %(event_type)s, %(attempt)s, %(tier)s, %(model)s,
           %(tokens_in)s, %(tokens_out)s, %(tokens_cached)s, %(cost_usd)s, %(confidence)s,
           %(duration_ms)s, %(actor)s, %(effect_key)s, %(input_summary)s, %(output_summary)s
      from t
)
select id from t;

-- name: renew :many
-- The runs that are still ours. A step past its deadline is not renewed by the caller; what was
-- handed over is the next worker's.
update tasks set lease_until = now() + make_interval(secs => %(lease_seconds)s)
 where run_token = any(%(tokens)s) and status = 'in_progress' and lease_until <> 'epoch'
returning run_token;

-- name: hand_over :exec
-- What a worker that stops has not brought to an end is the next one's at once. A lease that
-- ran out so long ago is nobody's death; `rescue` says so.
update tasks set lease_until = 'epoch'
 where run_token = any(%(tokens)s) and status = 'in_progress';

-- name: wake_due :many
-- Timers that have run out; the task becomes runnable.
with due as (
    select id from tasks
     where status = 'waiting_on_timer' and wake_at <= engine_now()
     order by wake_at
     limit 500
       for update skip locked
)
update tasks t set status = 'pending'
  from due where t.id = due.id
returning t.id;

-- name: wake_settled :exec
-- What became of a call is known before its time.
update tasks set status = 'pending'
 where id = %(task_id)s and status = 'waiting_on_timer' and parked_for like 'settling:%%';

-- name: rescue :many
-- What a dead worker left: the lease has run out, so the run token is void from here on.
with lost as (
    select t.id, t.agent_id, t.lease_until = 'epoch' as handed_over from tasks t
     where t.status = 'in_progress' and t.lease_until < now()
     limit 500
       for update skip locked
), counted as (
    -- In one order, for another worker may be rescuing other tasks of the same agents.
    select a.id from agents a
     where a.id in (select agent_id from lost) and a.max_concurrent_tasks is not null
     order by a.id
       for update
), released as (
    update agents a set running_tasks = greatest(0, a.running_tasks - l.n)
      from (select agent_id, count(*)::int as n from lost group by agent_id) l, counted c
     where a.id = l.agent_id and a.id = c.id
), t as (
    update tasks t
       set status = 'pending', run_token = null, lease_until = null, step_started_at = null,
           events = t.events + 1
      from lost where t.id = lost.id
    returning t.id, t.events, t.agent_id, t.step_id, t.attempt, lost.handed_over
)
insert into task_events (task_id, seq, agent_id, step_id, event_type, attempt, output_summary)
select id, events, agent_id, step_id, 'task_rescued', attempt, case when handed_over then 'handed_over' end
  from t
returning task_id;

-- name: next_due :value
-- Seconds until the next timer runs out.
select extract(epoch from min(wake_at) - engine_now())::float8
  from tasks where status = 'waiting_on_timer';

-- name: silent :many
-- Questions whose deadline has passed.
select * from tasks
 where status in ('waiting_on_human', 'escalated') and deadline <= engine_now()
 order by deadline
 limit 100
   for update skip locked;

-- name: remind :exec
update tasks set reminded_at = engine_now() where id = %(task_id)s;

-- name: set_deadline :exec
update tasks set deadline = %(deadline)s, question = %(question)s where id = %(task_id)s;

-- name: with_deadline :many
-- Open questions that somebody must answer in time.
select * from tasks
 where status in ('waiting_on_human', 'escalated') and deadline is not null
 order by id
   for no key update;

-- name: set_question :exec
-- The question changed; the task goes on, waits, or is asked again.
update tasks
   set question = %(question)s, wait_token = %(token)s, status = %(status)s, deadline = %(deadline)s,
       parked_for = null,
       wake_at = case when %(wake_seconds)s::float8 is not null
                      then engine_now() + make_interval(secs => %(wake_seconds)s) end
 where id = %(task_id)s;

-- name: set_question_text :exec
-- What the card says changed (somebody is editing), and nothing else.
update tasks set question = %(question)s where id = %(task_id)s;

-- name: request_cancel :exec
update tasks set cancel_requested_at = engine_now() where id = %(task_id)s;

-- name: keep_reason :exec
update tasks set context = context || %(reason)s where id = %(task_id)s;

-- name: finish :exec
-- End a task that nobody is running.
update tasks
   set status = %(status)s, finished_at = engine_now(), wake_at = null, wait_token = null,
       deadline = null, parked_for = null, error = %(error)s, question = coalesce(%(question)s, question)
 where id = %(task_id)s;

-- name: reposition :one
-- A person sends the task to a step again: a new visit, so new effects, where `fresh`.
update tasks
   set status = 'pending', step_id = %(step_id)s, visit = visit + %(fresh)s::boolean::int, attempt = 0, tier = null,
       wake_at = null, parked_for = null, wait_token = null, deadline = null, error = null,
       finished_at = null, cancel_requested_at = null
 where id = %(task_id)s
   and exists (select from steps where id = %(step_id)s and sop_id = tasks.sop_id)
returning id;

-- name: child_ended :one
-- One child fewer; at zero the parent becomes runnable. In the child's own transaction.
update tasks
   set open_children = open_children - 1,
       status = case when open_children = 1 and status = 'waiting_on_timer' and wake_at is null
                     then 'pending' else status end
 where id = %(task_id)s and open_children > 0
returning id, open_children, status;

-- name: child_reopened :exec
-- A child that had ended is run again: a parent that still waits, waits for it too.
update tasks set open_children = open_children + 1
 where id = %(task_id)s and open_children > 0 and status = 'waiting_on_timer';

-- name: release_children :exec
-- Children of an earlier round are not counted with those of a new one.
update tasks set joined = false where parent_id = %(task_id)s and joined;

-- name: tally :many
select status, count(*)::int as n from tasks
 where parent_id = %(task_id)s and joined
 group by status;

-- name: open_children_of :many
select id from tasks where parent_id = %(task_id)s and joined and finished_at is null order by id;

-- name: set_thread :exec
update tasks set slack_channel = %(channel)s, slack_thread_ts = %(ts)s
 where id = %(task_id)s and slack_thread_ts is null;

-- name: close_thread :exec
update tasks set slack_channel = null, slack_thread_ts = null where id = %(task_id)s;

-- name: set_subject :exec
update tasks set subject = %(subject)s where id = %(task_id)s;

-- name: erasable :many
-- Not before it is known what became of its calls. A card's own post is tried for ever, and what
-- it shows is drawn from the task: erased, it shows nothing.
select id, number from tasks
 where erased_at is null and finished_at is not null
   and finished_at <= engine_now() - make_interval(days => %(days)s)
   and not exists (
        select from effects e
         where e.task_id = tasks.id and e.state in ('intended', 'in_doubt')
           and e.key not like 'card-%%')
 order by finished_at
 limit 100
   for update skip locked;

-- name: erase :exec
update tasks
   set context = coalesce((
           select jsonb_object_agg(key, value) from jsonb_each(context)
            where not (key like 'customer\_%%' or key like 'email\_%%' or key like 'draft\_%%')), '{}'),
       question = null, wait_token = null, erased_at = engine_now()
 where id = %(task_id)s;

-- name: lock_counted_agents :many
select id from agents where max_concurrent_tasks is not null order by id for update;

-- name: recount_running :exec
-- Put the counters right where a limit was lifted and set again meanwhile.
update agents a
   set running_tasks = n.running
  from (select a2.id, count(t.id)::int as running
          from agents a2
          left join tasks t on t.agent_id = a2.id and t.status = 'in_progress'
         where a2.max_concurrent_tasks is not null
         group by a2.id) n
 where a.id = n.id and a.running_tasks <> n.running;

-- name: page :many
-- Newest first, by key.
select t.id, t.number, t.status, t.subject, t.priority, t.created_at, t.finished_at, t.error,
       t.parked_for, t.wake_at, t.deadline, t.open_children, s.slug as sop, s.name as sop_name,
       a.slug as agent, a.name as agent_name, st.key as step_key, st.name as step_name,
       t.context ->> 'customer_name' as customer_name
  from tasks t
  join sops s on s.id = t.sop_id
  join agents a on a.id = t.agent_id
  left join steps st on st.id = t.step_id
 where (%(status)s::text is null or t.status = %(status)s)
   and (%(sop)s::text is null or s.slug = %(sop)s)
   and (%(before)s::uuid is null or t.id < %(before)s)
 order by t.id desc
 limit %(limit)s;

-- name: counts :many
-- How many tasks are open, by status.
select status, count(*)::int as n from tasks where finished_at is null group by status;

-- name: inbox :many
-- Open questions, oldest deadline first.
select * from tasks
 where status in ('waiting_on_human', 'escalated') and wait_token is not null
 order by deadline nulls last, id
 limit %(limit)s;

-- name: history :many
-- Earlier tasks about the same customer.
select t.number, s.name as sop_name, t.status, coalesce(t.finished_at, t.created_at) as at
  from tasks t join sops s on s.id = t.sop_id
 where t.subject = %(subject)s and t.id <> %(task_id)s
 order by t.id desc
 limit 5;

-- name: now :value
select engine_now();
