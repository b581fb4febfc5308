-- The eight tables, users, and what must stand beside them. docs/data.md says of each
-- how long it is kept.
--
-- A task is one run of an SOP. Its row is the whole truth about where it stands; the
-- queue only wakes workers up. Life of a task:
--
--   pending -> in_progress -> waiting_on_human | waiting_on_timer -> pending -> ...
--   and at the end completed | failed | escalated | cancelled.
--
-- An escalated task is still open: a person may retry it, supply the output, or fail it.

-- Keys sort by the time of their birth. PostgreSQL 18 has uuidv7(); before that we
-- build one: 48 bits of milliseconds, then randomness.
do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        execute 'create function new_id() returns uuid language sql volatile parallel safe as ''select uuidv7()''';
    else
        execute $fn$
            create function new_id() returns uuid language sql volatile parallel safe as '
                select encode(
                    set_bit(set_bit(
                        overlay(uuid_send(gen_random_uuid())
                            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                            from 1 for 6),
                        52, 1), 53, 1), ''hex'')::uuid'
        $fn$;
    end if;
end
$$;

-- Business time. Walks and tests over several processes move it; live mode refuses.
-- Leases, effect waits and sign-ins use now().
create table clock (
    one boolean primary key default true check (one),
    shift interval not null default '0'
);
insert into clock default values;

create function engine_now() returns timestamptz language sql stable parallel safe as
    'select now() + (select shift from clock)';

-- People ----------------------------------------------------------------------

create table users (
    id uuid primary key default new_id(),
    email text not null,
    name text not null default '',
    password_hash text,
    role text not null check (role in ('admin', 'viewer')),
    theme text not null default 'system' check (theme in ('dark', 'light', 'system')),
    slack_user_id text unique,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);
create unique index users_email on users (lower(email));

create table sessions (
    token_hash bytea primary key,
    user_id uuid not null references users,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    device text not null default ''
);
create index sessions_user on sessions (user_id);

