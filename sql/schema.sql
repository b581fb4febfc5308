-- Written by `python -m engine.postgres.schema_dump`; do not edit. The comments that say
-- why things are as they are stand in sql/migrations/.

CREATE FUNCTION public.engine_now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$select now()$$;

CREATE FUNCTION public.new_id() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    AS $$select uuidv7()$$;

CREATE FUNCTION public.refuse_change_to_events() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'task events are append-only';
end
$$;

CREATE FUNCTION public.refuse_change_to_published_sop() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_change_to_published_steps() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_to_delete_agent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'an agent is never deleted, for the record names it: disable it';
end
$$;

CREATE FUNCTION public.task_is_sound(status text, finished_at timestamp with time zone, run_token uuid, lease_until timestamp with time zone, wait_token uuid, question jsonb, tier smallint, context jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
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

CREATE FUNCTION public.write_engine_now() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.agent_memories (
    id uuid DEFAULT public.new_id() NOT NULL,
    agent_id uuid NOT NULL,
    memory_type text NOT NULL,
    content text NOT NULL,
    importance smallint DEFAULT 5 NOT NULL,
    task_id uuid,
    created_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT agent_memories_importance_check CHECK (((importance >= 1) AND (importance <= 10))),
    CONSTRAINT agent_memories_memory_type_check CHECK ((memory_type = ANY (ARRAY['observation'::text, 'context'::text, 'working_note'::text, 'decision_log'::text])))
);

CREATE TABLE public.agents (
    id uuid DEFAULT public.new_id() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    slack_channel text DEFAULT ''::text NOT NULL,
    icon text DEFAULT ':robot_face:'::text NOT NULL,
    loop_interval_minutes integer,
    next_loop_at timestamp with time zone,
    last_heartbeat_at timestamp with time zone,
    capabilities jsonb DEFAULT '{}'::jsonb NOT NULL,
    max_concurrent_tasks integer,
    running_tasks integer DEFAULT 0 NOT NULL,
    essential boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agents_loop_interval_minutes_check CHECK ((loop_interval_minutes > 0)),
    CONSTRAINT agents_max_concurrent_tasks_check CHECK ((max_concurrent_tasks > 0)),
    CONSTRAINT agents_slug_check CHECK ((slug ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT agents_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text])))
)
WITH (fillfactor='50');

CREATE TABLE public.batch_drafts (
    question_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    task_id uuid NOT NULL,
    "position" integer,
    token text,
    draft_hash bytea,
    remarks text[] DEFAULT '{}'::text[] NOT NULL
);

CREATE TABLE public.batches (
    id uuid DEFAULT public.new_id() NOT NULL,
    task_id uuid NOT NULL,
    step_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    posted_at timestamp with time zone,
    closed_at timestamp with time zone
);

CREATE TABLE public.cards (
    id uuid DEFAULT public.new_id() NOT NULL,
    kind text NOT NULL,
    task_id uuid,
    cause text,
    count integer DEFAULT 1 NOT NULL,
    summary text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    posted_channel text,
    ts text,
    wanted integer DEFAULT 1 NOT NULL,
    shown integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    held_until timestamp with time zone,
    generation integer DEFAULT 0 NOT NULL,
    again boolean DEFAULT false NOT NULL,
    error text,
    set_aside boolean DEFAULT false NOT NULL,
    alike text,
    follows uuid,
    CONSTRAINT cards_kind_check CHECK ((kind = ANY (ARRAY['question'::text, 'alarm'::text, 'handoff'::text, 'summary'::text, 'batch'::text, 'outlook'::text, 'reminder'::text, 'post'::text])))
);

CREATE TABLE public.clock (
    one boolean DEFAULT true NOT NULL,
    shift interval DEFAULT '00:00:00'::interval NOT NULL,
    CONSTRAINT clock_one_check CHECK (one)
);

