-- What is told every evening. The text is drawn from our rows; here stands only which day's
-- card is which, and what span of time it tells of.

create table daily_summaries (
    day date primary key,
    card_id uuid not null references cards,
    since timestamptz not null,
    until timestamptz not null
);
create index daily_summaries_card on daily_summaries (card_id);
