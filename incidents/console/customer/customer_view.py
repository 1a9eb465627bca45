"""The customer's view of one incident: its present state, and the customer's statements.

The view holds the facts in the notice about the incident, and the desk's messages to the customer.
It holds no personal data: no name, number, address or internal note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl

from sqlalchemy import Connection, select

from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError, UnknownIncidentError
from incidents.inbox.snapshots.by_customer import Look
from incidents.machine.command import FOR_CUSTOMER
from incidents.machine.commands import SayRemoved
from incidents.machine.state import can_move_incident
from incidents.notices import preview
from incidents.notices.customer_link import Incident
from incidents.notices.facts import Facts
from incidents.store.schema.tables import incidents, notes
from incidents.views import record_entries

Answer = Literal["said", "again"]
"""The result of a statement: recorded now, or recorded before."""

Looked = Literal["looked", "later"]
"""The result of the request to look at the pages: done, or too soon after another one."""

_PERSONAL = {"person": None, "email": None, "phone": None, "link": None}


class Message(NamedTuple):
    """A message from the desk to the customer, with its time (UTC) but without its author."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView(Facts):
    """The facts of an incident that its customer sees; times are in UTC.

    They include the customer's statement of removal, how often the page's links were revoked, and
    the desk's messages, the latest first; also whether the pages can be looked at again, and what
    was found there when the customer last asked.
    """

    said_at: datetime | None = None
    links_revoked: int = 0
    answer: Answer | None = None
    messages: tuple[Message, ...] = ()
    can_look: bool = False
    looks: tuple[Look, ...] = ()
    looked: Looked | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the customer need not report or do anything more."""
        return self.state is None or not can_move_incident(self.state, "remove")


def of(connection: Connection, incident: Incident) -> CustomerView | None:
    """Return the view of an incident; None if the incident does not exist.

    This function does not process actions that are due.
    """
    try:
        facts = preview.violation(connection, incident)
    except UnknownIncidentError:
        return None
    known = {each.name: getattr(facts, each.name) for each in fields(facts)}
    said_at, links_revoked = _own(connection, incident)
    return CustomerView(**{
        **known, **_PERSONAL, "said_at": said_at, "links_revoked": links_revoked,
        "messages": _messages(connection, incident),
    })  # fmt: skip


def _own(connection: Connection, incident: Incident) -> tuple[datetime | None, int]:
    """Return the time of the customer's statement, and how often links were revoked."""
    of = incidents.c
    asked = select(of.removal_said_at, of.links_revoked)
    row = connection.execute(asked.where(of.site_id == incident[0], of.n == incident[1])).one()
    return row.removal_said_at, row.links_revoked or 0


def _messages(connection: Connection, incident: Incident) -> tuple[Message, ...]:
    """The notes to the customer, except erased ones, the latest first."""
    of = notes.c
    those = (of.site_id == incident[0], of.incident == incident[1], of.audience == FOR_CUSTOMER)
    asked = select(of.recorded_at, of.text).where(*those).order_by(of.position.desc())
    rows = connection.execute(asked).all()
    texts = record_entries.personal_texts(connection, (row.text for row in rows))
    return tuple(Message(row.recorded_at, texts[row.text]) for row in rows if row.text in texts)


Outcome = Literal["said", "again", "settled", "unknown"]
"""The outcome of a statement: recorded now; recorded before; nothing to report; no such
incident."""

_REFUSED: dict[str, Outcome] = {
    "already_said": "again",
    "state_forbids": "settled",
    "unknown_incident": "unknown",
    "unknown_site": "unknown",
}


def submit(desk: Desk, incident: Incident, remark: str | None) -> Outcome:
    """Submit the customer's statement to the desk; it stops no clock (R2).

    Actions that are due happen first.

    Raises:
        DatabaseError: if the desk cannot accept any statement now.
    """
    site, n = incident
    [answer] = desk.submit([Envelope(site=site, command=SayRemoved(incident=n, note=remark))])
    if answer.refusal is None:
        return "said"
    if answer.refusal.name not in _REFUSED:
        raise DatabaseError.coded(
            "takes_no_statement", "the desk cannot take a statement now: {code}",
            code=answer.refusal.name,
        )  # fmt: skip
    return _REFUSED[answer.refusal.name]


FIELD = "remark"
LOOK = ("look", "again")
"""The field of the form that asks for a look at the pages, and its value."""
MAX_CHARACTERS = 4_000
MAX_BYTES = 256 * 1024
"""The maximum number of bytes that are read of a form. A remark that is too long is shown again in
the form, to be shortened. The longest remark that can be recorded takes 48,000 bytes: 4,000
characters, each of four bytes written as %XX."""

FORM = b"application/x-www-form-urlencoded"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class UnreadableError(ValueError):
    """The body of the request is not what the form sends."""


class TooLongError(ValueError):
    """The remark has more characters than can be recorded; `remark` is its text."""

    def __init__(self, remark: str) -> None:
        super().__init__(f"{len(remark):,} characters")
        self.remark = remark


def read(body: bytes) -> str | None:
    """Return the remark in a form's body; None if it is empty. Control characters become spaces.

    Raises:
        UnreadableError: if the body is not what the form sends.
        TooLongError: for more than 4,000 characters.
    """
    try:
        # ValueError: not ASCII, not UTF-8 behind the %XX, or more fields than the form has.
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1
        )
    except ValueError as error:
        raise UnreadableError from error
    if len(fields) != 1 or fields[0][0] != FIELD:
        raise UnreadableError
    remark = _CONTROLS.sub(" ", fields[0][1].replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(remark) > MAX_CHARACTERS:
        raise TooLongError(remark)
    return remark or None