CREATE TABLE public.contacts (
    contact_hash bytea NOT NULL,
    last_marketing_at timestamp with time zone,
    last_task_id uuid,
    followed_up boolean DEFAULT false NOT NULL
);

CREATE TABLE public.credentials (
    id uuid DEFAULT public.new_id() NOT NULL,
    service text NOT NULL,
    credential_type text NOT NULL,
    value bytea NOT NULL,
    refresh_token bytea,
    key_id text NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    expires_at timestamp with time zone,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT credentials_credential_type_check CHECK ((credential_type = ANY (ARRAY['api_key'::text, 'oauth_token'::text, 'webhook_secret'::text]))),
    CONSTRAINT credentials_status_check CHECK ((status = ANY (ARRAY['active'::text, 'expired'::text, 'revoked'::text])))
);

CREATE TABLE public.daily_summaries (
    day date NOT NULL,
    card_id uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE public.deliveries (
    id uuid DEFAULT public.new_id() NOT NULL,
    source text NOT NULL,
    dedupe_key bytea NOT NULL,
    body bytea,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    try_at timestamp with time zone DEFAULT now() NOT NULL,
    done_at timestamp with time zone,
    error text
);

CREATE TABLE public.effects (
    key text NOT NULL,
    task_id uuid,
    step_id uuid,
    vendor text NOT NULL,
    state text DEFAULT 'intended'::text NOT NULL,
    attempt integer DEFAULT 1 NOT NULL,
    settle_after timestamp with time zone NOT NULL,
    code text,
    result jsonb,
    intended_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['intended'::text, 'done'::text, 'refused'::text, 'in_doubt'::text]))),
    CONSTRAINT effects_vendor_check CHECK ((vendor = ANY (ARRAY['slack'::text, 'mail'::text, 'crm'::text, 'http'::text])))
);

CREATE TABLE public.halt (
    one boolean DEFAULT true NOT NULL,
    halted_at timestamp with time zone,
    halted_by text,
    reason text,
    CONSTRAINT halt_one_check CHECK (one)
);

CREATE TABLE public.hash_keys (
    one boolean DEFAULT true NOT NULL,
    print bytea NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hash_keys_one_check CHECK (one),
    CONSTRAINT hash_keys_print_check CHECK ((length(print) = 32))
);

