"""Checks on drafts: every problem is found, and no ordinary mail raises an alarm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.llm.checks import draft_problems, odd_case

FACTS = """\
customer_name: Anna van der Berg
customer_phone: +16125550142
customer_email: anna@example.com
invoice_number: INV-2041
invoice_amount: 1,240.50
services: lawn care, snow removal
quote_valid_until: 2026-12-04
website: https://snowmass.example/snow
Spring offer: 10% off, or $45 a visit
office: (612) 555-0188, office@snowmass.example
"""

GOOD = [
    (
        "Your request about snow removal",
        "Hi Anna,\n\nThank you for writing to us about snow removal at your place. We would be"
        " happy to come by for a free estimate between 8:00 and 10:30 on Tuesday, December 1st."
        ' We clear drives within 24 hours of any fall of 2" or more, from November 15 to April 15.'
        "\n\nWould that suit you?",
    ),
    (
        "Invoice INV-2041: a friendly reminder",
        "Dear Ms. van der Berg,\n\nOur invoice INV-2041 over $1,240.50 was due on 11/09/2026. If"
        " you have paid it in the last 3 days, please ignore this note. You can reach us at"
        " 612-555-0188 or office@snowmass.example.",
    ),
    (
        "Last season's fertilizer, and next spring",
        "Hi Anna,\n\nIn 2025 we did 4 rounds of fertilizer and weed control for you. As you were"
        " with us before, you get 10% off, and a visit comes to $45. We stand behind it 100%: if"
        " dandelions come back within 30 days, so do we. Details: https://snowmass.example/snow.",
    ),
    (
        "Re: Quote",
        "Hello Anna -\n\nJust checking whether you had time to look at the quote (valid until"
        " 12/04/2026). Our crew has openings at St. Paul and Edina; e.g. Mark, who will mark the"
        " sprinkler heads first. P.S. Gate code 4-digit? Zip 55401-1234, lot 0.25 acre.\n_____\n",
    ),
    ("Thanks!", "ANNA'S GARDEN looks great, Anna! May we quote you? [1] says so (really)."),
]


@pytest.mark.parametrize(("subject", "body"), GOOD)
def test_an_ordinary_mail_raises_no_alarm(subject: str, body: str):
    problems = draft_problems(
        subject, body, required_names=["Anna van der Berg"], context_text=FACTS
    )
    assert problems == ([] if "ANNA'S" not in body else ["name_odd_case"])


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("Your quote for {{service}} is ready.", "placeholder_left"),
        ("Your quote for {service} is ready.", "placeholder_left"),
        ("We will come on [DATE].", "placeholder_left"),
        ("We will come on [insert date here].", "placeholder_left"),
        ("It costs [price].", "placeholder_left"),
        ("Yours, <your name>", "placeholder_left"),
        ("It costs $XX for each visit.", "placeholder_left"),
        ("Call XXX any time.", "placeholder_left"),
        ("The date is ____ this year.", "placeholder_left"),
        ("The price is TBD.", "placeholder_left"),
        ("See http://snowmass-offers.example/now", "link_not_in_context"),
        ("See www.elsewhere.com for more.", "link_not_in_context"),
        ("See elsewhere.com/deal for more.", "link_not_in_context"),
        ("See https://snowmass.example/snow/free for more.", "link_not_in_context"),
        ("It is $46 a visit.", "price_not_in_context"),
        ("It is 99 dollars a visit.", "price_not_in_context"),
        ("It is forty dollars a visit.", "price_not_in_context"),
        ("You get 15% off.", "price_not_in_context"),
        ("Save up to 20 percent this week.", "price_not_in_context"),
        ("The 9th costs $9.", "price_not_in_context"),
        ("Call (651) 555-0100.", "phone_not_in_context"),
        ("Call 555-0199.", "phone_not_in_context"),
        ("Call +442079460000.", "phone_not_in_context"),
        ("Write to billing@snowmass.example.", "email_not_in_context"),
        ("MIKE and ANNA, we are glad.", "name_odd_case"),
    ],
)
def test_each_problem_is_found_alone(wrong: str, problem: str):
    body = f"Hi Anna,\n\n{wrong}\n"
    found = draft_problems(
        "Your lawn", body, required_names=["Anna van der Berg"], context_text=FACTS
    )
    assert found == [problem]


@pytest.mark.parametrize("greeting", ["Dear Customer,", "Hello valued customer!", "Hi [Name],"])
def test_a_greeting_to_nobody_is_a_placeholder(greeting: str):
    assert "placeholder_left" in draft_problems("Your lawn", f"{greeting}\n\nThank you.")


def test_a_missing_name_is_found_and_an_unknown_one_is_not_asked_for():
    assert draft_problems("Lawn", "Hello,\n\nThank you.", required_names=["Anna Berg"]) == [
        "name_missing"
    ]
    assert draft_problems("Lawn", "Hello,\n\nThank you.", required_names=["", " "]) == []


@pytest.mark.parametrize(
    "greeting", ["Hi Jose,", "Dear Mr. García,", "Hi José!", "Hi José García,"]
)
def test_a_name_is_addressed_by_any_of_its_parts(greeting: str):
    assert draft_problems("Lawn", f"{greeting}\n\nHi.", required_names=["José García"]) == []


def test_a_name_in_lower_case_counts_in_the_greeting_only():
    will = {"required_names": ["Will Olson"]}
    assert draft_problems("Lawn", "Hi Will,\n\nwe will come.", **will) == []
    assert draft_problems("Lawn", "hi will,\n\nwe will come.", **will) == ["name_odd_case"]


def test_the_name_as_the_record_shouts_it_is_odd_and_put_right_it_is_not():
    mike = {"required_names": ["MIKE"]}
    assert draft_problems("Lawn", "Hi MIKE,\n\nThanks.", **mike) == ["name_odd_case"]
    assert draft_problems("Lawn", "Hi Mike,\n\nThanks.", **mike) == []


def test_numbers_that_are_no_amounts_do_not_make_a_price_known():
    facts = "task: 50\nquote_valid_until: 2026-12-04\nservices: 3 visits"
    assert draft_problems("Lawn", "It is $50.", context_text=facts) == ["price_not_in_context"]
    assert draft_problems("Lawn", "It is $50.", context_text="quote_price: 50") == []
    assert draft_problems("Lawn", "It is $50.", context_text="agreed: 50.00") == []


def test_links_are_compared_without_scheme_and_punctuation_and_may_be_allowed():
    assert draft_problems("Lawn", "See Snowmass.example/snow.", context_text=FACTS) == []
    link = "https://snowmass.example/review"
    assert draft_problems("Lawn", f"See {link}!", allowed_links=[link]) == []


def test_empty_and_endless_drafts():
    assert draft_problems("", "Hi") == ["empty"]
    assert draft_problems("Lawn", " \n ") == ["empty"]
    assert draft_problems("Lawn", "word " * 2_000) == ["too_long"]
    assert draft_problems("s" * 151, "Hi") == ["too_long"]


@given(st.text(), st.text(), st.text())
def test_any_text_at_all_is_checked_without_a_crash(subject: str, body: str, name: str):
    draft_problems(subject, body, required_names=[name], context_text=body)


ORDINARY_NAMES = (
    "McDonald;O'Brien;van der Berg;DJ;Jean-Luc;Anna van der Berg;Mike;María José;D’Angelo;"
    "DeShawn;LaToya;JoAnn Smith;J. R. Smith;J.R. Smith;Ludwig von Beethoven;Li;Åsa;王芳;;"
    "Anne-marie;MacLeod;VanDyke;Neil deGrasse Tyson;John Smith III;Lakeview HOA;"
    "ABC Plumbing LLC;St. Paul Church;Bob & Sue Miller;JoJo;Ta'shawn;d'Artagnan;Dr. Smith;"
    "Nguyễn Văn A;LeBron;LuAnn;Siobhán;McCaffrey-O’Neil;T.J.;Smith, John;O'brien;KLM;Ty;"
    "Mr. and Mrs. Olson;The Johnsons;Øyvind;Željko;123;Ng"
)
ODD_NAMES = (
    "MIKE;mIke;mike;ANNA BERG;anna berg;MIKE Johnson;mike Johnson;van der berg;MiKe;MIke;"
    "jean-Luc;JEAN-LUC;O'BRIEN;lee;ÅSA;mcdonald;smITH;José GARCIA;žELJKO"
)


@pytest.mark.parametrize("name", ORDINARY_NAMES.split(";"))
def test_people_may_write_their_names_as_they_do(name: str):
    assert not odd_case(name)


@pytest.mark.parametrize("name", ODD_NAMES.split(";"))
def test_a_name_out_of_a_form_that_nobody_read_is_odd(name: str):
    assert odd_case(name)


@given(st.text())
def test_any_text_may_stand_where_a_name_should(text: str):
    assert odd_case(text) in (True, False)
