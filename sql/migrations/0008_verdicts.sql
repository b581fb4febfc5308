-- The record by which a step may one day be let go by itself: what a person's answer said
-- about each draft. No customer data, so it stays for ever.
create table verdicts (
    -- The question's, so that one draft has one verdict; an Undo deletes it.
    question_id uuid primary key,
    task_id uuid not null references tasks,
    -- The step that asked; its SOP is the version.
    step_id uuid not null references steps,
    -- Who drafted. Null and empty where no model did.
    draft_step_id uuid references steps,
    model text not null default '',
    confidence real,
    -- What the model was told, apart from the customer; and all that makes two drafts alike:
    -- the asking step, the drafting step, what was told, the model. A change begins anew.
    prompt bytea not null,
    series bytea not null,
    verdict text not null check (verdict in ('unchanged', 'edited', 'refused')),
    -- Of the words: 0 to 1.
    changed real check (changed between 0 and 1),
    -- A code, never what somebody wrote.
    reason text not null default '' check (reason ~ '^[a-z_]*$'),
    created_at timestamptz not null default engine_now(),
    check ((verdict = 'edited') = (changed is not null))
);
create index verdicts_series on verdicts (series, verdict);
create index verdicts_task on verdicts (task_id);
create index verdicts_step on verdicts (step_id);
create index verdicts_draft_step on verdicts (draft_step_id) where draft_step_id is not null;
