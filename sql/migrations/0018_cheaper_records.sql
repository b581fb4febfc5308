-- What each record of a step pays the server: it was 217 µs, and 75 of them for the two below.

-- Business time is now(), unless a walk or a test moves it. A function that looks the shift up is
-- no plain expression, so the server runs a query of its own for each of the six moments that a
-- short task writes. This one is an expression, written anew whenever the shift changes.
create function write_engine_now() returns trigger language plpgsql as $$
begin
    execute format(
        'create or replace function %I.engine_now() returns timestamptz'
        ' language sql stable parallel safe as %L',
        tg_table_schema,
        'select now()' || case when new.shift <> interval '0'
                               then format(' + %L::interval', new.shift) else '' end);
    return null;
end
$$;

create trigger the_clock_was_moved after insert or update on clock
for each row execute function write_engine_now();

update clock set shift = shift;

-- What holds for every task. For each statement the server reads the text of a table's checks
-- anew, and of these six that took longer than the checking; one call of a function is short.
create function task_is_sound(
    status text, finished_at timestamptz, run_token uuid, lease_until timestamptz,
    wait_token uuid, question jsonb, tier smallint, context jsonb
) returns boolean language plpgsql immutable parallel safe as $$
begin
    return status in ('pending', 'in_progress', 'waiting_on_human', 'waiting_on_timer',
                      'completed', 'failed', 'escalated', 'cancelled')
       and (status in ('completed', 'failed', 'cancelled')) = (finished_at is not null)
       and (status <> 'in_progress' or (run_token is not null and lease_until is not null))
       and (status <> 'waiting_on_human' or (wait_token is not null and question is not null))
       and (tier is null or tier between 0 and 3)
       and pg_column_size(context) <= 1048576;
end
$$;

alter table tasks
    drop constraint tasks_check,
    drop constraint tasks_check1,
    drop constraint tasks_check2,
    drop constraint tasks_context_check,
    drop constraint tasks_status_check,
    drop constraint tasks_tier_check,
    add constraint a_task_is_sound check (task_is_sound(
        status, finished_at, run_token, lease_until, wait_token, question, tier, context));

-- A record names the agent and the step that it is about. To see that they are there, the server
-- locks their rows against deletion, and all workers at once lock the same few rows: a quarter of
-- its work at concurrency 10. They are there: the ids were read from them, an agent is never
-- deleted and neither are the steps of a published SOP, and no other has tasks.
alter table task_events
    drop constraint task_events_agent_id_fkey,
    drop constraint task_events_step_id_fkey;

alter table tasks drop constraint tasks_step_id_fkey;

drop index tasks_step;

create function refuse_to_delete_agent() returns trigger language plpgsql as $$
begin
    raise exception 'an agent is never deleted, for the record names it: disable it';
end
$$;

create trigger agents_are_never_deleted before delete on agents
for each row execute function refuse_to_delete_agent();