CREATE TABLE public.mail_threads (
    hash bytea NOT NULL,
    task_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.mails (
    id uuid DEFAULT public.new_id() NOT NULL,
    dedupe_key bytea NOT NULL,
    source text NOT NULL,
    verdict text NOT NULL,
    raw bytea,
    task_id uuid,
    received_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT mails_verdict_check CHECK ((verdict = ANY (ARRAY['task'::text, 'reply'::text, 'loop'::text, 'auto_reply'::text, 'own'::text, 'no_sender'::text])))
);

CREATE TABLE public.outages (
    vendor text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    failures integer DEFAULT 1 NOT NULL,
    retry_at timestamp with time zone NOT NULL
);

CREATE TABLE public.outlooks (
    day date NOT NULL,
    card_id uuid NOT NULL,
    until timestamp with time zone NOT NULL,
    task_ids uuid[] NOT NULL
);

CREATE TABLE public.rate_limits (
    vendor text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    next_free timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.tasks (
    id uuid DEFAULT public.new_id() NOT NULL,
    number bigint NOT NULL,
    sop_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    step_id uuid,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    subject text,
    priority smallint DEFAULT 0 NOT NULL,
    queued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    dedupe_key bytea,
    parent_id uuid,
    joined boolean DEFAULT false NOT NULL,
    item integer,
    open_children integer DEFAULT 0 NOT NULL,
    run_token uuid,
    lease_until timestamp with time zone,
    step_started_at timestamp with time zone,
    visit integer DEFAULT 0 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    tier smallint,
    wake_at timestamp with time zone,
    parked_for text,
    wait_token uuid,
    question jsonb,
    deadline timestamp with time zone,
    reminded_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    slack_channel text,
    slack_thread_ts text,
    error text,
    events integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    erased_at timestamp with time zone,
    CONSTRAINT a_task_is_sound CHECK (public.task_is_sound(status, finished_at, run_token, lease_until, wait_token, question, tier, context))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.1');

CREATE VIEW public.runnable_agents AS
 SELECT a.id,
    a.max_concurrent_tasks,
    a.running_tasks,
    head.priority,
    head.queued_at,
    ( SELECT count(*) AS count
           FROM public.tasks r
          WHERE ((r.agent_id = a.id) AND (r.status = 'in_progress'::text))) AS running
   FROM (public.agents a
     CROSS JOIN LATERAL ( SELECT t.priority,
            t.queued_at
           FROM public.tasks t
          WHERE ((t.agent_id = a.id) AND (t.status = 'pending'::text))
          ORDER BY t.priority DESC, t.queued_at
         LIMIT 1) head)
  WHERE (a.status = 'active'::text);

CREATE VIEW public.runnable_sops AS
 WITH RECURSIVE queues AS (
        ( SELECT t.sop_id,
            t.agent_id,
            t.priority,
            t.queued_at
           FROM public.tasks t
          WHERE (t.status = 'pending'::text)
          ORDER BY t.sop_id, t.priority DESC, t.queued_at
         LIMIT 1)
        UNION ALL
         SELECT following.sop_id,
            following.agent_id,
            following.priority,
            following.queued_at
           FROM (queues q_1
             CROSS JOIN LATERAL ( SELECT t.sop_id,
                    t.agent_id,
                    t.priority,
                    t.queued_at
                   FROM public.tasks t
                  WHERE ((t.status = 'pending'::text) AND (t.sop_id > q_1.sop_id))
                  ORDER BY t.sop_id, t.priority DESC, t.queued_at
                 LIMIT 1) following)
        ), busy AS (
         SELECT t.sop_id,
            t.agent_id,
            count(*) AS n
           FROM public.tasks t
          WHERE (t.status = 'in_progress'::text)
          GROUP BY t.sop_id, t.agent_id
        )
 SELECT q.sop_id,
    q.agent_id,
    a.max_concurrent_tasks,
    a.running_tasks,
    q.priority,
    q.queued_at,
        CASE
            WHEN (( SELECT count(*) AS count
               FROM queues) > 1) THEN ( SELECT COALESCE(sum(busy.n), (0)::numeric) AS "coalesce"
               FROM busy
              WHERE (busy.agent_id = q.agent_id))
            ELSE NULL::numeric
        END AS running_of_agent,
        CASE
            WHEN (( SELECT count(*) AS count
               FROM queues) > 1) THEN ( SELECT COALESCE(sum(busy.n), (0)::numeric) AS "coalesce"
               FROM busy
              WHERE (busy.sop_id = q.sop_id))
            ELSE NULL::numeric
        END AS running_of_sop
   FROM (queues q
     JOIN public.agents a ON ((a.id = q.agent_id)))
  WHERE (a.status = 'active'::text);

CREATE TABLE public.sessions (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    device text DEFAULT ''::text NOT NULL
);

CREATE TABLE public.sign_in_links (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.sops (
    id uuid DEFAULT public.new_id() NOT NULL,
    slug text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    agent_id uuid NOT NULL,
    trigger_type text NOT NULL,
    trigger_config jsonb DEFAULT '{}'::jsonb NOT NULL,
    required_services text[] DEFAULT '{}'::text[] NOT NULL,
    max_tier smallint DEFAULT 3 NOT NULL,
    status text NOT NULL,
    origin text DEFAULT 'admin'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    published_at timestamp with time zone,
    CONSTRAINT sops_max_tier_check CHECK (((max_tier >= 0) AND (max_tier <= 3))),
    CONSTRAINT sops_origin_check CHECK ((origin = ANY (ARRAY['seed'::text, 'import'::text, 'admin'::text]))),
    CONSTRAINT sops_slug_check CHECK ((slug ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT sops_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'active'::text, 'disabled'::text, 'superseded'::text]))),
    CONSTRAINT sops_trigger_type_check CHECK ((trigger_type = ANY (ARRAY['manual'::text, 'watcher'::text, 'event'::text, 'agent_loop'::text]))),
    CONSTRAINT sops_version_check CHECK ((version > 0))
);

CREATE TABLE public.steps (
    id uuid DEFAULT public.new_id() NOT NULL,
    sop_id uuid NOT NULL,
    "position" integer NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    step_type text NOT NULL,
    config json DEFAULT '{}'::json NOT NULL,
    llm_tier smallint DEFAULT 0 NOT NULL,
    max_llm_tier smallint DEFAULT 0 NOT NULL,
    on_success text DEFAULT 'next'::text NOT NULL,
    on_failure text DEFAULT 'escalate'::text NOT NULL,
    on_uncertain text DEFAULT 'escalate_tier'::text NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    timeout_seconds integer DEFAULT 120 NOT NULL,
    CONSTRAINT steps_key_check CHECK ((key ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT steps_llm_tier_check CHECK (((llm_tier >= 0) AND (llm_tier <= 3))),
    CONSTRAINT steps_max_llm_tier_check CHECK (((max_llm_tier >= 0) AND (max_llm_tier <= 3))),
    CONSTRAINT steps_max_retries_check CHECK (((max_retries >= 0) AND (max_retries <= 20))),
    CONSTRAINT steps_position_check CHECK (("position" > 0)),
    CONSTRAINT steps_step_type_check CHECK ((step_type = ANY (ARRAY['query'::text, 'api_call'::text, 'llm_classify'::text, 'llm_draft'::text, 'llm_decide'::text, 'llm_analyze'::text, 'slack_notify'::text, 'slack_ask_human'::text, 'enqueue_next'::text, 'wait'::text, 'for_each'::text]))),
    CONSTRAINT steps_timeout_seconds_check CHECK (((timeout_seconds >= 1) AND (timeout_seconds <= 3600)))
);

CREATE TABLE public.suppressions (
    contact_hash bytea NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT suppressions_reason_check CHECK ((reason = ANY (ARRAY['unsubscribed'::text, 'bounced'::text, 'complained'::text, 'opted_out'::text])))
);

CREATE TABLE public.task_events (
    id uuid DEFAULT public.new_id() NOT NULL,
    task_id uuid,
    seq integer,
    step_id uuid,
    agent_id uuid,
    event_type text NOT NULL,
    attempt integer,
    tier smallint,
    model text,
    tokens_in integer,
    tokens_out integer,
    tokens_cached integer,
    cost_usd numeric(12,6),
    confidence real,
    duration_ms integer,
    actor text,
    effect_key text,
    input_summary text,
    output_summary text,
    created_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    CONSTRAINT task_events_input_summary_check CHECK ((length(input_summary) <= 500)),
    CONSTRAINT task_events_output_summary_check CHECK ((length(output_summary) <= 500))
);

ALTER TABLE public.tasks ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tasks_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.users (
    id uuid DEFAULT public.new_id() NOT NULL,
    email text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    password_hash text,
    role text NOT NULL,
    theme text DEFAULT 'system'::text NOT NULL,
    slack_user_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    away_until timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'viewer'::text]))),
    CONSTRAINT users_theme_check CHECK ((theme = ANY (ARRAY['dark'::text, 'light'::text, 'system'::text])))
);

