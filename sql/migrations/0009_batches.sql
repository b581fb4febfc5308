-- Batches: the questions of one campaign's tasks, shown on one card and answered together.
-- A batch gathers while the drafts are made; posted, its list is frozen: what comes later,
-- or changes, belongs to the next one. Tokens and keyed hashes only, nothing of the drafts.

create table batches (
    -- Its card has the same id.
    id uuid primary key default new_id(),
    -- The campaign: the task whose children ask.
    task_id uuid not null references tasks,
    -- The step of the children that asks.
    step_id uuid not null references steps,
    created_at timestamptz not null default engine_now(),
    posted_at timestamptz,
    closed_at timestamptz
);
create unique index batches_gathering on batches (task_id, step_id) where posted_at is null;
create index batches_open on batches (id) where closed_at is null;
create index batches_task on batches (task_id);
create index batches_step on batches (step_id);

create table batch_drafts (
    question_id uuid primary key references cards,
    batch_id uuid not null references batches,
    task_id uuid not null references tasks,
    -- What was frozen: its place on the card, the token that answers it, the draft's hash,
    -- and why it must be looked at by itself.
    position integer,
    token text,
    draft_hash bytea,
    remarks text[] not null default '{}'
);
create index batch_drafts_batch on batch_drafts (batch_id, position);
create index batch_drafts_task on batch_drafts (task_id);

alter table cards drop constraint cards_kind_check;
alter table cards add constraint cards_kind_check
    check (kind in ('question', 'alarm', 'handoff', 'summary', 'batch'));
