"""What stands under a mail, and what the model knows of the company."""

from __future__ import annotations

import pytest

from engine.business import Business, footer, introduction, load_business
from engine.settings import PROJECT


@pytest.fixture(scope="module")
def business() -> Business:
    return load_business(PROJECT / "seeds" / "business.yaml")


def test_every_mail_says_who_sends_it(business: Business):
    assert footer(business, commercial=False) == (
        "Thank you,\nYour neighbors at Snowmass\n(612) 555-0188\n\n"
        "Snowmass is a trade name of Eighty Eight Services LLC\n"
        "100 Example Street, Suite 88, Minneapolis, MN 55401 | https://snowmass.example"
    )


def test_commercial_mail_says_how_to_have_no_more_of_it(business: Business):
    link = "https://office.example/unsubscribe/abc"
    text = footer(business, commercial=True, unsubscribe_url=link)
    assert text.startswith(footer(business, commercial=False))
    assert text.endswith(f"No more offers: {link}")
    assert link not in footer(business, commercial=False, unsubscribe_url=link)


def test_values_are_never_read_as_templates(business: Business):
    odd = business.model_copy(update={"postal_address": "1 {phone} Street {x}, Edina"})
    assert "1 {phone} Street {x}, Edina" in footer(odd, commercial=False)


def test_every_agent_knows_what_is_offered_and_that_the_signature_comes_by_itself(
    business: Business,
):
    text = introduction(business)
    assert text.startswith("The company is Snowmass. A two-person company in the Twin Cities")
    assert "- snow_removal (snow season): plowing driveways" in text
    assert "do not write them" in text
