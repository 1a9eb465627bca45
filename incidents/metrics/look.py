"""The look: what the database says at one moment, by a fixed number of indexed queries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from incidents import __version__
from incidents.metrics import database
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
    database.clock_samples(connection, now, found)
    database.order_samples(connection, now, found)
    database.work_samples(connection, now, found)
    database.signing_samples(connection, now, found)
    database.sign_in_samples(connection, now, found)
    return found


def always(*, up: bool) -> Samples:
    """What is said with and without a database."""
    found = Samples()
    found.put(UP.name, float(up))
    found.put(BUILD.name, 1.0, __version__)
    return found
