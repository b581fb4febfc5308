"""Real mails, as a person reads them: each expectation was taken from the raw file."""

from __future__ import annotations

import pytest

from engine.mail.inbound import read_mail
from tests.mail.samples import all_samples, needs_samples, sample

pytestmark = needs_samples

# file, sender, its name, subject, a piece of the text
READ = [
    # Charsets: the body's, the header's, none, an unknown one, a wrong one.
    (
        "multi_charset/japanese.eml",
        "raasdnil@gmail.com",
        "Mikel Lindsaar",
        "まみむめも",
        "かきくえこ",
    ),
    (
        "multi_charset/japanese_iso_2022.eml",
        "raasdnil@gmail.com",
        "Mikel Lindsaar",
        "まみむめも",
        "すみません。",
    ),
    (
        "multi_charset/japanese_shift_jis.eml",
        "xxxxxxx@docomo.ne.jp",
        "",
        "test",
        "このメールはテスト用のメールです。",
    ),
    ("multi_charset/ks_c_5601-1987.eml", "from@example.com", "", "test", "스티해"),
    (
        "plain_emails/raw_email.eml",
        "jamis@37signals.com",
        "Jamis Buck",
        "NOTE: 한국말로 하는 것",
        "제 이름은 Jamis입니다.",
    ),
    (
        "plain_emails/raw_email_with_partially_quoted_subject.eml",
        "jamis@37signals.com",
        "Jamis Buck",
        'Re: Test: "漢字" mid "漢字" tail',
        "우리는 하나님을 믿습니다",
    ),
    (
        "plain_emails/raw_email10.eml",  # charset X-UNKNOWN
        "xxx@xxxx.xxx",
        "",
        "",
        "Envoyé par le service de messagerie texte de Bell Mobilité.",
    ),
    (
        "plain_emails/raw_email6.eml",  # says us-ascii and is UTF-8
        "xxx@xxxx.xxx",
        "",
        "",
        "Envoyé par le service de messagerie texte de Bell Mobilité.",
    ),
    (
        "rfc6532/utf8_headers.eml",
        "jdöe@mächine.example",
        "Jöhn Doe",
        "Säying Hello",
        "body",
    ),
    (
        "error_emails/invalid_subject_characters.eml",  # raw Latin-1 in the header
        "info@formacaofrenetik.info",
        "Formação Frenetikpolis",
        "Formação FrenetikPolis: Mega Campanha Final Verão | Cursos de Setembro",
        "TEST",
    ),
    (
        "plain_emails/raw_email_bad_time.eml",
        "yusuf75thu@auracom.net",
        "Атиковa",  # the last letter is a Latin a in the file, too
        "[0]: XXXXXXX XXXXX XXXXX !",
        "This message has been scanned for viruses",
    ),
    (
        "error_emails/header_fields_with_empty_values.eml",
        "jorn@prikkprikkprikk.no",
        "Jørn Støylen",
        "Testmail",
        "Jørn Støylen -- http://www.prikkprikkprikk.no",
    ),
    # Encoded words, badly broken up.
    (
        "error_emails/bad_subject.eml",
        "carol@mysurvey.com",
        "MySurvey.com & Carol Adams",
        "MySurvey.com: You have a survey waiting! 91123105",
        "You have a survey waiting!",
    ),
    (
        "rfc2822/example14.eml",  # a blank folded line within the subject
        "atsushi@example.com",
        "Atsushi Yoshida",
        "Re: TEST テストテスト",
        "Hello",
    ),
    # Broken header lines and addresses.
    (
        "plain_emails/raw_email_incorrect_header.eml",
        "xxx@xxx.xxx",
        "xxx xxx",
        "Stop adware/spyware once and for all.",
        "Get your free scan and removal download now,",
    ),
    (
        "plain_emails/mix_caps_content_type.eml",  # no angle brackets around the address
        "bb@bug.com",
        "Big Bug",
        "undef method parameter bug",
        "foo bar",
    ),
    (
        "rfc2822/example13.eml",  # comments and spaces inside the address
        "jdoe@machine.example",
        "John Doe",
        "Saying Hello",
        'So, "Hello".',
    ),
    (
        "rfc2822/example10.eml",
        "pete@silly.test",
        "Pete",
        "",
        "Testing.",
    ),
    # Broken MIME.
    (
        "mime_emails/raw_email4.eml",  # the closing boundary lacks a hyphen
        "xxx@xxxx.xxx",
        "",
        "Filth",
        "This Orange Multi Media Message was sent wirefree",
    ),
    (
        "mime_emails/raw_email_with_illegal_boundary.eml",
        "email_test@me.nowhere",
        "Mikel Lindsaar",
        "Testing outlook",
        "Hello\nThis is an outlook test\n\nSo there.",
    ),
    (
        "error_emails/multiple_content_types.eml",
        "redacted@flashmail.net",
        "",
        "Redacted",
        "foo",
    ),
    (
        "error_emails/multiple_references_with_one_invalid.eml",
        "redacted@flashmail.net",
        "",
        "Redacted",
        "foo",
    ),
    (
        "error_emails/content_transfer_encoding_qp_with_space.eml",
        "fyouizjnp@swissonline.ch",
        "Wilmer Capps",
        "Low or High Blood Pressure? We can help.",
        "you can't go wrong.\n\nhttp://magyar8stator.com/26 Lots More Info Here",
    ),
    (
        "error_emails/content_transfer_encoding_text-html.eml",  # HTML only
        "abhijit.862153drinnan@datavalet.com",
        "chianfong cuthbert",
        "Re: We will help you refinance your home.",
        "Approval Form <http://www.lenxzc.com/index2.php?refid=malx>",
    ),
    (
        "mime_emails/email_with_similar_boundaries.eml",
        "xxxxxx@xxxxxxxx.xxx",
        "Xxxxx",
        "Xxxxxx",
        "Test",
    ),
]


