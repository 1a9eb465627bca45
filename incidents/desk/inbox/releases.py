"""The release of bytes that came from outside: decided, and on record before they leave."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from incidents import clock
from incidents.contract import sealed_content
from incidents.desk import accounts
from incidents.desk.desk import Desk
from incidents.desk.own_stream import Actor
from incidents.errors import RevealDeniedError, SealedContentError, SealedReasonError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who asks for the bytes: the person for the record, their rights, and their reason, if any.

    See `contract.sealed_content.decide`.
    """

    person: str
    login: str | None
    may_reveal: bool = True
    may_open: bool = False
    reason: str | None = None


def release(desk: Desk, to: Recipient, *, about: str, digest: str, sealed: bool) -> None:
    """Put on record that the recipient gets the bytes with that digest.

    `about`: the report or the incident that they belong to. `sealed`: they may show child abuse.

    Raises:
        RevealDeniedError, SealedContentError: if the recipient may not have them.
        SealedReasonError: if they are sealed, and the recipient gave no reason.
    """
    decision = sealed_content.decide(
        sealed=sealed, may_reveal=to.may_reveal, may_open=to.may_open, reason=to.reason
    )
    if decision == "no_right":
        raise RevealDeniedError(by=to.person, about=about)
    if decision == "sealed":
        raise SealedContentError(about=about)
    if decision == "reason_missing":
        raise SealedReasonError(about=about)
    by, reason = Actor(person=to.person, login=to.login), to.reason

    def record(connection: Connection) -> None:
        if sealed and reason is not None:
            accounts.open_sealed(
                connection, by, clock.now, about=about, digest=digest, reason=reason
            )
        else:
            accounts.reveal(connection, by, clock.now, about=about)

    desk.on_record(record)
