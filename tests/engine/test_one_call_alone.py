"""A call that fails while the vendor serves all others (a record on which the CRM stumbles)
is no outage: it holds nobody up, rings once, and ends at a person."""

from __future__ import annotations

from tests.engine.hands import alarms, procedure, question, rows, sent, summaries
from tests.world import Company

LOG = """
- key: log
  name: Log
  type: api_call
  config: {service: crm, operation: log_interaction, kind: call, summary: Called}
"""


def test_a_record_on_which_the_crm_stumbles_is_no_outage(office: Company) -> None:
    bad, good = (one["id"] for one in office.local.all("crm_customer")[:2])
    office.order("crm", "answer", status=500, path=bad, times=1000)
    office.import_sop(procedure(LOG))
    alone = office.run_sop("small", customer_id=bad)
    office.settle()
    assert office.see(alone).parked_for == "outage:crm"
    others = [office.run_sop("small", customer_id=good) for _ in range(2)]
    for _ in range(3):
        office.pass_time(minutes=20)
    assert {office.see(other).status for other in others} == {"completed"}
    for _ in range(20):
        office.pass_time(minutes=20)
        other = office.run_sop("small", customer_id=good)
        office.settle()
        assert office.see(other).status == "completed", "nobody else is held up"
    rung = [text for text in alarms(office) if "The CRM cannot be reached" in text]
    assert len(rung) == 1
    assert office.see(alone).status == "escalated"
    assert question(office, alone)["title"] == "The step “Log” failed"
    assert "fails for this task alone" in str(question(office, alone)["facts"])
    tried = [one for one in sent(office, "crm") if bad in one["path"]]
    assert 8 <= len(tried) <= 15
    assert rows(office, "select * from outages") == []
    assert summaries(office, alone, "task_parked")[1].startswith("alone:crm ")


def test_a_real_outage_uses_no_attempts(office: Company) -> None:
    """However long it lasts; who tries is parked like the others."""
    good = office.local.all("crm_customer")[0]["id"]
    office.import_sop(procedure(LOG))
    office.order("crm", "answer", status=503, times=1000)
    first = office.run_sop("small", customer_id=good)
    office.settle()
    for _ in range(20):
        office.pass_time(minutes=20)
    task = office.see(first)
    assert (task.status, task.parked_for, task.attempt) == ("waiting_on_timer", "outage:crm", 0)
    office.local.clear_faults()
    office.pass_time(minutes=20)
    assert office.see(first).status == "completed"
