-- The last offer to this contact was itself a follow-up: there is no second one.
alter table contacts add column followed_up boolean not null default false;
