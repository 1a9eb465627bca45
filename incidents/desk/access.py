"""The access: for which commands a person signs in first, and the record of who was not let do one.

It is asked here, under the locks of the act, so that no way to the desk leads past it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from incidents.accounts.roles import act_of
from incidents.desk import accounts
from incidents.desk.accounts import By
from incidents.desk.envelope import Answer, Envelope
from incidents.machine.commands import Approve, AskReinstatement
from incidents.machine.refusals import Refusal
from incidents.store.accounts import any_there

_IN_PERSON = (AskReinstatement, Approve)
_NOT_LET = frozenset({"sign_in_needed", "same_person"})

NotLet = tuple[Envelope, str, str]
"""What was asked, the name of the refusal, and that of the site."""


def missing(connection: Connection, envelope: Envelope) -> Refusal | None:
    """That somebody must sign in first, to open what is closed, where there are accounts."""
    if not isinstance(envelope.command, _IN_PERSON) or envelope.signed_in:
        return None
    if not any_there(connection):
        return None
    return Refusal("sign_in_needed", {"by": envelope.command.by})


def found(connection: Connection, envelope: Envelope, answer: Answer) -> list[NotLet]:
    """What of that answer goes on record as somebody's not being let, where there are accounts."""
    refusal = answer.refusal
    if refusal is None or refusal.name not in _NOT_LET or answer.repeated:
        return []
    return [(envelope, refusal.name, answer.site)] if any_there(connection) else []


def write(connection: Connection, refused: Sequence[NotLet], clock: Callable[[], datetime]) -> None:
    """Puts it on record, in the desk's own stream; the sites' rows are locked before."""
    for envelope, why, site in refused:
        by = By(person=envelope.command.by, login=envelope.login)
        act = act_of(type(envelope.command))
        accounts.refuse(connection, by, clock, act=act, why=why, about=site)