create table sign_in_links (
    token_hash bytea primary key,
    user_id uuid not null references users,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index sign_in_links_user on sign_in_links (user_id);

-- Definitions -----------------------------------------------------------------

create table agents (
    id uuid primary key default new_id(),
    slug text not null unique check (slug ~ '^[a-z][a-z0-9_]*$'),
    name text not null,
    description text not null,
    status text not null default 'active' check (status in ('active', 'paused', 'disabled')),
    slack_channel text not null default '',
    icon text not null default ':robot_face:',
    loop_interval_minutes integer check (loop_interval_minutes > 0),
    next_loop_at timestamptz,
    last_heartbeat_at timestamptz,
    capabilities jsonb not null default '{}',
    -- Null: no limit, and then nothing is counted, so that an unlimited agent's row is
    -- not a lock that every claim must take.
    max_concurrent_tasks integer check (max_concurrent_tasks > 0),
    running_tasks integer not null default 0,
    essential boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 50);

create table sops (
    id uuid primary key default new_id(),
    slug text not null check (slug ~ '^[a-z][a-z0-9_]*$'),
    version integer not null check (version > 0),
    name text not null,
    description text not null default '',
    agent_id uuid not null references agents,
    trigger_type text not null check (trigger_type in ('manual', 'watcher', 'event', 'agent_loop')),
    trigger_config jsonb not null default '{}',
    required_services text[] not null default '{}',
    max_tier smallint not null default 3 check (max_tier between 0 and 3),
    status text not null check (status in ('draft', 'active', 'disabled', 'superseded')),
    -- Who wrote this version: `seed` never publishes over a version that it did not write.
    origin text not null default 'admin' check (origin in ('seed', 'import', 'admin')),
    created_at timestamptz not null default now(),
    published_at timestamptz,
    unique (slug, version)
);
create unique index sops_one_active on sops (slug) where status = 'active';
create index sops_agent on sops (agent_id);

create table steps (
    id uuid primary key default new_id(),
    sop_id uuid not null references sops,
    position integer not null check (position > 0),
    key text not null check (key ~ '^[a-z][a-z0-9_]*$'),
    name text not null,
    step_type text not null check (step_type in (
        'query', 'api_call', 'llm_classify', 'llm_draft', 'llm_decide', 'llm_analyze',
        'slack_notify', 'slack_ask_human', 'enqueue_next', 'wait', 'for_each')),
    -- json, not jsonb: the order of labels and buttons is the author's.
    config json not null default '{}',
    llm_tier smallint not null default 0 check (llm_tier between 0 and 3),
    max_llm_tier smallint not null default 0 check (max_llm_tier between 0 and 3),
    on_success text not null default 'next',
    on_failure text not null default 'escalate',
    on_uncertain text not null default 'escalate_tier',
    max_retries integer not null default 3 check (max_retries between 0 and 20),
    timeout_seconds integer not null default 120 check (timeout_seconds between 1 and 3600),
    unique (sop_id, position) deferrable initially deferred,
    unique (sop_id, key)
);

create function refuse_change_to_published_steps() returns trigger language plpgsql as $$
declare
    sop uuid := case when tg_op = 'DELETE' then old.sop_id else new.sop_id end;
begin
    if exists (select 1 from sops where id in (sop, case when tg_op = 'UPDATE' then old.sop_id end)
                                    and status <> 'draft') then
        raise exception 'the steps of a published SOP never change: make a draft of the next version';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger steps_of_published_sops_never_change
    before insert or update or delete on steps
    for each row execute function refuse_change_to_published_steps();

-- A version that has left 'draft' may change its status and nothing else.
create function refuse_change_to_published_sop() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a published SOP is never deleted: disable it';
    end if;
    if new.status = 'draft' or
       (new.slug, new.version, new.name, new.description, new.agent_id, new.trigger_type,
        new.trigger_config, new.required_services, new.max_tier, new.origin)
       is distinct from
       (old.slug, old.version, old.name, old.description, old.agent_id, old.trigger_type,
        old.trigger_config, old.required_services, old.max_tier, old.origin) then
        raise exception 'a published SOP never changes: make a draft of the next version';
    end if;
    return new;
end
$$;
create trigger published_sops_never_change
    before update or delete on sops
    for each row when (old.status <> 'draft') execute function refuse_change_to_published_sop();

-- Tasks -----------------------------------------------------------------------

create table tasks (
    id uuid primary key default new_id(),
    number bigint not null generated always as identity,
    sop_id uuid not null references sops,
    agent_id uuid not null references agents,
    status text not null default 'pending' check (status in (
        'pending', 'in_progress', 'waiting_on_human', 'waiting_on_timer',
        'completed', 'failed', 'escalated', 'cancelled')),
    step_id uuid references steps,
    context jsonb not null default '{}',
    subject text,
    priority smallint not null default 0,
    -- Its place among the runnable: when it started, or when it last gave up its turn.
    queued_at timestamptz not null default clock_timestamp(),
    dedupe_key bytea unique,

    parent_id uuid references tasks,
    joined boolean not null default false,
    item integer,
    open_children integer not null default 0,

    -- Who holds it: every write of a run checks the token.
    run_token uuid,
    lease_until timestamptz,
    step_started_at timestamptz,

    -- Where it stands inside its step. A visit is one entry into a step: effect keys are
    -- made from it, so a retry means the same effect and a person's rerun a new one.
    visit integer not null default 0,
    attempt integer not null default 0,
    tier smallint check (tier between 0 and 3),

    wake_at timestamptz,
    parked_for text,

    wait_token uuid unique,
    question jsonb,
    deadline timestamptz,
    reminded_at timestamptz,

    cancel_requested_at timestamptz,
    slack_channel text,
    slack_thread_ts text,
    error text,
    events integer not null default 0,

    created_at timestamptz not null default engine_now(),
    started_at timestamptz,
    finished_at timestamptz,
    erased_at timestamptz,

    check (pg_column_size(context) <= 1048576),
    check ((status in ('completed', 'failed', 'cancelled')) = (finished_at is not null)),
    check (status <> 'in_progress' or (run_token is not null and lease_until is not null)),
    check (status <> 'waiting_on_human' or (wait_token is not null and question is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
create unique index tasks_number on tasks (number);
create index tasks_runnable on tasks (agent_id, priority desc, queued_at) where status = 'pending';
create index tasks_running on tasks (id) where status = 'in_progress';
create index tasks_due on tasks (wake_at) where status = 'waiting_on_timer';
create index tasks_asking on tasks (deadline) where status = 'waiting_on_human';
create index tasks_open on tasks (id) where finished_at is null;
create index tasks_to_erase on tasks (finished_at) where erased_at is null and finished_at is not null;
create index tasks_subject on tasks (subject, id) where subject is not null;
create index tasks_parent on tasks (parent_id) where parent_id is not null;
create index tasks_sop on tasks (sop_id, id);
create index tasks_agent on tasks (agent_id, id);
create index tasks_step on tasks (step_id) where finished_at is null;
create index tasks_thread on tasks (slack_channel, slack_thread_ts) where slack_thread_ts is not null;

create table task_events (
    id uuid primary key default new_id(),
    task_id uuid references tasks,
    seq integer,
    step_id uuid references steps,
    agent_id uuid references agents,
    event_type text not null,
    attempt integer,
    tier smallint,
    model text,
    tokens_in integer,
    tokens_out integer,
    tokens_cached integer,
    cost_usd numeric(12, 6),
    confidence real,
    duration_ms integer,
    actor text,
    effect_key text,
    input_summary text check (length(input_summary) <= 500),
    output_summary text check (length(output_summary) <= 500),
    created_at timestamptz not null default engine_now(),
    unique (task_id, seq)
);
create index task_events_step on task_events (step_id) where step_id is not null and cost_usd is not null;
create index task_events_agent on task_events (agent_id, id) where task_id is null;
create index task_events_cost on task_events (created_at) where cost_usd is not null;

create function refuse_change_to_events() returns trigger language plpgsql as $$
begin
    raise exception 'task events are append-only';
end
$$;
create trigger task_events_are_append_only
    before update or delete on task_events
    for each row execute function refuse_change_to_events();
create trigger task_events_are_never_emptied
    before truncate on task_events
    for each statement execute function refuse_change_to_events();

create table watchers (
    id uuid primary key default new_id(),
    agent_id uuid not null references agents,
    sop_slug text not null,
    name text not null unique,
    check_type text not null check (check_type in (
        'email_inbox', 'webhook_queue', 'schedule', 'database_condition', 'api_poll')),
    check_config jsonb not null default '{}',
    interval_seconds integer not null default 300 check (interval_seconds > 0),
    next_check_at timestamptz not null default now(),
    cursor jsonb,
    last_error text,
    failures integer not null default 0,
    status text not null default 'active' check (status in ('active', 'paused', 'disabled')),
    created_at timestamptz not null default now()
);
create index watchers_due on watchers (next_check_at) where status = 'active';
create index watchers_agent on watchers (agent_id);

create table agent_memories (
    id uuid primary key default new_id(),
    agent_id uuid not null references agents,
    memory_type text not null check (memory_type in (
        'observation', 'context', 'working_note', 'decision_log')),
    content text not null,
    importance smallint not null default 5 check (importance between 1 and 10),
    task_id uuid references tasks,
    created_at timestamptz not null default engine_now(),
    expires_at timestamptz
);
create index agent_memories_agent on agent_memories (agent_id, created_at);
create index agent_memories_task on agent_memories (task_id) where task_id is not null;

create table credentials (
    id uuid primary key default new_id(),
    service text not null,
    credential_type text not null check (credential_type in ('api_key', 'oauth_token', 'webhook_secret')),
    value bytea not null,
    refresh_token bytea,
    key_id text not null,
    scopes text[] not null default '{}',
    expires_at timestamptz,
    status text not null default 'active' check (status in ('active', 'expired', 'revoked')),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create unique index credentials_one_active on credentials (service, credential_type) where status = 'active';

-- Effects ---------------------------------------------------------------------

-- The key is owner + purpose + item. State changes by compare-and-set on
-- (state, attempt). `result` holds vendors' ids, never customer data.
create table effects (
    key text primary key,
    task_id uuid references tasks,
    step_id uuid references steps,
    vendor text not null check (vendor in ('slack', 'mail', 'crm', 'http')),
    state text not null default 'intended' check (state in ('intended', 'done', 'refused', 'in_doubt')),
    attempt integer not null default 1,
    -- The vendor may still be carrying a call out until then; before that, its absence
    -- there proves nothing.
    settle_after timestamptz not null,
    code text,
    result jsonb,
    intended_at timestamptz not null default now(),
    finished_at timestamptz
);
create index effects_task on effects (task_id) where task_id is not null;
create index effects_step on effects (step_id) where step_id is not null and state in ('intended', 'in_doubt');
create index effects_open on effects (intended_at) where state in ('intended', 'in_doubt');

-- Stop: one row that every intent locks FOR SHARE, so that a stop waits for the intents
-- under way and no later one passes it.
create table halt (
    one boolean primary key default true check (one),
    halted_at timestamptz,
    halted_by text,
    reason text
);
insert into halt default values;

-- One contact rule across all procedures; the contact is a keyed hash.
create table contacts (
    contact_hash bytea primary key,
    last_marketing_at timestamptz,
    last_task_id uuid references tasks
);
create index contacts_task on contacts (last_task_id) where last_task_id is not null;

create table suppressions (
    contact_hash bytea primary key,
    reason text not null check (reason in ('unsubscribed', 'bounced', 'complained', 'opted_out')),
    created_at timestamptz not null default now()
);

create table rate_limits (
    vendor text not null,
    key text not null default '',
    next_free timestamptz not null default now(),
    primary key (vendor, key)
) with (fillfactor = 50);

create table outages (
    vendor text primary key,
    since timestamptz not null default now(),
    failures integer not null default 1,
    retry_at timestamptz not null
);

-- What came in ----------------------------------------------------------------

create table mails (
    id uuid primary key default new_id(),
    dedupe_key bytea not null unique,
    source text not null,
    verdict text not null check (verdict in ('task', 'auto_reply', 'own', 'no_sender')),
    raw bytea,
    task_id uuid references tasks,
    received_at timestamptz not null default engine_now(),
    erased_at timestamptz
);
create index mails_task on mails (task_id) where task_id is not null;
create index mails_received on mails (received_at);

create table deliveries (
    id uuid primary key default new_id(),
    source text not null,
    dedupe_key bytea not null unique,
    body bytea,
    received_at timestamptz not null default now(),
    -- One that could not be acted on is kept and tried again: it may be a lead.
    try_at timestamptz not null default now(),
    done_at timestamptz,
    error text
);
create index deliveries_open on deliveries (try_at) where done_at is null;

-- How a reply finds its task long after: keyed hashes of reply tokens and Message-IDs.
create table mail_threads (
    hash bytea primary key,
    task_id uuid not null references tasks,
    created_at timestamptz not null default now()
);
create index mail_threads_task on mail_threads (task_id);

-- Slack messages whose text follows from our own rows: a question's card, an alarm. The
-- poster makes what is shown equal to what is wanted; nothing of the text stands here.
create table cards (
    id uuid primary key default new_id(),
    kind text not null check (kind in ('question', 'alarm')),
    task_id uuid references tasks,
    cause text unique,
    count integer not null default 1,
    summary text not null default '',
    channel text not null,
    thread_ts text,
    posted_channel text,
    ts text,
    wanted integer not null default 1,
    shown integer not null default 0,
    tries integer not null default 0,
    next_try_at timestamptz not null default now(),
    closed_at timestamptz,
    created_at timestamptz not null default now()
);
create index cards_due on cards (next_try_at) where wanted > shown;
create index cards_task on cards (task_id) where task_id is not null;