CREATE TABLE public.verdicts (
    question_id uuid NOT NULL,
    task_id uuid NOT NULL,
    step_id uuid NOT NULL,
    draft_step_id uuid,
    model text DEFAULT ''::text NOT NULL,
    confidence real,
    prompt bytea NOT NULL,
    series bytea NOT NULL,
    verdict text NOT NULL,
    changed real,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT public.engine_now() NOT NULL,
    CONSTRAINT verdicts_changed_check CHECK (((changed >= (0)::double precision) AND (changed <= (1)::double precision))),
    CONSTRAINT verdicts_check CHECK (((verdict = 'edited'::text) = (changed IS NOT NULL))),
    CONSTRAINT verdicts_reason_check CHECK ((reason ~ '^[a-z_]*$'::text)),
    CONSTRAINT verdicts_verdict_check CHECK ((verdict = ANY (ARRAY['unchanged'::text, 'edited'::text, 'refused'::text])))
);

CREATE TABLE public.watchers (
    id uuid DEFAULT public.new_id() NOT NULL,
    agent_id uuid NOT NULL,
    sop_slug text NOT NULL,
    name text NOT NULL,
    check_type text NOT NULL,
    check_config jsonb DEFAULT '{}'::jsonb NOT NULL,
    interval_seconds integer DEFAULT 300 NOT NULL,
    next_check_at timestamp with time zone DEFAULT now() NOT NULL,
    cursor jsonb,
    last_error text,
    failures integer DEFAULT 0 NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT watchers_check_type_check CHECK ((check_type = ANY (ARRAY['email_inbox'::text, 'webhook_queue'::text, 'schedule'::text, 'database_condition'::text, 'api_poll'::text]))),
    CONSTRAINT watchers_interval_seconds_check CHECK ((interval_seconds > 0)),
    CONSTRAINT watchers_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text])))
);

