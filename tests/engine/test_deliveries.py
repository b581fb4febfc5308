"""Deliveries that cannot be acted on: kept, told about, and in nobody's way."""

from __future__ import annotations

import json
from pathlib import Path

from engine import deliveries
from tests.world import company

LEAD = {"id": "f-1", "name": "Anna Berg", "email": "anna@example.com", "message": "Mowing?"}


def test_a_lead_that_no_procedure_takes_is_kept_until_one_does(database: str, tmp_path: Path):
    with company(database, tmp_path, web=False) as office:
        with office.runtime.database.transaction("disable") as conn:
            conn.execute("update sops set status = 'disabled' where slug = 'new_lead_response'")
            body = json.dumps(LEAD).encode()
            deliveries.accept(
                conn, office.runtime.settings, source="lead_form", key="f-1", body=body
            )
        office.settle()
        alarms = office.messages("#escalations")
        assert len(alarms) == 1
        assert "lead_form could not be acted on" in alarms[0]["text"]
        with office.runtime.database.transaction("enable") as conn:
            conn.execute("update sops set status = 'active' where slug = 'new_lead_response'")
            conn.execute("update deliveries set try_at = now()")
        office.settle()
        with office.runtime.database.read() as conn:
            rows = conn.execute("select context ->> 'customer_name' as name from tasks").fetchall()
            kept = conn.execute("select body, done_at from deliveries").fetchall()
        assert [row["name"] for row in rows] == ["Anna Berg"]
        assert kept[0]["body"] is None
        assert kept[0]["done_at"] is not None
