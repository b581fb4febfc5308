-- A task's step changes with every step, and an index on it made each of those updates write
-- into every index of the table. A BRIN index does not (PostgreSQL 16 and later update such a
-- row in place), and still answers the one question that is asked of it: whether a step that
-- is to be deleted, always one of a young draft, is the step of any task. Keys sort by birth,
-- so it is younger than what any range of rows holds.
drop index tasks_step;
create index tasks_step on tasks using brin (step_id) with (autosummarize = on);
