"""The sight: what the customer is shown of one incident, as it stands when they look.

It holds the facts that the notice of it would tell, what the desk has written to the customer, and
nothing that people have told of themselves or of others: no name, number, address or internal note.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, and_, select

from incidents.customer_link import Incident
from incidents.errors import UnknownIncidentError
from incidents.machine.codes import FOR_CUSTOMER
from incidents.machine.state import can_move_incident
from incidents.notices import preview
from incidents.notices.facts import Facts
from incidents.store.tables import incidents, notes, sites, suspensions
from incidents.views import personal

Answer = Literal["said", "again"]
"""What came of a statement: it is on record now, or it was before."""

_PERSONAL = {"person": None, "email": None, "phone": None, "link": None}


class Message(NamedTuple):
    """What the desk has written to the customer, and when (UTC); not who of the desk."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight(Facts):
    """The facts of an incident, with when the customer said that the content is gone (UTC), how
    often the links to its page were revoked, and what the desk has written to them, the latest
    first.

    `until` is when the site's suspension is meant to end, None where no timer will end it.
    """

    said_at: datetime | None = None
    links_revoked: int = 0
    answer: Answer | None = None
    messages: tuple[Message, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to state of it, nor to do."""
        return self.state is None or not can_move_incident(self.state, "remove")


def of(connection: Connection, incident: Incident) -> Sight | None:
    """The sight of that incident, None if it is not there; nothing that is due is done."""
    try:
        facts = preview.violation(connection, incident)
    except UnknownIncidentError:
        return None
    known = {each.name: getattr(facts, each.name) for each in fields(facts)}
    own = _own(connection, incident)
    messages = _messages(connection, incident)
    return Sight(**{**known, **_PERSONAL, **own, "messages": messages})


def _own(connection: Connection, incident: Incident) -> dict[str, Any]:
    """When it was said, how often its links were revoked, when the site is to be opened again."""
    of = incidents.c
    running = and_(suspensions.c.site_id == of.site_id, suspensions.c.ended_at.is_(None))
    joined = incidents.join(sites, sites.c.id == of.site_id).outerjoin(suspensions, running)
    those = (of.site_id == incident[0], of.n == incident[1])
    asked = select(of.removal_said_at, of.links_revoked, sites.c.held, suspensions.c.until)
    row = connection.execute(asked.select_from(joined).where(*those)).one()
    return {
        "said_at": row.removal_said_at, "links_revoked": row.links_revoked or 0,
        "until": None if row.held else row.until,
    }  # fmt: skip


def _messages(connection: Connection, incident: Incident) -> tuple[Message, ...]:
    """The notes to the customer, without those that have been erased."""
    of = notes.c
    those = (of.site_id == incident[0], of.incident == incident[1], of.audience == FOR_CUSTOMER)
    asked = select(of.recorded_at, of.text).where(*those).order_by(of.position.desc())
    rows = connection.execute(asked).all()
    texts = personal.texts(connection, (row.text for row in rows))
    return tuple(Message(row.recorded_at, texts[row.text]) for row in rows if row.text in texts)
