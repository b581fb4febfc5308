"""SES once more, against a stand-in that others wrote: what we send is what they expect."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from engine.errors import Refused
from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.inbound import read_mail
from engine.mail.ses import SesMailer, effect_key_of, tag_value, wire_message_id
from engine.mail.ses_account import SesAccount
from engine.mail.ses_clients import Clients

OFFICE = Address("Us", "office@us.example")
MAIL = OutgoingMail(to="jane@home.example", subject="Grüße", text="Hello\n\nä € 🎉")


@pytest.fixture
def moto() -> Iterator[None]:
    """moto answers in the SDK's place where it would open a connection."""
    with mock_aws():
        yield


def mailer(sender: Address = OFFICE) -> SesMailer:
    clients = Clients(region="us-east-1", access_key_id="x", secret_access_key="y")
    return SesMailer(sender, clients)


@pytest.mark.usefixtures("moto")
def test_an_unverified_sender_is_refused():
    with pytest.raises(Refused, match="MessageRejected"):
        mailer().send(MAIL, effect_key="t1", timeout=10)


@pytest.mark.usefixtures("moto")
def test_a_mail_is_accepted_whole():
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    boto3.client("sesv2", **keys).create_email_identity(EmailIdentity=OFFICE.address)
    message_id = mailer().send(MAIL, effect_key="t1", timeout=10)
    (kept,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
    assert kept.id == message_id
    mail = read_mail(kept.raw_data.encode())
    assert (mail.subject, mail.text, mail.to) == (MAIL.subject, MAIL.text, (MAIL.to,))


@pytest.mark.usefixtures("moto")
def test_what_ses_knows_is_read_as_others_answer_it():
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    there = boto3.client("sesv2", **keys)
    there.create_email_identity(EmailIdentity="us.example")
    there.create_configuration_set(ConfigurationSetName="office")
    asked = SesAccount(Clients(region="us-east-1", access_key_id="x", secret_access_key="y"))
    sender = asked.sender(OFFICE.address)
    assert sender.own is None
    assert sender.domain is not None
    assert sender.domain.name == "us.example"
    assert sender.domain.dkim == "NOT_STARTED"
    assert asked.sender("office@them.example").domain is None
    assert asked.configuration_set("absent") is None


def test_the_message_id_on_the_wire_is_the_regions():
    assert wire_message_id("01", "us-east-1") == "<01@email.amazonses.com>"
    assert wire_message_id("01", "us-west-2") == "<01@us-west-2.amazonses.com>"


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), min_size=1, max_size=80))
def test_a_tag_gives_the_effect_key_back(key: str):
    tag = tag_value(key)
    assert effect_key_of(tag) == key
    assert set(tag) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@pytest.mark.parametrize("key", ["x" * 257, "ü"])
def test_a_key_that_fits_into_no_tag_is_refused(key: str):
    with pytest.raises(Refused):
        tag_value(key)


def test_who_sends_no_mail_does_not_pay_for_the_sdk():
    code = (
        "import sys, engine.mail.ses; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
