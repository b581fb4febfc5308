"""What DNS says of a domain, as a receiver of our mail would read it. Only `bin/engine check` asks.

A name that is not there has no records; where nobody answers, `Silent` says so, and no
question after that takes any time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dns.resolver import Resolver

SECONDS = 4.0
ONE_TRY = 1.5


class Silent(Exception):
    """DNS gave no answer about `name`, which says nothing of whether it is there."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}")


class Records:
    """All questions together take no longer than `seconds`. Without a nameserver it is the
    machine's own."""

    def __init__(self, *, nameserver: str = "", port: int = 53, seconds: float = SECONDS) -> None:
        self._nameserver, self._port = nameserver, port
        self._deadline = time.monotonic() + seconds
        self._asking: Resolver | None = None
        self._silent: Silent | None = None

    def txt(self, name: str) -> list[str]:
        """The strings of a record are one text (RFC 7208, 3.3)."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self._ask(name, "TXT")]

    def cname(self, name: str) -> str:
        """Where the name leads, or nothing."""
        return next((_bare(one.target) for one in self._ask(name, "CNAME")), "")

    def mx(self, name: str) -> list[str]:
        found = sorted(self._ask(name, "MX"), key=lambda one: one.preference)
        return [_bare(one.exchange) for one in found]

    def _ask(self, name: str, kind: str) -> list[Any]:
        # Imported here: no command but this one needs it.
        import dns.exception
        import dns.resolver

        if self._silent is not None:
            raise self._silent
        left = self._deadline - time.monotonic()
        try:
            whole = name.rstrip(".") + "."
            return list(self._resolver().resolve(whole, kind, lifetime=max(left, 0.01)))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            self._silent = Silent(name, _reason(error))
            raise self._silent from None

    def _resolver(self) -> Resolver:
        import dns.resolver

        if self._asking is None:
            self._asking = dns.resolver.Resolver(configure=not self._nameserver)
            self._asking.timeout = ONE_TRY
            if self._nameserver:
                self._asking.nameservers = [self._nameserver]
                self._asking.port = self._port
        return self._asking


def _bare(name: Any) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _reason(error: Exception) -> str:
    import dns.exception
    import dns.resolver

    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, dns.resolver.NoResolverConfiguration):
        return "this machine names no resolver"
    if isinstance(error, dns.resolver.NoNameservers):
        return "the resolver refuses or cannot find out"
    return type(error).__name__
