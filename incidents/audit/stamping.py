"""The stamping: has one checkpoint a day stamped by an authority (RFC 3161), and keeps it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from incidents.audit import stamp
from incidents.audit.stamp import Authority
from incidents.store import checkpoints
from incidents.store.checkpoints import Stamped
from incidents.store.engine import plainly, reading, writing

APART = timedelta(days=1)


def ask(engine: Engine, authority: Authority, now: datetime) -> Stamped | None:
    """Has the last checkpoint stamped, which was committed before; outside any transaction.

    Returns:
        The stamp; None if nothing is signed, or the last stamp is less than a day old at `now`.

    Raises:
        StampError: if the authority is away, or gives no good one; it can be asked again later.
        DatabaseError: when the database does not do its part.
    """
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        before = checkpoints.last_stamped(connection)
    if last is None or (before is not None and now - before.at < APART):
        return None
    if before is not None and before.checkpoint == last.id:
        return None
    response = stamp.stamped(authority, last.note.encode())
    new = Stamped(last.id, authority.url, response, now)
    with plainly(engine), writing(engine) as connection:
        checkpoints.stamp(connection, new)
    return new