@pytest.mark.parametrize(("file", "sender", "name", "subject", "piece"), READ)
def test_a_real_mail_is_read_as_a_person_reads_it(
    file: str, sender: str, name: str, subject: str, piece: str
):
    mail = read_mail(sample(file))
    assert (mail.sender, mail.sender_name, mail.subject) == (sender, name, subject)
    assert piece in mail.text
    assert piece in mail.fresh_text


@pytest.mark.parametrize("path", all_samples(), ids=lambda path: path.stem)
def test_every_real_mail_with_a_sender_gives_usable_fields(path):
    raw = path.read_bytes()
    mail = read_mail(raw)
    assert "unreadable" not in mail.defects
    assert ("@" in mail.sender) == (b"\nfrom" in b"\n" + raw.lower().split(b"\n\n")[0])
    for text in (mail.subject, mail.text, mail.fresh_text, mail.sender_name):
        text.encode("utf-8")
        assert "\0" not in text
        assert "=?" not in text or "=?" in path.stem
    # What has a body with letters in it has a text.
    if mail.sender and not mail.text:
        assert mail.attachments or path.stem in {
            "bad_date_header",
            "bad_date_header2",
            "empty_in_reply_to",
            "missing_body",
            "must_supply_encoding",
        }


BOUNCES = [
    "multipart_report_emails/multi_address_bounce1.eml",
    "multipart_report_emails/multi_address_bounce2.eml",
    "multipart_report_emails/multipart_report_multiple_status.eml",
    "multipart_report_emails/report_422.eml",
    "multipart_report_emails/report_530.eml",
    "mime_emails/raw_email_with_mimepart_without_content_type.eml",
]


def test_of_the_real_mails_only_those_of_machines_are_automatic():
    found = {
        str(path.relative_to(path.parents[1])): mail.automatic
        for path in all_samples()
        if (mail := read_mail(path.read_bytes())).automatic
    }
    assert found == dict.fromkeys(BOUNCES, "bounce") | {
        "error_emails/bad_date_header.eml": "bulk",  # Precedence: junk
        "error_emails/empty_in_reply_to.eml": "list",
    }


def test_attachments_are_listed_with_the_names_that_people_gave_them():
    def names(file: str) -> list[str]:
        return [one.name for one in read_mail(sample(f"attachment_emails/{file}")).attachments]

    assert names("attachment_nonascii_filename.eml") == ["ciële.txt"]
    assert names("attachment_with_quoted_filename.eml") == ["Eelanalüüsi päring.jpg"]
    assert names("attachment_with_unquoted_name.eml") == ["This is a test.txt"]
    assert names("attachment_with_base64_encoded_name.eml") == ["This is a test.pdf"]
    mail = read_mail(sample("multi_charset/japanese_attachment_long_name.eml"))
    assert [one.name for one in mail.attachments] == ["かきくけこ" * 5 + ".txt"]


def test_a_forwarded_mail_keeps_what_was_forwarded():
    mail = read_mail(sample("plain_emails/raw_email8.eml"))
    assert "Test attachments oddly encoded with japanese charset." in mail.fresh_text
