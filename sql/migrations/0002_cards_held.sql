-- Who shows a card has it alone until then. Not by `next_try_at`: a change makes a card due at
-- once, and a second worker would show the newer state while the first one's call is still on
-- its way. Where that one then died, the older state was the last to arrive, for good.
alter table cards add column held_until timestamptz;
