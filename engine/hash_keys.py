"""Which SECRET_KEY the hashes of this database were made under, and the refusal of another one.

Opt-outs, contacts and the tokens by which a reply finds its task are keyed hashes. Under
another key each of them would still be there and none would be recognised: people who asked
not to be written to would be written to. So whatever starts on the database looks here first;
the first one leaves its key's own hash, which says nothing about the key.
"""

from __future__ import annotations

from engine import task_events
from engine.errors import HashKeyUnknown
from engine.keyed_hash import keyed_hash
from engine.people import Person
from engine.postgres import Connection
from engine.postgres.queries import queries
from engine.settings import Settings
from engine.task_events import Event

sql = queries("hash_keys")


def confirm(conn: Connection, settings: Settings) -> None:
    """Raises HashKeyUnknown where the database's hashes were made under another key."""
    sql.keep(conn, print=_print(settings))
    if not fits(conn, settings):
        raise HashKeyUnknown(
            "put the former key behind the new one, SECRET_KEY=new,former; where it is lost"
            " for good: bin/engine migrate --accept-secret-key"
        )


def fits(conn: Connection, settings: Settings) -> bool:
    """Whether the database knows this key, or none yet. A demo may lose its key with its folder."""
    return settings.mode == "demo" or sql.known(conn) in (None, _print(settings))


def accept(conn: Connection, settings: Settings, by: Person) -> bool:
    """Go on under this key; what was hashed under the former one is not recognised any more.
    False where it is the same."""
    if sql.known(conn) in (None, _print(settings)):
        return False
    sql.replace(conn, print=_print(settings))
    task_events.append_configuration(conn, Event("secret_key_accepted", actor=str(by)))
    return True


def _print(settings: Settings) -> bytes:
    return keyed_hash(settings, "hash_key", "print")
