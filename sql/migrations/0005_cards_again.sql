-- A card that was lost is posted again, in order, and a few more kinds of them.

alter table cards drop constraint cards_kind_check;
alter table cards add constraint cards_kind_check
    check (kind in ('question', 'alarm', 'handoff', 'summary'));

-- How often a person had it posted again: each time is an effect of its own.
alter table cards add column generation integer not null default 0;
-- It is to be posted once more, though a message of it is known.
alter table cards add column again boolean not null default false;
-- What Slack (or we) last said against it, a code; and whether it is the card's own fault.
-- Such a one is not waited for by the others of its channel.
alter table cards add column error text;
alter table cards add column set_aside boolean not null default false;

-- Posts of one channel are made in the order in which they were wanted.
create index cards_unposted on cards (channel, created_at, id) where ts is null or again;

-- Whether it stands in its task's thread is looked up when it is posted: the thread may have
-- been opened since it was asked.
alter table cards drop column thread_ts;
