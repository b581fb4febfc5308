-- Few messages: one reminder for all questions that nobody has answered, and what asks the
-- same in the channel for escalations in one thread.

alter table cards drop constraint cards_kind_check;
alter table cards add constraint cards_kind_check
    check (kind in ('question', 'alarm', 'handoff', 'summary', 'batch', 'outlook', 'reminder'));

-- What the question is about, in codes: procedure, step, kind, failure.
alter table cards add column alike text;
-- The card in whose thread it stands, because that one asked the same before it.
alter table cards add column follows uuid references cards;

create index cards_follows on cards (follows) where follows is not null;
create index cards_alike on cards (alike, created_at) where alike is not null and follows is null;
