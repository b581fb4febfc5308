-- By which key the hashes in this database were made: one row, written by whoever first starts
-- on it. Under another key no opt-out would be recognised, and nobody would notice.
create table hash_keys (
    one boolean primary key default true check (one),
    print bytea not null check (length(print) = 32),
    since timestamptz not null default now()
);
