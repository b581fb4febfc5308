-- What is told every evening about the next day: which tasks a card lists. Who they are about
-- is read from the tasks whenever it is drawn.
create table outlooks (
    day date primary key,
    card_id uuid not null references cards,
    until timestamptz not null,
    task_ids uuid[] not null
);
create index outlooks_card on outlooks (card_id);

alter table cards drop constraint cards_kind_check;
alter table cards add constraint cards_kind_check
    check (kind in ('question', 'alarm', 'handoff', 'summary', 'batch', 'outlook'));
