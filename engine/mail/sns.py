"""Amazon SNS's posts: whom to believe, and what they carry.

SES reports what became of a mail through an SNS topic. Anybody can post to our address,
so nothing counts but a signature of the pinned topic, by a certificate that Amazon
itself serves. No address from a post is fetched before it has passed the list here.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from engine.effects import Effect
from engine.errors import EngineError, Refused, Unreachable
from engine.settings import Settings

HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com", re.ASCII)
CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,80}\.pem", re.ASCII)
TOLERANCE = timedelta(hours=1)
FETCH_SECONDS = 5.0
LARGEST_CERTIFICATE = 64 * 1024
CERTIFICATES_KEPT = 8
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


class SnsInvalid(EngineError):
    """The post is not one that our topic has signed."""

    code = "sns_invalid"


@dataclass(frozen=True, slots=True)
class SnsPost:
    """A post that has been verified. `confirm_url` is where a subscription is confirmed."""

    kind: str
    message_id: str
    message: str
    confirm_url: str = ""


class Certificates:
    """Amazon's certificates by address, each fetched once per process."""

    def __init__(self) -> None:
        self._known: dict[str, x509.Certificate] = {}
        self._lock = threading.Lock()

    def at(self, url: str) -> x509.Certificate:
        """`url` has been checked. Raises Unreachable where nobody answers there."""
        with self._lock:
            known = self._known.get(url)
        if known is not None:
            return known
        try:
            certificate = x509.load_pem_x509_certificate(_fetched(url))
        except ValueError:
            raise SnsInvalid("no certificate stands at its address") from None
        with self._lock:
            if len(self._known) >= CERTIFICATES_KEPT:
                self._known.clear()
            self._known[url] = certificate
        return certificate


def read(
    body: bytes, settings: Settings, certificates: Certificates, *, now: datetime | None = None
) -> SnsPost:
    """The post in `body`. Raises SnsInvalid for what is not ours, Unreachable where the
    certificate cannot be had now."""
    post = _object(body)
    kind = _text(post, "Type")
    if kind not in SIGNED:
        raise SnsInvalid("an unknown type")
    pinned = settings.sns_topic_arn
    if not pinned or _text(post, "TopicArn") != pinned:
        raise SnsInvalid("another topic")
    if _text(post, "SignatureVersion") != "2":
        raise SnsInvalid("a signature of another version than 2")
    moment = now or datetime.now(UTC)
    if abs(moment - _timestamp(post)) > TOLERANCE:
        raise SnsInvalid("more than an hour old, or from the future")
    certificate = certificates.at(_certificate_url(_text(post, "SigningCertURL"), settings))
    _verify(post, kind, certificate, moment)
    confirm = _confirm_url(post, settings) if kind == "SubscriptionConfirmation" else ""
    return SnsPost(kind, _text(post, "MessageId"), _text(post, "Message"), confirm)


def confirm_effect(url: str) -> Effect:
    """Subscribing us to the topic; `url` is a SnsPost's. Amazon takes it as often as it
    comes, so where an answer was lost the call itself is the look-up."""

    def call(_key: str, _timeout: float) -> dict[str, str]:
        try:
            _fetched(url)
        except SnsInvalid:
            raise Refused("mail", "confirmation_refused") from None
        return {}

    def look_up(key: str, _since: float, timeout: float) -> dict[str, str]:
        return call(key, timeout)

    return Effect("mail", "confirm", call, FETCH_SECONDS, lookup=look_up)


def signed_text(post: Mapping[str, Any], kind: str) -> bytes:
    """What is signed: names and values in a fixed order, a line each; an absent Subject
    is left out."""
    lines = "".join(f"{name}\n{post[name]}\n" for name in SIGNED[kind] if name in post)
    return lines.encode("utf-8")


def _verify(
    post: Mapping[str, Any], kind: str, certificate: x509.Certificate, moment: datetime
) -> None:
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise SnsInvalid("a certificate that is not valid now")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise SnsInvalid("a certificate of another kind")
    for name in SIGNED[kind]:
        if name != "Subject" or name in post:
            _text(post, name)
    try:
        signature = base64.b64decode(_text(post, "Signature"), validate=True)
        key.verify(signature, signed_text(post, kind), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise SnsInvalid("a signature that does not fit") from None


def _certificate_url(url: str, settings: Settings) -> str:
    parts = _split(url)
    base = settings.sns_endpoint_url.rstrip("/")
    if base and url.startswith(f"{base}/") and CERTIFICATE.fullmatch(url.removeprefix(base)):
        return url
    if parts.scheme == "https" and HOST.fullmatch(parts.netloc):
        address = f"https://{parts.netloc}{parts.path}"
        if address == url and CERTIFICATE.fullmatch(parts.path):
            return address
    raise SnsInvalid("a certificate from elsewhere")


def _confirm_url(post: Mapping[str, Any], settings: Settings) -> str:
    """Put together anew from the topic and the token: of the address that was sent, nothing
    counts but its host."""
    url = _text(post, "SubscribeURL")
    parts = _split(url)
    base = settings.sns_endpoint_url.rstrip("/")
    if base and url.startswith(f"{base}/?"):
        home = base
    elif parts.scheme == "https" and HOST.fullmatch(parts.netloc):
        home = f"https://{parts.netloc}"
    else:
        raise SnsInvalid("a confirmation elsewhere")
    topic, token = quote(_text(post, "TopicArn"), safe=""), quote(_text(post, "Token"), safe="")
    return f"{home}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        raise SnsInvalid("an address that is none") from None


def _fetched(url: str) -> bytes:
    # What stands on this machine is not asked for by way of a proxy.
    outside = url.startswith("https://")
    try:
        with httpx.Client(trust_env=outside, timeout=FETCH_SECONDS) as client:
            answer = client.get(url)
    except httpx.HTTPError as error:
        raise Unreachable("mail", type(error).__name__) from None
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unreachable("mail", str(answer.status_code))
    if answer.status_code != 200 or len(answer.content) > LARGEST_CERTIFICATE:
        raise SnsInvalid("nothing usable stands at its address")
    return answer.content


def _timestamp(post: Mapping[str, Any]) -> datetime:
    text = _text(post, "Timestamp")
    try:
        if not text.isascii():
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SnsInvalid("no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _object(body: bytes) -> dict[str, Any]:
    try:
        post = json.loads(body)
    except (ValueError, RecursionError):
        raise SnsInvalid("not JSON") from None
    if not isinstance(post, dict):
        raise SnsInvalid("not an object")
    return post


def _text(post: Mapping[str, Any], name: str) -> str:
    value = post.get(name)
    if not isinstance(value, str) or not value:
        raise SnsInvalid(f"no {name}")
    return value
