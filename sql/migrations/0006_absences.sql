-- An owner who is away: campaigns wait, questions go to the other one, or their deadlines
-- stand still.

alter table users add column away_until timestamptz;
