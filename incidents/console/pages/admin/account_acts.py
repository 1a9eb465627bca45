"""The acts on accounts that forms send: on record, with their author."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from starlette.responses import Response

from incidents import clock
from incidents.accounts import identity
from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.submission import Submission
from incidents.desk.own_stream import Actor, Clock
from incidents.errors import InputError, RefusedError

T = TypeVar("T")

KEEP = "keep_accounts"

Act = Callable[[Connection, Actor, Clock], T]


def on_record(desk: Submission, action: str, act: Act[T]) -> T:
    """Do the act, if the person may do the `action` now.

    Raises:
        NotAllowedError, ReauthenticationError: see `Submission.authorise`.
        QuotaExceededError: see `Submission.take_quota`.
        InputError, RefusedError: those of the act.
    """
    desk.authorise(action)
    desk.take_quota()
    who = Actor(person=desk.by, login=desk.identity.login, signed_in=True)
    return desk.app.desk.on_record(lambda connection: act(connection, who, clock.now))


def answered(
    desk: Submission, action: str, act: Act[object], to: str, done: str, **facts: object
) -> Response:
    """Do the act, and go to a page that shows its result: the phrase `done`, or why not."""
    try:
        on_record(desk, action, act)
    except (InputError, RefusedError) as error:
        return desk.back(to, messages.of_error(desk.reader, error))
    return desk.back(to, Flash("done", desk.reader.say(done, **facts)))


def acts_of(role: str) -> list[str]:
    """The actions that a token of an account with that role can be limited to."""
    return [
        each
        for each in identity.ACTION_NAMES
        if each not in identity.IN_PERSON and identity.may(role, each)
    ]
