"""The look: what the database says at one moment, by a fixed number of indexed queries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from incidents import __version__
from incidents.metrics import clock, orders, sign_ins, signing, work
from incidents.metrics.catalogue import BUILD, UP
from incidents.metrics.samples import Samples


def look(connection: Connection, now: datetime) -> Samples:
    """The database in this transaction, at `now` (UTC): best one that sees one state of it.

    Raises:
        NoHeadError: if the log has lost its head.
        DBAPIError: when the database does not do its part.
    """
    found = always(up=True)
    found.put("incidents_looked_at_timestamp_seconds", now.timestamp())
    clock.look(connection, now, found)
    orders.look(connection, now, found)
    work.look(connection, now, found)
    signing.look(connection, now, found)
    sign_ins.look(connection, now, found)
    return found


def always(*, up: bool) -> Samples:
    """What is said with and without a database."""
    found = Samples()
    found.put(UP.name, float(up))
    found.put(BUILD.name, 1.0, __version__)
    return found
