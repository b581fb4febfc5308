-- A mail may answer one of ours (reply), or be one too many in its thread today (loop).
alter table mails drop constraint mails_verdict_check;
alter table mails add constraint mails_verdict_check
    check (verdict in ('task', 'reply', 'loop', 'auto_reply', 'own', 'no_sender'));
