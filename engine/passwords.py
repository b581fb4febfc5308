"""Passwords: how they are hashed and compared, and which ones are refused.

Argon2id at OWASP's first recommendation (19 MiB, two passes, one lane). The library's
own default takes 64 MiB and four lanes for each hash, which on a 512 MB dyno lets a
handful of sign-ins push the process out of memory; nineteen is the least that OWASP
calls equal to it, and two hashes at a time keep the whole below 40 MiB.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import EngineError

SHORTEST = 12
LONGEST = 256
AT_ONCE = 2
FEWEST_LETTERS = 5
# What is left of the usual twelve-letter passwords once digits and signs are taken off.
WORN_OUT = frozenset(
    {
        *("password", "passwordpassword", "qwerty", "qwertyuiop", "qwertyqwerty", "asdfghjkl"),
        *("zxcvbnm", "abcdefghijkl", "letmein", "letmeinletmein", "welcome", "changeme"),
        *("administrator", "adminadmin", "iloveyou", "sunshine", "football", "baseball"),
        *("princess", "superman", "trustno", "dragon", "monkey", "master", "lawncare"),
    }
)

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_turn = threading.BoundedSemaphore(AT_ONCE)


class PasswordRefused(EngineError):
    """This password cannot be used."""

    code = "password_refused"


def hashed(password: str, *, about: tuple[str, ...] = ()) -> str:
    """The hash to store; PasswordRefused where the password is too easy. `about` holds
    what everybody knows of the person: their address and name."""
    _refuse_easy(password, about)
    return hashed_again(password)


def hashed_again(password: str) -> str:
    """A hash with today's parameters of a password that was good enough once."""
    with _turn:
        return _hasher.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password. Takes as long where there is none to compare with, so
    that nobody can tell from the clock which addresses have an account."""
    with _turn:
        try:
            return _hasher.verify(stored or _nobodys(), _normal(password)[:LONGEST]) and bool(
                stored
            )
        except (VerificationError, InvalidHashError):
            return False


def out_of_date(stored: str) -> bool:
    """True where the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _refuse_easy(password: str, about: tuple[str, ...]) -> None:
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise PasswordRefused(f"at least {SHORTEST} characters; a few words in a row do well")
    if len(plain) > LONGEST:
        raise PasswordRefused(f"at most {LONGEST} characters")
    folded = plain.casefold()
    letters = "".join(sign for sign in folded if sign.isalpha())
    known = {part for text in about for part in (text.casefold(), *text.casefold().split("@"))}
    if len(set(folded)) < FEWEST_LETTERS or letters in WORN_OUT or folded in known - {""}:
        raise PasswordRefused("it is among the first that anybody would try")


def _normal(password: str) -> str:
    """One form for what different keyboards write differently."""
    return unicodedata.normalize("NFKC", password)


def _nobodys() -> str:
    """A hash that no password fits, made once with today's parameters."""
    global _nobodys_hash  # noqa: PLW0603 - computed at the first need, not at import
    if not _nobodys_hash:
        _nobodys_hash = _hasher.hash(secrets.token_hex())
    return _nobodys_hash


_nobodys_hash = ""
