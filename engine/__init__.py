"""The engine: runs a small company's back office from written procedures.

The main path, in the order in which it is walked:

    intake       a mail or a form becomes a task (`tasks.start`), once
    queue        its wake-up commits with it
    worker       a process of threads (`crew`) and the queue that rouses them
    claims       the best runnable task becomes a run of this worker
    executor     perform -> record, until the task blocks or ends; `progress` writes it down
    steps/       what one step does; it returns an outcome and touches nothing
    effects      the one way to the world outside: `gate`, intent, call, result
    escalation   a question for a person parks the task; `card_poster` shows it
    questions    the one door by which it is answered; the first answer wins
    task_events  what happened, appended in the transaction that made it true

One noun is one table is one file of queries: agents, sops, tasks, task_events, watchers.
`llm/`, `slack/`, `mail/` and `crm/` hold a port each, and one file for each vendor.
"""
