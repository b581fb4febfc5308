"""A nameserver of this machine, for what DNS says of a sender: a zone written as a dict."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from engine.mail.dns_records import Records

Zone = Mapping[tuple[str, str], list[str]]


@contextmanager
def nameserver(
    zone: Zone, *, rcode: dns.rcode.Rcode | None = None, seconds: float = 4.0
) -> Iterator[Records]:
    """DNS that knows this zone and nothing else; with `rcode` it answers that to everything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(udp, zone, rcode), daemon=True)
        thread.start()
        port = udp.getsockname()[1]
        yield Records(nameserver="127.0.0.1", port=port, seconds=seconds)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", port))
        thread.join(5)


@contextmanager
def silence(*, seconds: float) -> Iterator[Records]:
    """A nameserver that hears and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield Records(nameserver="127.0.0.1", port=udp.getsockname()[1], seconds=seconds)


def _serve(udp: socket.socket, zone: Zone, rcode: dns.rcode.Rcode | None) -> None:
    while True:
        asked, whom = udp.recvfrom(4096)
        if not asked:
            return
        udp.sendto(_answer(dns.message.from_wire(asked), zone, rcode).to_wire(), whom)


def _answer(
    query: dns.message.Message, zone: Zone, rcode: dns.rcode.Rcode | None
) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    if rcode is not None:
        answer.set_rcode(rcode)
        return answer
    (question,) = query.question
    name = question.name.to_text(omit_final_dot=True).lower()
    kind = dns.rdatatype.to_text(question.rdtype)
    while (name, kind) not in zone and (name, "CNAME") in zone:
        target = zone[name, "CNAME"][0]
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", target))
        name = target.rstrip(".")
    if found := zone.get((name, kind)):
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *found))
    elif name not in {known for known, _ in zone}:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