ALTER TABLE ONLY public.agent_memories
    ADD CONSTRAINT agent_memories_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.batch_drafts
    ADD CONSTRAINT batch_drafts_pkey PRIMARY KEY (question_id);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_cause_key UNIQUE (cause);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.clock
    ADD CONSTRAINT clock_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (contact_hash);

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.daily_summaries
    ADD CONSTRAINT daily_summaries_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_dedupe_key_key UNIQUE (dedupe_key);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.halt
    ADD CONSTRAINT halt_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.hash_keys
    ADD CONSTRAINT hash_keys_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.mail_threads
    ADD CONSTRAINT mail_threads_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_dedupe_key_key UNIQUE (dedupe_key);

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.outages
    ADD CONSTRAINT outages_pkey PRIMARY KEY (vendor);

ALTER TABLE ONLY public.outlooks
    ADD CONSTRAINT outlooks_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (vendor, key);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sops
    ADD CONSTRAINT sops_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sops
    ADD CONSTRAINT sops_slug_version_key UNIQUE (slug, version);

ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_sop_id_key_key UNIQUE (sop_id, key);

ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_sop_id_position_key UNIQUE (sop_id, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_pkey PRIMARY KEY (contact_hash);

ALTER TABLE ONLY public.task_events
    ADD CONSTRAINT task_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.task_events
    ADD CONSTRAINT task_events_task_id_seq_key UNIQUE (task_id, seq);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_dedupe_key_key UNIQUE (dedupe_key);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_wait_token_key UNIQUE (wait_token);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_slack_user_id_key UNIQUE (slack_user_id);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (question_id);

ALTER TABLE ONLY public.watchers
    ADD CONSTRAINT watchers_name_key UNIQUE (name);

ALTER TABLE ONLY public.watchers
    ADD CONSTRAINT watchers_pkey PRIMARY KEY (id);

CREATE INDEX agent_memories_agent ON public.agent_memories USING btree (agent_id, created_at);

CREATE INDEX agent_memories_task ON public.agent_memories USING btree (task_id) WHERE (task_id IS NOT NULL);

CREATE INDEX batch_drafts_batch ON public.batch_drafts USING btree (batch_id, "position");

CREATE INDEX batch_drafts_task ON public.batch_drafts USING btree (task_id);

CREATE UNIQUE INDEX batches_gathering ON public.batches USING btree (task_id, step_id) WHERE (posted_at IS NULL);

CREATE INDEX batches_open ON public.batches USING btree (id) WHERE (closed_at IS NULL);

CREATE INDEX batches_step ON public.batches USING btree (step_id);

CREATE INDEX batches_task ON public.batches USING btree (task_id);

CREATE INDEX cards_alike ON public.cards USING btree (alike, created_at) WHERE ((alike IS NOT NULL) AND (follows IS NULL));

CREATE INDEX cards_due ON public.cards USING btree (next_try_at) WHERE (wanted > shown);

CREATE INDEX cards_follows ON public.cards USING btree (follows) WHERE (follows IS NOT NULL);

CREATE INDEX cards_task ON public.cards USING btree (task_id) WHERE (task_id IS NOT NULL);

CREATE INDEX cards_unposted ON public.cards USING btree (channel, created_at, id) WHERE ((ts IS NULL) OR again);

CREATE INDEX contacts_task ON public.contacts USING btree (last_task_id) WHERE (last_task_id IS NOT NULL);

CREATE UNIQUE INDEX credentials_one_active ON public.credentials USING btree (service, credential_type) WHERE (status = 'active'::text);

CREATE INDEX daily_summaries_card ON public.daily_summaries USING btree (card_id);

CREATE INDEX deliveries_open ON public.deliveries USING btree (try_at) WHERE (done_at IS NULL);

CREATE INDEX effects_open ON public.effects USING btree (intended_at) WHERE (state = ANY (ARRAY['intended'::text, 'in_doubt'::text]));

CREATE INDEX effects_step ON public.effects USING btree (step_id) WHERE ((step_id IS NOT NULL) AND (state = ANY (ARRAY['intended'::text, 'in_doubt'::text])));

CREATE INDEX effects_task ON public.effects USING btree (task_id) WHERE (task_id IS NOT NULL);

CREATE INDEX mail_threads_task ON public.mail_threads USING btree (task_id);

CREATE INDEX mails_kept ON public.mails USING btree (received_at) WHERE (erased_at IS NULL);

CREATE INDEX mails_received ON public.mails USING btree (received_at);

CREATE INDEX mails_task ON public.mails USING btree (task_id) WHERE (task_id IS NOT NULL);

CREATE INDEX outlooks_card ON public.outlooks USING btree (card_id);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE INDEX sign_in_links_user ON public.sign_in_links USING btree (user_id);

CREATE INDEX sops_agent ON public.sops USING btree (agent_id);

CREATE UNIQUE INDEX sops_one_active ON public.sops USING btree (slug) WHERE (status = 'active'::text);

CREATE INDEX task_events_agent ON public.task_events USING btree (agent_id, id) WHERE (task_id IS NULL);

CREATE INDEX task_events_cost ON public.task_events USING btree (created_at) WHERE (cost_usd IS NOT NULL);

CREATE INDEX task_events_step ON public.task_events USING btree (step_id) WHERE ((step_id IS NOT NULL) AND (cost_usd IS NOT NULL));

CREATE INDEX tasks_agent ON public.tasks USING btree (agent_id, id);

CREATE INDEX tasks_asking ON public.tasks USING btree (deadline) WHERE (status = ANY (ARRAY['waiting_on_human'::text, 'escalated'::text]));

CREATE INDEX tasks_due ON public.tasks USING btree (wake_at) WHERE (status = 'waiting_on_timer'::text);

CREATE INDEX tasks_ended_badly ON public.tasks USING btree (id) WHERE (status = ANY (ARRAY['failed'::text, 'cancelled'::text]));

CREATE UNIQUE INDEX tasks_number ON public.tasks USING btree (number);

CREATE INDEX tasks_open ON public.tasks USING btree (id) WHERE (finished_at IS NULL);

CREATE INDEX tasks_parent ON public.tasks USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX tasks_queued ON public.tasks USING btree (sop_id, priority DESC, queued_at) WHERE (status = 'pending'::text);

CREATE INDEX tasks_running ON public.tasks USING btree (id) WHERE (status = 'in_progress'::text);

CREATE INDEX tasks_sop ON public.tasks USING btree (sop_id, id);

CREATE INDEX tasks_subject ON public.tasks USING btree (subject, id) WHERE (subject IS NOT NULL);

CREATE INDEX tasks_thread ON public.tasks USING btree (slack_channel, slack_thread_ts) WHERE (slack_thread_ts IS NOT NULL);

CREATE INDEX tasks_to_erase ON public.tasks USING btree (finished_at) WHERE ((erased_at IS NULL) AND (finished_at IS NOT NULL));

CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));

