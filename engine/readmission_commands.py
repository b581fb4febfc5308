"""`/sop write-again`: whether a contact may be written to, and lifting what stands against it.

One of the verbs of `commands.py`, which answers it.
"""

from __future__ import annotations

from engine import readmission, suppressions
from engine.people import Person
from engine.runtime import Runtime

HOW = "To lift it, say why: `/sop write-again <address> {}`."
IN_CRM = "What the CRM says of them stays as it is: take it back there, too."


def write_again(runtime: Runtime, rest: str, by: Person, _occasion: str) -> str:
    by.must_act()
    written, _, why = rest.partition(" ")
    contact = readmission.read_address(runtime.settings, written)
    if not why.strip():
        with runtime.database.read() as conn:
            known = suppressions.of(conn, contact)
        said = readmission.told(runtime, known)
        if known is not None and known.reason == "complained":
            return f"{said} {readmission.STANDS}"
        return f"{said} {HOW.format('|'.join(readmission.WHYS))}" if known else said
    with runtime.database.transaction("write_again") as conn:
        lifted = readmission.lift(conn, runtime.settings, contact, why.strip().casefold(), by)
    said = f"{readmission.SAID[lifted.reason]}; from now on they may be written to again."
    return said if lifted.reason == "bounced" else f"{said} {IN_CRM}"
