"""The jobs that wake-ups run: each looks into our own tables for what is to be done."""

from __future__ import annotations

from engine import card_poster, deliveries, watchers
from engine.queue import job
from engine.worker import Worker


@job("run_tasks")
def run_tasks(worker: Worker) -> None:
    worker.crew.rouse()


@job("show_cards")
def show_cards(worker: Worker) -> None:
    card_poster.show_due(worker.runtime, stopping=lambda: worker.crew.stopping)


@job("act_on_deliveries")
def act_on_deliveries(worker: Worker) -> None:
    deliveries.act(worker.runtime)


@job("check_watchers")
def check_watchers(worker: Worker) -> None:
    watchers.check_due(worker.runtime)
