"""The SES SDK's clients: for whoever sends (`ses.py`) and whoever looks (`ses_account.py`).

The SDK's own retries are off: it would send twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from engine.errors import Unreachable
from engine.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

TIME_LIMITS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Timeouts of a client are fixed, so there is one client for each of these; a call takes
the longest that fits into what its step has left."""


class Clients:
    """Thread-safe: boto's clients are shared, their making is locked."""

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str = "",
        access_key_id: str = "",
        secret_access_key: str = "",
        longest: float = 20.0,
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._limits = [limit for limit in TIME_LIMITS if limit <= longest] or [longest]
        self._clients: dict[float, SESV2Client] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Clients:
        key, secret = settings.aws_access_key_id, settings.aws_secret_access_key
        # A stand-in asks for no credential, but the SDK signs each request with one.
        unasked = "local" if is_stand_in(settings) else ""
        return cls(
            region=settings.ses_region,
            endpoint_url=settings.ses_endpoint_url,
            access_key_id=key.get_secret_value() or unasked,
            secret_access_key=secret.get_secret_value() or unasked,
            longest=settings.mail_timeout_seconds,
        )

    def within(self, timeout: float) -> SESV2Client:
        """The client whose timeout is the longest that fits."""
        limit = max((limit for limit in self._limits if limit <= timeout), default=None)
        if limit is None:
            raise Unreachable("mail", "no_time_left")
        with self._lock:
            if limit not in self._clients:
                self._clients[limit] = self._make(limit)
            return self._clients[limit]

    def sns(self, limit: float, *, region: str, endpoint_url: str = "") -> Any:
        """A client for the service by which SES reports."""
        return self._of("sns", limit, endpoint_url, region_name=region)

    def _make(self, limit: float) -> SESV2Client:
        client = self._of("sesv2", limit, self._endpoint_url)
        client.meta.events.register("before-send.sesv2.SendEmail", _close_after)
        return client

    def _of(self, service: str, limit: float, endpoint_url: str, **other: str) -> Any:
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
        return self._session.client(
            service, config=config, endpoint_url=endpoint_url or None, **other
        )


def _close_after(request: Any, **_: Any) -> None:
    """A connection kept since the last mail may be closed by the other side just as we write,
    and nobody could tell that from a lost answer. A new one costs a tenth of a second."""
    request.headers["Connection"] = "close"


def is_stand_in(settings: Settings) -> bool:
    return urlparse(settings.ses_endpoint_url).hostname in {"127.0.0.1", "localhost", "::1"}
