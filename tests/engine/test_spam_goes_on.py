"""Who sells something writes three times, each mail in answer to the last: it stays spam."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage

from engine import daily_summary
from engine.intake import Taken
from tests.engine.hands import OWNER, rows
from tests.world import MAILS, Company


def follows(office: Company, text: str, nr: int = 2) -> Taken:
    first = message_from_bytes((MAILS / "spam.eml").read_bytes())
    mail = EmailMessage()
    mail["From"], mail["To"] = first["From"], first["To"]
    mail["Subject"], mail["Message-ID"] = f"Re: {first['Subject']}", f"<spam-{nr}@example.com>"
    mail["In-Reply-To"] = first["Message-ID"]
    mail.set_content(f"{text}\n\nOn Tue, Nov 24, 2026 at 9:00 AM Sam <s@x.example> wrote:\n"
                     "> Dear business owner, our SEO team will increase your traffic.\n"
                     "> A limited-time offer with a website redesign, click here.\n")  # fmt: skip
    taken = office.raw_mail(mail.as_bytes())
    office.settle()
    return taken


def test_what_follows_on_spam_rings_no_phone(office: Company) -> None:
    spam = office.mail("spam")
    office.settle()
    assert office.see(spam).status == "completed"
    posts = len(office.requests("slack", "chat.postMessage"))
    taken = follows(office, "Just floating this to the top of your inbox.")
    assert taken.verdict == "task"
    [task] = taken.tasks
    assert office.see(task).status == "completed"
    assert "SEO" in office.see(task).context["email_text"]
    assert len(office.requests("slack", "chat.postMessage")) == posts
    assert rows(office, "select number from tasks where status = 'waiting_on_human'") == []


def test_what_a_person_has_said_is_no_spam_is_replied_to(office: Company) -> None:
    spam = office.mail("spam")
    office.settle()
    with office.runtime.database.transaction("not_spam") as conn:
        daily_summary.not_spam(conn, office.runtime.procedures, spam.id, OWNER)
    office.settle()
    assert follows(office, "Did you see my mail?").verdict == "reply"
