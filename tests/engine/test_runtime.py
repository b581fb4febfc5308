"""The three modes: what live refuses, and where mail goes in rehearsal."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SettingsInvalid
from engine.postgres import Database
from engine.runtime import build_runtime
from tests.world import company, settings_for


def test_live_mode_refuses_every_stand_in(database: str, tmp_path: Path):
    settings = settings_for(database, "http://127.0.0.1:9", tmp_path, ENGINE_MODE="live")
    with pytest.raises(SettingsInvalid, match="ANTHROPIC_BASE_URL is a stand-in"):
        build_runtime(settings, Database(database))


def test_rehearsal_without_an_address_names_the_cure(database: str, tmp_path: Path):
    settings = settings_for(database, "http://127.0.0.1:9", tmp_path, ENGINE_MODE="rehearsal")
    with pytest.raises(SettingsInvalid, match="REHEARSAL_ADDRESS is empty"):
        build_runtime(settings, Database(database))


def test_in_rehearsal_customers_are_mailed_nothing(database: str, tmp_path: Path):
    modes = {
        "ENGINE_MODE": "rehearsal", "rehearsal_address": "owner@example.com",
        # Today may be a holiday.
        "keep_calendar": "no",
    }  # fmt: skip
    with company(database, tmp_path, **modes) as office:
        task = office.mail("lead")
        office.settle()
        assert office.press(task, "Send as is")["ok"]
        office.settle()
        office.pass_time(seconds=31)
        assert [mail["to"] for mail in office.outbox] == [["owner@example.com"]]
        assert "rachel.sandberg@example.com" in office.outbox[0]["subject"]
        assert office.see(task).status == "completed"