CREATE INDEX verdicts_draft_step ON public.verdicts USING btree (draft_step_id) WHERE (draft_step_id IS NOT NULL);

CREATE INDEX verdicts_series ON public.verdicts USING btree (series, verdict);

CREATE INDEX verdicts_step ON public.verdicts USING btree (step_id);

CREATE INDEX verdicts_task ON public.verdicts USING btree (task_id);

CREATE INDEX watchers_agent ON public.watchers USING btree (agent_id);

CREATE INDEX watchers_due ON public.watchers USING btree (next_check_at) WHERE (status = 'active'::text);

CREATE TRIGGER agents_are_never_deleted BEFORE DELETE ON public.agents FOR EACH ROW EXECUTE FUNCTION public.refuse_to_delete_agent();

CREATE TRIGGER published_sops_never_change BEFORE DELETE OR UPDATE ON public.sops FOR EACH ROW WHEN ((old.status <> 'draft'::text)) EXECUTE FUNCTION public.refuse_change_to_published_sop();

CREATE TRIGGER steps_of_published_sops_never_change BEFORE INSERT OR DELETE OR UPDATE ON public.steps FOR EACH ROW EXECUTE FUNCTION public.refuse_change_to_published_steps();

CREATE TRIGGER task_events_are_append_only BEFORE DELETE OR UPDATE ON public.task_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change_to_events();

