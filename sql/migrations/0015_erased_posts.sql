-- A post of a step that may name a customer is rewritten at erasure: a card that is there already.

alter table cards drop constraint cards_kind_check;
alter table cards add constraint cards_kind_check
    check (kind in ('question', 'alarm', 'handoff', 'summary', 'batch', 'outlook', 'reminder', 'post'));
