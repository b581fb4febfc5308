"""What SES reports about its mails, posted and signed as Amazon SNS does it.

A topic of this machine has a key of its own, whose certificate stands at
`/ses/SimpleNotificationService-local.pem`; it is made once and kept in the world, so that
restarts and several processes sign alike. A post is tried again until it is taken, as
SNS does it, and each try is a document of kind `sns_post`.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from web.local import LocalSettings
from web.local.engine_calls import engine
from web.local.world import World

CERTIFICATE = "SimpleNotificationService-local.pem"
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
SECONDS = 10.0
_making = threading.Lock()


def certificate(world: World) -> str:
    return _identity(world)["certificate"]


def report(
    world: World, settings: LocalSettings, base: str, event: Mapping[str, Any]
) -> threading.Thread:
    """Post an event of a mail, in a thread: SES does not wait for whoever listens."""
    post = notification(world, settings.sns_topic_arn, base, json.dumps(event))
    thread = threading.Thread(target=_deliver, args=(world, settings, post), daemon=True)
    thread.start()
    return thread


def notification(world: World, topic: str, base: str, message: str, **other: str) -> dict[str, str]:
    """A signed post. `other` may put something else in a field's place before it is signed."""
    kind = other.get("Type", "Notification")
    post = {
        "Type": kind,
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic,
        "Message": message,
        "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": "2",
        "SigningCertURL": f"{base}/{CERTIFICATE}",
        "UnsubscribeURL": f"{base}/?Action=Unsubscribe",
    }
    if kind != "Notification":
        post |= {"Token": uuid.uuid4().hex, "SubscribeURL": f"{base}/?Action=ConfirmSubscription"}
    post |= other
    return post | {"Signature": sign(world, post)}


def sign(world: World, post: Mapping[str, str]) -> str:
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
    if post["Type"] == "Notification":
        names = [name for name in names if name not in ("SubscribeURL", "Token")]
    text = "".join(f"{name}\n{post[name]}\n" for name in [*names, "Type"] if name in post)
    key = serialization.load_pem_private_key(_identity(world)["key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - it was made below
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode("ascii")


def _deliver(world: World, settings: LocalSettings, post: Mapping[str, str]) -> None:
    url = f"{settings.engine_url.rstrip('/')}/webhooks/ses"
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": post["Type"]}
    for pause in PAUSES:
        time.sleep(pause)
        try:
            answer = engine().post(url, content=json.dumps(post), headers=headers, timeout=SECONDS)
            status = answer.status_code
        except httpx.HTTPError:
            status = 0
        number = world.next_number("sns_post")
        world.put("sns_post", str(number), {"message_id": post["MessageId"], "status": status})
        if 200 <= status < 300 or 400 <= status < 500:
            return


def _identity(world: World) -> dict[str, Any]:
    with _making:
        known = world.get("sns_identity", "local")
        if known is None:
            known = _make()
            world.put("sns_identity", "local", known)
    return known


def _make() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.local")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    return {"key": private.decode("ascii"), "certificate": public.decode("ascii")}