CREATE TRIGGER task_events_are_never_emptied BEFORE TRUNCATE ON public.task_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_to_events();

CREATE TRIGGER the_clock_was_moved AFTER INSERT OR UPDATE ON public.clock FOR EACH ROW EXECUTE FUNCTION public.write_engine_now();

ALTER TABLE ONLY public.agent_memories
    ADD CONSTRAINT agent_memories_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id);

ALTER TABLE ONLY public.agent_memories
    ADD CONSTRAINT agent_memories_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.batch_drafts
    ADD CONSTRAINT batch_drafts_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.batches(id);

ALTER TABLE ONLY public.batch_drafts
    ADD CONSTRAINT batch_drafts_question_id_fkey FOREIGN KEY (question_id) REFERENCES public.cards(id);

ALTER TABLE ONLY public.batch_drafts
    ADD CONSTRAINT batch_drafts_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_step_id_fkey FOREIGN KEY (step_id) REFERENCES public.steps(id);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_follows_fkey FOREIGN KEY (follows) REFERENCES public.cards(id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_last_task_id_fkey FOREIGN KEY (last_task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.daily_summaries
    ADD CONSTRAINT daily_summaries_card_id_fkey FOREIGN KEY (card_id) REFERENCES public.cards(id);

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_step_id_fkey FOREIGN KEY (step_id) REFERENCES public.steps(id);

ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.mail_threads
    ADD CONSTRAINT mail_threads_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.outlooks
    ADD CONSTRAINT outlooks_card_id_fkey FOREIGN KEY (card_id) REFERENCES public.cards(id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.sops
    ADD CONSTRAINT sops_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id);

ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_sop_id_fkey FOREIGN KEY (sop_id) REFERENCES public.sops(id);

ALTER TABLE ONLY public.task_events
    ADD CONSTRAINT task_events_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_sop_id_fkey FOREIGN KEY (sop_id) REFERENCES public.sops(id);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_draft_step_id_fkey FOREIGN KEY (draft_step_id) REFERENCES public.steps(id);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_step_id_fkey FOREIGN KEY (step_id) REFERENCES public.steps(id);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.watchers
    ADD CONSTRAINT watchers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id);
