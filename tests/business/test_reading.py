"""The business file: the one that ships is right, and a wrong one says where and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.business import Business, load_business
from engine.errors import SettingsInvalid
from engine.settings import PROJECT

SHIPPED = PROJECT / "seeds" / "business.yaml"
CONTENT: dict[str, Any] = yaml.safe_load(SHIPPED.read_text("utf-8"))


def told(tmp_path: Path, content: Any) -> str:
    """What the owner is told of a file with this content."""
    file = tmp_path / "business.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(SettingsInvalid) as caught:
        load_business(file)
    message = str(caught.value)
    assert str(file) in message
    return message.partition(f"{file}: ")[2] or message


def test_the_file_that_ships_can_be_used():
    business = load_business(SHIPPED)
    assert business.name == "Snowmass"
    assert business.zone.key == "America/Chicago"
    assert business.mail_from.address in business.own_addresses
    assert {service.season for service in business.services} == {"lawn", "snow"}
    assert business.form_relays[0].covers("no-reply@forms.example.com")
    assert not business.opening_hours.get(6)


def test_our_own_addresses_hold_what_we_send_from_and_are_answered_at():
    content = CONTENT | {
        "mail_from": {"address": "Office@Example.com", "name": "Us"},
        "reply_address": "Answers+{token}@example.com",
        "own_addresses": ["Owner@example.com"],
    }
    business = Business.model_validate(content)
    assert business.own_addresses == {
        "office@example.com",
        "answers@example.com",
        "owner@example.com",
    }


@pytest.mark.parametrize("field", ["name", "postal_address", "phone", "services", "signature"])
def test_a_missing_field_is_named_with_what_it_is_for(tmp_path: Path, field: str):
    message = told(tmp_path, {name: CONTENT[name] for name in CONTENT if name != field})
    assert message.startswith(f"{field} is missing; give ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signatur": "x"}, "signatur: there is no such field; did you mean signature?"),
        ({"phone": 6125550188}, "phone: input should be a valid string; give the number"),
        ({"time_zone": "Chicago"}, "time_zone: is no time zone; America/Chicago is one"),
        ({"business_hours": {"monday": "8-17"}}, "business_hours.monday: must be from and until"),
        ({"business_hours": {"monday": "17:00-08:00"}}, "business_hours.monday: must open before"),
        ({"business_hours": {"monday": "08:00-24:30"}}, "business_hours.monday: must open before"),
        ({"business_hours": {"monday": "closed"}}, "business_hours: needs at least one day"),
        (
            {"business_hours": {"mon": "08:00-17:00"}},
            "business_hours.mon: input should be 'monday'",
        ),
        ({"holidays": [{"day": "13-45"}]}, "holidays.0.day: month must be in 1..12"),
        ({"holidays": ["12-25"]}, "holidays.0: must be fields with names; give day and name"),
        ({"footer": "Bye. {phone}"}, "footer: must hold {postal_address}, and may hold"),
        ({"footer": "{postal_address} {tone}"}, "footer: must hold {postal_address}, and may"),
        ({"footer": "{postal_address} {"}, "footer: "),
        ({"unsubscribe": "No more?"}, "unsubscribe: must hold {unsubscribe_url}"),
        ({"mail_from": {"address": "A <a@b.example>", "name": "A"}}, "mail_from.address: must be"),
        ({"form_relays": [{"from": "nobody"}]}, "form_relays.0.from: "),
        (
            {"services": [{"name": "mowing", "season": "summer", "description": "x"}]},
            "services: mowing: there is no season summer; there are lawn, snow",
        ),
        ({"seasons": [{"name": "lawn"}]}, "seasons.0.starts is missing; give its first day"),
        (
            {"services": [{"nam": "x"}]},
            "services.0.nam: there is no such field; did you mean name?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_its_cure(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    assert message in told(tmp_path, CONTENT | changes)


def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path):
    assert "line 2: not valid YAML: found unexpected end of stream; check indent" in told(
        tmp_path, 'name: Snowmass\nphone: "612'
    )
    assert "must be a list of fields" in told(tmp_path, "- name")


def test_a_missing_file_is_told_with_its_cure(tmp_path: Path):
    with pytest.raises(SettingsInvalid, match=r"missing; copy seeds/business\.yaml there"):
        load_business(tmp_path / "business.yaml")


def test_what_stands_twice_is_told_with_its_line(tmp_path: Path):
    """YAML itself would keep the last and say nothing."""
    message = told(tmp_path, f"{SHIPPED.read_text('utf-8')}\nname: Another\n")
    assert message.endswith(": 'name' stands twice; keep one")
