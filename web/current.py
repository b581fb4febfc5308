"""What every view works with: the process's runtime, and who is at the other end."""

from __future__ import annotations

from typing import cast

from flask import current_app
from flask_login import current_user

from engine.errors import NotAllowed
from engine.people import Person
from engine.runtime import Runtime
from web.signed_in import SignedIn


def runtime() -> Runtime:
    return current_app.extensions["runtime"]


def signed_in() -> SignedIn:
    """Who is signed in. The door has seen to it that somebody is."""
    return cast(SignedIn, current_user)


def actor() -> Person:
    """Who is signed in, as somebody who acts; NotAllowed for those who may only look.
    Verbs that take a Person ask again themselves."""
    if not current_user.is_authenticated:
        raise NotAllowed("nobody is signed in")
    person = signed_in().person
    person.must_act()
    return person
