"""What is particular to HubSpot; the port's own suite is `contracts/test_crm.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.crm import Crm, CustomerFilter, Interaction
from engine.crm.adapters import from_settings
from engine.errors import RateLimited, Refused, SettingsInvalid, Unreachable, VendorError
from engine.settings import Settings
from tests.contracts.crm_adapters import SEEDS
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.hubspot import load_contacts
from web.local.hubspot_portal import SETTING, lag_search
from web.local.world import Fault, World

SOON = {"timeout": 5.0}
LEAD = {"name": "Rachel Sandberg", "email": "Rachel@Example.com", "phone": "612-555-0150"}


@pytest.fixture
def hubspot(world: World) -> Iterator[str]:
    load_contacts(world, SEEDS, today=date(2026, 11, 23))
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as base:
        yield f"{base}/hubspot"


def connect(url: str, properties: str = SETTING) -> Crm:
    crm = from_settings(
        Settings(crm_kind="hubspot", crm_base_url=url, crm_api_key="local-crm-key",
                 hubspot_properties=properties)  # type: ignore[arg-type]
    )  # fmt: skip
    assert crm is not None
    return crm


@pytest.fixture
def crm(hubspot: str) -> Crm:
    return connect(hubspot)


def failure(call: Any, *args: Any, **kwargs: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(*args, **SOON | kwargs)
    return caught.value


# -- search lags ------------------------------------------------------------------------


def test_what_was_just_written_is_found_though_search_does_not_know_it(crm: Crm, world: World):
    lag_search(world, 3600)
    made = crm.upsert_lead(LEAD, key="k1", **SOON)
    assert crm.list_customers(CustomerFilter(status="lead"), **SOON).total == 0
    found = crm.find_customer(email="rachel@example.com", **SOON)
    assert found is not None
    assert (found.id, found.status) == (made.id, "lead")
    again = crm.upsert_lead(LEAD | {"city": "Edina"}, key="k2", **SOON)
    assert again.id == made.id
    noted = crm.log_interaction(made.id, Interaction("call", "No answer"), key="k3", **SOON)
    assert crm.find_by_key("k3", **SOON) == noted
    assert [one.summary for one in crm.list_interactions(made.id, limit=5, **SOON)] == ["No answer"]
    assert world.count("hubspot_contacts") == 41


def test_only_lists_and_numbers_are_searched_for(crm: Crm, world: World):
    made = crm.upsert_lead(LEAD, key="k1", **SOON)
    crm.update_customer(made.id, {"city": "Edina"}, key="k2", **SOON)
    crm.log_interaction(made.id, Interaction("call", "No answer"), key="k3", **SOON)
    crm.opt_out(made.id, key="k4", **SOON)
    crm.list_interactions(made.id, limit=3, **SOON)
    for key in ("k1", "k2", "k3", "k4", "k5"):
        crm.find_by_key(key, **SOON)
    assert world.requests("hubspot", "/search") == []
    crm.find_customer(phone="612-555-0150", **SOON)
    assert len(world.requests("hubspot", "/search")) == 1


# -- keys -------------------------------------------------------------------------------


def test_a_double_of_a_note_is_the_first_one(crm: Crm, world: World):
    noted = Interaction("email_sent", "A quote")
    world.order(Fault("hubspot", "drop_after", path="/objects/notes"))
    failure(crm.log_interaction, "1001", noted, key="task.3")
    found = crm.find_by_key("task.3", **SOON)
    assert found is not None
    assert crm.log_interaction("1001", noted, key="task.3", **SOON) == found
    assert world.count("hubspot_notes") == 1


def test_without_a_property_for_keys_nothing_is_looked_up(hubspot: str, world: World):
    crm = connect(hubspot, "opted_out=no_offers")
    assert crm.capabilities() == {"interactions", "opt_out"}
    assert failure(crm.find_by_key, "k").detail == "unsupported: key"
    crm.log_interaction("1001", Interaction("call", "No answer"), key="k", **SOON)
    assert "sop_engine_key" not in world.all("hubspot_notes")[0]["properties"]


# -- what it lacks ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"status": "past"}, "status"),
        ({"services": ("mowing",)}, "services"),
        ({"not_signed_for_season": "lawn-2027"}, "signed_seasons"),
        ({"last_service_before": date(2026, 1, 1)}, "last_service_at"),
    ],
)
def test_a_filter_without_a_property_is_refused_by_name(
    hubspot: str, world: World, wanted: dict[str, Any], field: str
):
    """Left out in silence it would find everybody, and everybody would be written to."""
    error = failure(connect(hubspot, "").list_customers, CustomerFilter(**wanted))
    assert (type(error), error.detail) == (Refused, f"unsupported: {field}")
    assert world.requests("hubspot") == []


def test_a_field_without_a_property_is_refused_by_name(hubspot: str):
    crm = connect(hubspot, "")
    error = failure(crm.upsert_lead, LEAD | {"source": "the web form"}, key="k")
    assert error.detail == "unknown_field: source"
    assert failure(crm.opt_out, "1001", key="k").detail == "unsupported: opted_out"
    assert crm.upsert_lead(LEAD, key="k", **SOON).name == "Rachel Sandberg"


def test_a_property_that_the_portal_does_not_have_is_named(hubspot: str):
    crm = connect(hubspot, "source=nowhere")
    error = failure(crm.update_customer, "1001", {"source": "the web form"}, key="k")
    assert (type(error), error.detail) == (Refused, "property_doesnt_exist: nowhere")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services", "'services' is not FIELD=property"),
        ("colour=red", "the fields are: status, services"),
        ("services=our services", "not FIELD=property"),
        ("services=a,notes=a", "one property for two fields"),
    ],
)
def test_a_wrong_setting_is_said_at_the_start(text: str, said: str):
    with pytest.raises(SettingsInvalid, match=said):
        connect("http://127.0.0.1:1", text)


# -- answers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "least"), [("TEN_SECONDLY_ROLLING", 5.0), ("DAILY", 3000.0), ("SECONDLY", 1.0)]
)
def test_a_limit_without_retry_after_goes_by_its_policy(
    crm: Crm, world: World, policy: str, least: float
):
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": policy}
    world.order(Fault("hubspot", "answer", status=429, body=json.dumps(body)))
    error = failure(crm.get_customer, "1001")
    assert isinstance(error, RateLimited)
    assert error.detail == policy.lower()
    assert error.retry_after >= least


def test_a_batch_of_which_its_only_part_failed_is_a_failure(crm: Crm, world: World):
    errors = [{"category": "VALIDATION_ERROR", "context": {}, "message": "Rachel"}]
    body = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": errors}
    world.order(Fault("hubspot", "answer", path="upsert", status=207, body=json.dumps(body)))
    assert isinstance(failure(crm.upsert_lead, LEAD, key="k"), Refused)


def test_messages_stay_outside(crm: Crm):
    error = failure(crm.update_customer, "1001", {"email": "not an address"}, key="k")
    assert error.detail == "invalid_email: email"
    assert "Anna" not in str(error)


def test_a_note_that_a_person_wrote_is_read_as_text(crm: Crm, world: World):
    body = "<div><p>Gate code &amp; dog:<br>ring twice</p></div>"
    note = {"hs_note_body": body, "hs_timestamp": "2026-11-20T10:00:00Z"}
    world.put("hubspot_notes", "77", {"id": "77", "properties": note, "contacts": ["1001"]})
    [seen] = crm.list_interactions("1001", limit=3, **SOON)
    assert (seen.kind, seen.summary) == ("note", "Gate code & dog:\nring twice")


def test_a_contact_that_left_hubspots_own_mailing_has_opted_out(crm: Crm, world: World):
    contact = world.get("hubspot_contacts", "1001")
    assert contact is not None
    contact["properties"]["hs_email_optout"] = "true"
    world.put("hubspot_contacts", "1001", contact)
    found = crm.get_customer("1001", **SOON)
    assert found is not None
    assert found.opted_out


def test_several_requests_share_the_time_of_one_call(crm: Crm, world: World):
    world.order(Fault("hubspot", "slow", path="/objects/contacts/rachel", seconds=0.7))
    world.order(Fault("hubspot", "slow", path="/batch/upsert", seconds=0.7))
    error = failure(crm.upsert_lead, LEAD, key="k", timeout=1.0)
    assert error.detail == "timeout"
    world.clear_faults()
    world.order(Fault("hubspot", "slow", path="/objects/contacts/rachel", seconds=2))
    assert type(failure(crm.upsert_lead, LEAD, key="k", timeout=0.5)) is Unreachable


def test_a_folder_of_the_seeds_is_what_the_suite_runs_on(tmp_path: Path):
    world = World(tmp_path / "other.db")
    assert load_contacts(world, SEEDS) == world.count("hubspot_contacts") == 40
