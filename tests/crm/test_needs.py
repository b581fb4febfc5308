"""What a procedure wants of a CRM that cannot do it is said beforehand, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.crm import adapters
from engine.crm.needs import lacking
from engine.settings import PROJECT, Settings
from engine.sop_files import parse
from tests.engine.hands import procedure
from web.local.hubspot_portal import SETTING

CAMPAIGN = """
- key: list
  name: Who
  type: query
  config:
    operation: list_customers
    status: past
    services: [fertilizer]
    not_signed_for_season: lawn-2027
- key: overdue
  name: Invoices
  type: query
  config: {operation: list_overdue_invoices}
- key: lead
  name: Lead
  type: api_call
  config: {service: crm, operation: upsert_lead, fields: {name: '{{customer_name}}', source: mail}}
- key: out
  name: Out
  type: api_call
  config: {service: crm, operation: opt_out}
"""


def told(settings: Settings) -> list[str]:
    checked = parse(procedure(CAMPAIGN), name="test")
    keys = [step.key for step in checked.file.steps]
    crm = adapters.from_settings(settings)
    return list(lacking(zip(keys, checked.configs, strict=True), crm, settings))


def settings(**given: object) -> Settings:
    return Settings(crm_base_url="http://127.0.0.1:1", **given)  # type: ignore[arg-type]


def test_hubspot_without_properties_lacks_them_by_name() -> None:
    assert told(settings(crm_kind="hubspot")) == [
        "step 'list': HubSpot cannot keep 'services'; name a property for services in"
        " HUBSPOT_PROPERTIES",
        "step 'list': HubSpot cannot keep 'signed_seasons'; name a property for signed_seasons in"
        " HUBSPOT_PROPERTIES",
        "step 'list': HubSpot cannot keep 'status'; name a property for status in"
        " HUBSPOT_PROPERTIES",
        "step 'overdue': the CRM (hubspot) cannot read invoices; take the step out",
        "step 'lead': HubSpot cannot keep 'source'; name a property for source in"
        " HUBSPOT_PROPERTIES",
        "step 'out': HubSpot cannot keep an opt-out; name a property for opted_out in"
        " HUBSPOT_PROPERTIES",
    ]


def test_with_properties_only_invoices_are_lacking() -> None:
    [said] = told(settings(crm_kind="hubspot", hubspot_properties=SETTING))
    assert "read invoices" in said


def test_the_json_contract_lacks_nothing_and_no_crm_says_nothing() -> None:
    assert told(settings()) == []
    assert told(Settings(crm_base_url="")) == []


def test_validate_says_it_beside_a_file_that_is_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("CRM_KIND", "hubspot"), ("CRM_BASE_URL", "http://127.0.0.1:1"),
        ("ENGINE_DATA_DIR", str(tmp_path)), ("HUBSPOT_PROPERTIES", "status=customer_status"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    file = PROJECT / "seeds" / "sops" / "new_lead_response.yaml"
    shown = CliRunner().invoke(cli, ["sop", "validate", str(file)])
    assert shown.exit_code == 0
    assert "usable" in shown.output
    assert "step 'record_lead': HubSpot cannot keep 'source'" in shown.output
