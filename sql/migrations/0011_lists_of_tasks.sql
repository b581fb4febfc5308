-- Each partial index says in full what its query says, or the planner does not see it: the
-- keeper asks every second for silent questions, escalated ones among them, and would walk
-- through every task there ever was.
drop index tasks_asking;
create index tasks_asking on tasks (deadline) where status in ('waiting_on_human', 'escalated');
create index tasks_ended_badly on tasks (id) where status in ('failed', 'cancelled');
-- Each minute: which mails without a task have been kept long enough.
create index mails_kept on mails (received_at) where erased_at is null;
