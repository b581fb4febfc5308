"""The outlook in a browser: one is struck out by a thumb, and the list shows it at once."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from engine import outlooks
from engine.people import shell
from tests.browser.axe import PHONE, accessible
from tests.browser.conftest import People
from tests.engine.hands import begin, set_clock
from tests.engine.test_outlooks import FRIDAY, LATER
from tests.world import Company

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_is_struck_out_by_a_thumb(signed_in: People, office: Company, scheme: str) -> None:
    set_clock(office, FRIDAY)
    names = ("Anna Berg", "Bert Dahl", "Cleo Finn")
    made = [
        begin(office, LATER, {"customer_name": name}, slug=f"later_{n}")
        for n, name in enumerate(names)
    ]
    office.pass_time(hours=8.1)
    outlooks.tell_due(office.runtime)
    page = signed_in(color_scheme=scheme, **PHONE)
    page.get_by_role("link", name="Outlook").click()
    expect(page.get_by_role("heading", name="Until tomorrow night")).to_be_visible()
    row = page.get_by_role("listitem").filter(has_text="Bert Dahl")
    row.get_by_role("button", name="Strike out").click()
    page.locator("#confirm").get_by_role("button", name="Strike out").click()
    expect(row.get_by_text("struck out")).to_be_visible()
    expect(page.get_by_role("button", name="Strike out", exact=True)).to_have_count(2)
    assert office.see(made[1]).status == "cancelled"
    accessible(page, "the outlook")
    if os.environ.get("PICTURES"):
        page.screenshot(path=f"{os.environ['PICTURES']}/outlook-{scheme}.png")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.screenshot(path=f"{os.environ['PICTURES']}/outlook-{scheme}-wide.png")


def test_who_struck_it_out_fits_beside_the_name(signed_in: People, office: Company) -> None:
    set_clock(office, FRIDAY)
    task = begin(office, LATER, {"customer_name": "Rachel Sandberg-Quackenbush"})
    office.pass_time(hours=8.1)
    with office.runtime.database.transaction("strike") as conn:
        outlooks.strike(conn, task.id, shell())
    page = signed_in(**PHONE)
    page.get_by_role("link", name="Outlook").click()
    row = page.get_by_role("listitem").filter(has_text="struck out by the command line")
    box = row.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390 - box["x"]
    name = row.get_by_text("Rachel Sandberg-Quackenbush").bounding_box()
    assert name is not None
    assert name["height"] < 30, "the name stands on one line"
