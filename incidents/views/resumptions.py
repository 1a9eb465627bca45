"""The resumptions: each time that the record went on from less, or on another server."""

from __future__ import annotations

from sqlalchemy import Connection, select

from incidents.record.entry import decode
from incidents.record.own_events import HistoryResumed
from incidents.store.record import lineage
from incidents.store.schema.tables import DESK_STREAM, entries


def resumptions(connection: Connection) -> list[HistoryResumed]:
    """Each time that it had to, the first one first."""
    if lineage.standing(connection).resumed_at is None:
        # The desk's own acts may be very many.
        return []
    of, found = entries.c, []
    told = of.body.contains(f'"kind":"{HistoryResumed.kind}"', autoescape=True)
    wanted = select(of.body).where(of.site_id == DESK_STREAM, told).order_by(of.site_seq)
    for body in connection.scalars(wanted):
        _, event = decode(body)
        assert isinstance(event, HistoryResumed)
        found.append(event)
    return found
