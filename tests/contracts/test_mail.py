"""The Mailer port's contract, over the real SDK and a real socket: one call is one request,
whatever happens to it, and every failure has its name."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.errors import (
    Ambiguous,
    RateLimited,
    Refused,
    Unauthorised,
    Unreachable,
    VendorError,
)
from engine.mail import Mailer, OutgoingMail
from engine.mail.ses import EFFECT_TAG, SesMailer, effect_key_of, from_settings
from engine.settings import Settings
from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.world import Fault, FaultKind, World

SEND = "/ses/v2/email/outbound-emails"
KEY = "0198f2c4-7d1e/send:1_a"
MAIL = OutgoingMail(
    to="jane@home.example",
    to_name="Jané Doe",
    subject="Ihr Angebot — your quote",
    text="Hello Jane,\n\nhere it is: https://us.example/q?a=1\n\n-- \nUs",
    reply_to="office+t1@us.example",
    in_reply_to="<q@home.example>",
)


@dataclass(frozen=True)
class MailFrom:
    name: str
    address: str


@dataclass(frozen=True)
class Company:
    mail_from: MailFrom


COMPANY = Company(MailFrom("Us", "office@us.example"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.db")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as base:
        yield f"{base}/ses"


@pytest.fixture
def mailer(url: str) -> SesMailer:
    settings = Settings(SES_ENDPOINT_URL=url, SES_CONFIGURATION_SET="office")  # type: ignore[call-arg]
    return from_settings(settings, COMPANY)


def send(
    mailer: Mailer, mail: OutgoingMail = MAIL, *, key: str = KEY, timeout: float = 20.0
) -> str:
    return mailer.send(mail, effect_key=key, timeout=timeout)


def failure(mailer: Mailer, **kwargs) -> VendorError:
    with pytest.raises(VendorError) as caught:
        send(mailer, **kwargs)
    return caught.value


def test_a_mail_arrives_as_approved(mailer: SesMailer, world: World):
    message_id = send(mailer)
    (mail,) = world.all("outbox")
    assert mail["id"] == message_id
    assert (mail["from"], mail["to"]) == ("office@us.example", ["jane@home.example"])
    assert mail["subject"] == MAIL.subject
    assert mail["text"] == MAIL.text
    assert 'href="https://us.example/q?a=1"' in mail["html"]
    headers = dict(mail["headers"])
    assert headers["To"] == "Jané Doe <jane@home.example>"
    assert headers["Reply-To"] == "office+t1@us.example"
    assert headers["In-Reply-To"] == "<q@home.example>"
    assert mail["configuration_set"] == "office"
    assert base64.b64decode(mail["raw"]).startswith(b"From: Us <office@us.example>\r\n")


def test_the_effect_key_travels_as_a_tag(mailer: SesMailer, world: World):
    send(mailer)
    (mail,) = world.all("outbox")
    assert effect_key_of(mail["tags"][EFFECT_TAG]) == KEY


def test_no_connection_is_kept_for_the_other_side_to_close(mailer: SesMailer, world: World):
    send(mailer)
    assert world.requests("ses")[0]["headers"]["Connection"] == "close"


def test_two_calls_are_two_mails(mailer: SesMailer, world: World):
    assert send(mailer) != send(mailer)
    assert world.count("outbox") == 2


def test_many_threads_share_one_mailer(mailer: SesMailer, world: World):
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda n: send(mailer, key=f"t{n}"), range(24)))
    assert len(ids) == world.count("outbox") == len(world.requests("ses")) == 24


def test_a_lost_call_is_in_doubt_and_is_not_repeated(mailer: SesMailer, world: World):
    world.order(Fault("ses", "drop_before"))
    assert isinstance(failure(mailer), Ambiguous)
    assert len(world.requests("ses")) == 1
    assert world.count("outbox") == 0


@pytest.mark.parametrize("kind", ["drop_after", "truncate"])
def test_a_lost_answer_is_in_doubt_and_is_not_repeated(
    mailer: SesMailer, world: World, kind: FaultKind
):
    world.order(Fault("ses", kind))
    assert isinstance(failure(mailer), Ambiguous)
    assert len(world.requests("ses")) == 1
    assert world.count("outbox") == 1


def test_a_late_answer_is_in_doubt_within_the_time_given(mailer: SesMailer, world: World):
    world.order(Fault("ses", "slow", seconds=60))
    assert isinstance(failure(mailer, timeout=2.5), Ambiguous)
    [request] = world.requests("ses")
    assert request["status"] is None, "it was not waited for"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fell_over_may_have_taken_it(mailer: SesMailer, world: World, status: int):
    world.order(Fault("ses", "answer", status=status, body='{"message":"jane@home.example"}'))
    error = failure(mailer)
    assert isinstance(error, Ambiguous)
    assert "jane" not in str(error)
    assert len(world.requests("ses")) == 1


@pytest.mark.parametrize("body", ["", "{", "{}", "[]", '{"MessageId": ""}', "<html>"])
def test_an_answer_that_says_nothing_is_in_doubt(mailer: SesMailer, world: World, body: str):
    world.order(Fault("ses", "answer", status=200, body=body))
    assert isinstance(failure(mailer), Ambiguous)
    assert len(world.requests("ses")) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "MessageRejected", Refused),
        (400, "BadRequestException", Refused),
        (400, "MailFromDomainNotVerifiedException", Refused),
        (400, "AccountSuspendedException", Refused),
        (400, "SendingPausedException", Refused),
        (404, "NotFoundException", Refused),
        (413, "RequestEntityTooLarge", Refused),
        (403, "AccessDeniedException", Unauthorised),
        (403, "SignatureDoesNotMatch", Unauthorised),
        (401, "", Unauthorised),
        (400, "UnrecognizedClientException", Unauthorised),
        (400, "ExpiredTokenException", Unauthorised),
        (429, "TooManyRequestsException", RateLimited),
        (400, "ThrottlingException", RateLimited),
        (400, "LimitExceededException", RateLimited),
        (408, "RequestTimeout", Ambiguous),
    ],
)
def test_every_error_has_its_name(
    mailer: SesMailer, world: World, status: int, code: str, kind: type[VendorError]
):
    body = '{"message": "jane@home.example is not verified"}'
    headers = {"x-amzn-ErrorType": f"{code}:http://internal"} if code else {}
    world.order(Fault("ses", "answer", status=status, headers=headers, body=body))
    error = failure(mailer)
    assert type(error) is kind
    assert error.vendor == "mail"
    assert code in str(error)
    assert "jane" not in str(error)
    assert len(world.requests("ses")) == 1
    assert world.count("outbox") == 0


@pytest.mark.parametrize(("header", "seconds"), [("17", 17.0), ("soon", 5.0), (None, 5.0)])
def test_when_to_try_again(mailer: SesMailer, world: World, header: str | None, seconds: float):
    headers = {"Retry-After": header} if header else {}
    world.order(Fault("ses", "answer", status=429, headers=headers, body="{}"))
    error = failure(mailer)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_where_nobody_listens_nothing_was_accepted():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(SES_ENDPOINT_URL=f"http://127.0.0.1:{port}")  # type: ignore[call-arg]
    assert isinstance(failure(from_settings(settings, COMPANY)), Unreachable)


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(tmp_path: Path):
    """A handshake that fails is not in doubt: no byte of the mail was sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(
            target=_present_own_certificate, args=(server, tmp_path), daemon=True
        ).start()
        settings = Settings(SES_ENDPOINT_URL=f"https://127.0.0.1:{port}")  # type: ignore[call-arg]
        assert isinstance(failure(from_settings(settings, COMPANY)), Unreachable)


def test_no_time_left_is_no_call(mailer: SesMailer, world: World):
    assert isinstance(failure(mailer, timeout=0.5), Unreachable)
    assert world.requests("ses") == []


def test_without_a_credential_nothing_is_sent(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert isinstance(failure(from_settings(Settings(), COMPANY)), Unauthorised)


@pytest.mark.parametrize(
    "mail",
    [
        OutgoingMail(to="jane@home.example\nBcc: x@y.example", subject="s", text="t"),
        OutgoingMail(to="jane@home.example", subject="s\r\nBcc: x@y.example", text="t"),
        OutgoingMail(to="jane@home.example", subject="s", text="t", commercial=True),
    ],
)
def test_what_may_not_be_sent_never_leaves(mailer: SesMailer, world: World, mail: OutgoingMail):
    assert isinstance(failure(mailer, mail=mail), Refused)
    assert world.requests("ses") == []


def _present_own_certificate(server: socket.socket, folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    certificate = builder.sign(key, hashes.SHA256())
    file = folder / "own.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    try:
        connection, _ = server.accept()
        context.wrap_socket(connection, server_side=True)
    except OSError:
        pass  # the other side hangs up, as it should
