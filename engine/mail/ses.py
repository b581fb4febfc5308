"""Amazon SES by its v2 API: one request per mail, and the truth about what came of it.

SES has no idempotency key. So the SDK's own retries are off, and an answer that does not
say clearly that the mail was refused or accepted is Ambiguous: every 5xx is, for the mail
may have been queued before the server fell over. The effect key travels as a tag, which
comes back in the SEND event and so settles what was ambiguous.
"""

from __future__ import annotations

import re
import ssl
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import urlparse

from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError
from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.composition import compose
from engine.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

EFFECT_TAG = "effect"
TIME_LIMITS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Timeouts of a client are fixed, so there is one client for each of these; a call takes
the longest that fits into what its step has left."""

THROTTLED = {"TooManyRequestsException", "Throttling", "ThrottlingException", "SlowDown"}
QUOTA_WAIT = 900.0
UNAUTHORISED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


class Company(Protocol):
    """Of the business file: the name and address that mails come from."""

    @property
    def mail_from(self) -> MailFrom: ...


class MailFrom(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...


def from_settings(settings: Settings, company: Company) -> SesMailer:
    key, secret = settings.aws_access_key_id, settings.aws_secret_access_key
    endpoint = settings.ses_endpoint_url
    local = urlparse(endpoint).hostname in {"127.0.0.1", "localhost"}
    return SesMailer(
        Address(company.mail_from.name, company.mail_from.address),
        region=settings.ses_region,
        endpoint_url=endpoint,
        # A stand-in asks for no credential, but the SDK signs each request with one.
        access_key_id=key.get_secret_value() or ("local" if local else ""),
        secret_access_key=secret.get_secret_value() or ("local" if local else ""),
        configuration_set=settings.ses_configuration_set,
        longest=settings.mail_timeout_seconds,
    )


class SesMailer:
    """The Mailer port. Thread-safe: boto's clients are shared, their making is locked."""

    def __init__(
        self,
        sender: Address,
        *,
        region: str,
        endpoint_url: str = "",
        access_key_id: str = "",
        secret_access_key: str = "",
        configuration_set: str = "",
        longest: float = 20.0,
    ) -> None:
        self._sender = sender
        self._region = region
        self._endpoint_url = endpoint_url
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._configuration_set = configuration_set
        self._limits = [limit for limit in TIME_LIMITS if limit <= longest] or [longest]
        self._clients: dict[float, SESV2Client] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    def prepare(self, timeout: float) -> None:
        self._client(timeout)

    def send(self, mail: OutgoingMail, *, effect_key: str, timeout: float) -> str:
        raw = compose(mail, self._sender, effect_key)
        optional: dict[str, Any] = {}
        if self._configuration_set:
            optional["ConfigurationSetName"] = self._configuration_set
        client = self._client(timeout)
        try:
            answer = client.send_email(
                FromEmailAddress=self._sender.address,
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": raw}},
                EmailTags=[{"Name": EFFECT_TAG, "Value": tag_value(effect_key)}],
                **optional,
            )
        except Exception as error:
            _translate(error)
        message_id = answer.get("MessageId")
        if not message_id:
            raise Ambiguous("mail", "no_message_id")
        return message_id

    def _client(self, timeout: float) -> SESV2Client:
        limit = max((limit for limit in self._limits if limit <= timeout), default=None)
        if limit is None:
            raise Unreachable("mail", "no_time_left")
        with self._lock:
            if limit not in self._clients:
                self._clients[limit] = self._make_client(limit)
            return self._clients[limit]

    def _make_client(self, limit: float) -> SESV2Client:
        # Imported here: 0.7 s and 25 MB that only a process that sends mail must pay.
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.session.Session(
                aws_access_key_id=self._access_key_id or None,
                aws_secret_access_key=self._secret_access_key or None,
                region_name=self._region,
            )
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=limit / 4,
            read_timeout=limit * 3 / 4,
            max_pool_connections=20,
            tcp_keepalive=True,
        )
        client = self._session.client(
            "sesv2", config=config, endpoint_url=self._endpoint_url or None
        )
        client.meta.events.register("before-send.sesv2.SendEmail", _close_after)
        return client


def _close_after(request: Any, **_: Any) -> None:
    """A connection kept since the last mail may be closed by the other side just as we write,
    and nobody could tell that from a lost answer. A new one costs a tenth of a second."""
    request.headers["Connection"] = "close"


def wire_message_id(message_id: str, region: str) -> str:
    """The Message-ID that the customer's answer refers to: SES replaces ours by its own."""
    domain = "email" if region == "us-east-1" else region
    return f"<{message_id}@{domain}.amazonses.com>"


def tag_value(effect_key: str) -> str:
    """SES allows letters, digits, - and _ in a tag: other signs become _ and their code."""
    value = re.sub(r"[^A-Za-z0-9-]", lambda sign: f"_{ord(sign[0]):02x}", effect_key)
    if len(value) > 256 or not effect_key.isascii():
        raise Refused("mail", "effect_key_invalid")
    return value


def effect_key_of(tag: str) -> str:
    """What `tag_value` was made from."""
    return re.sub(r"_([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), tag)


def _translate(error: Exception) -> NoReturn:
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        raise _refusal(error) from None
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        raise Unauthorised("mail", "no_credentials") from None
    if isinstance(error, boto.ParamValidationError):
        raise Refused("mail", "parameters_invalid") from None
    if isinstance(
        error,
        boto.EndpointConnectionError
        | boto.ConnectTimeoutError
        | boto.ProxyConnectionError
        | boto.InvalidEndpointDiscoveryConfigurationError
        | boto.NoRegionError,
    ):
        raise Unreachable("mail", type(error).__name__) from None
    if isinstance(error, boto.SSLError) and _certificate_refused(error):
        raise Unreachable("mail", "certificate_refused") from None
    # Dropped, timed out, an answer that nobody can read, or what we do not know.
    raise Ambiguous("mail", type(error).__name__) from None


def _refusal(error: Any) -> VendorError:
    """SES answered with an error. Its message may quote an address, so only the code goes on."""
    facts = error.response.get("ResponseMetadata", {})
    status = int(facts.get("HTTPStatusCode", 0))
    code = re.sub(r"[^A-Za-z0-9]", "", str(error.response.get("Error", {}).get("Code", "")))[:80]
    if status == 429 or code in THROTTLED:
        return RateLimited("mail", code, retry_after=_retry_after(facts))
    if code == "LimitExceededException":
        return RateLimited("mail", code, retry_after=QUOTA_WAIT)
    if status in {401, 403} or code in UNAUTHORISED:
        return Unauthorised("mail", code)
    if 400 <= status < 500 and status != 408 and not code.startswith("RequestTimeout"):
        return Refused("mail", code)
    return Ambiguous("mail", f"{code} {status}")


def _retry_after(facts: dict[str, Any]) -> float:
    try:
        return min(max(float(facts.get("HTTPHeaders", {}).get("retry-after", "")), 0.0), 3600.0)
    except ValueError:
        return 5.0


def _certificate_refused(error: BaseException) -> bool:
    """Whether the handshake failed, before anything was sent."""
    seen = [error]
    for one in seen:
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        inner = [getattr(one, "kwargs", {}).get("error"), one.__cause__, *one.args]
        seen += [e for e in inner if isinstance(e, BaseException) and e not in seen]
    return False
