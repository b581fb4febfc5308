"""Who wants no more mail says so in a mail of their own as well, and is heeded as in a reply."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from engine.intake import Taken
from engine.mail.opt_out_words import asks_to_stop
from engine.tasks import Task
from tests.engine.hands import answer, begin, question, rows
from tests.engine.test_opting_out import TAKE_BACK, opted_out_in_crm, reasons
from tests.engine.test_replies import MAIL, SEND, leads
from tests.world import Company

OFFER = MAIL | {
    "draft_mail": {"to": "anna@example.com", "to_name": "Anna", "subject": "Your lawn",
                   "text": "Good morning", "commercial": True,
                   "unsubscribe_url": "https://x.example/u"},
}  # fmt: skip


def anna_says(office: Company, text: str, subject: str = "", **headers: str) -> Taken:
    """In a mail that refers to none of ours."""
    mail = EmailMessage()
    mail["From"] = headers.pop("From", "Anna Berg <Anna@example.com>")
    mail["To"], mail["Subject"] = "office@snowmass.example", subject
    mail["Message-ID"] = f"<fresh-{len(rows(office, 'select from mails'))}@example.com>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    taken = office.raw_mail(mail.as_bytes())
    office.settle()
    return taken


def offer_to_anna(office: Company) -> Task:
    made = office.local.all("crm_customer")[0]
    made |= {"name": "Anna Berg", "email": "anna@example.com", "opted_out": False}
    office.local.put("crm_customer", made["id"], made)
    look_up = f"""
- key: look_up
  name: Who is it?
  type: query
  config: {{operation: get_customer, id: '{made["id"]}'}}
"""
    task = begin(office, look_up + SEND, OFFER)
    assert len(office.outbox) == 1
    return task


@pytest.mark.parametrize(
    ("subject", "text"),
    [("hello", "STOP"), ("Unsubscribe", ""), ("UNSUBSCRIBE", "Thank you\nAnna Berg"),
     ("", "Please take me off your list.\n\nAnna Berg")],
)  # fmt: skip
def test_it_holds_at_once_and_a_person_sees_it(office: Company, subject: str, text: str) -> None:
    offer = offer_to_anna(office)
    taken = anna_says(office, text, subject)
    assert taken.verdict == "reply"
    [asking] = taken.tasks
    assert leads(office) == []
    assert reasons(office) == ["opted_out"]
    assert question(office, asking)["title"].endswith(
        "wants no more mail: nothing more goes to them"
    )
    assert office.events(offer)[-2:] == ["customer_opted_out", "customer_replied"]
    assert begin(office, SEND, MAIL, slug="again").error == "refused:suppressed_opted_out"
    assert not opted_out_in_crm(office)
    answer(office, asking, "leave")
    assert opted_out_in_crm(office)
    assert len(office.outbox) == 1


def test_the_crm_hears_of_it_though_we_have_never_written(office: Company) -> None:
    made = office.local.all("crm_customer")[0]
    office.local.put("crm_customer", made["id"], made | {"email": "anna@example.com"})
    [asking] = anna_says(office, "Unsubscribe").tasks
    assert reasons(office) == ["opted_out"]
    done = answer(office, asking, "leave")
    assert (done.status, done.subject) == ("completed", made["id"])
    assert opted_out_in_crm(office)
    notes = [one for one in office.local.all("crm_interaction") if one["kind"] == "stop_writing"]
    assert len(notes) == 1
    told = [row["event_type"] for row in office.timeline(done)]
    assert told.count("customer_opted_out") == 0


def test_of_a_stranger_it_is_kept_and_can_be_taken_back(office: Company) -> None:
    [asking] = anna_says(office, "stop", From="Zoe <zoe@nowhere.example>").tasks
    labels = [option["label"] for option in question(office, asking)["options"]]
    assert labels == ["Leave it at that", "Reply", TAKE_BACK]
    answer(office, asking, "write_again")
    assert reasons(office) == []


def test_both_addresses_are_left_alone_where_answers_go_elsewhere(office: Company) -> None:
    anna_says(office, "STOP", Reply_To="anna@work.example")
    assert reasons(office) == ["opted_out", "opted_out"]
    assert begin(office, SEND, MAIL).error == "refused:suppressed_opted_out"


@pytest.mark.parametrize(
    ("subject", "text"),
    [("Stop", "Please stop the mowing from Friday on, we have moved."),
     ("Unsubscribe link", "Yours is broken, how much is snow removal?"),
     ("Snow", "Please stop by on Friday"), ("Remove me", "from Monday's route, please")],
)  # fmt: skip
def test_what_means_something_else_is_a_mail_like_any_other(
    office: Company, subject: str, text: str
) -> None:
    assert anna_says(office, text, subject).verdict == "task"
    assert reasons(office) == []


def test_a_machine_is_not_heeded(office: Company) -> None:
    assert anna_says(office, "unsubscribe", Auto_Submitted="auto-replied").verdict == "auto_reply"
    assert reasons(office) == []


def test_the_subject_counts_where_it_can_mean_nothing_else() -> None:
    assert asks_to_stop("", "STOP")
    assert not asks_to_stop("The mowing, please", "STOP")
    assert asks_to_stop("Thank you, Anna", "Unsubscribe me, please")
    assert not asks_to_stop("", "Re: Your lawn")
