"""The troubles of a replica: why it is not read, in sentences."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause
from incidents.store.database.address import display_address
from incidents.store.database.failures import driver_message

# PostgreSQL's code for a read that stands in the way of the replay.
_CONFLICT = "40001"
_SENTENCES = {
    "replica_no_standby": "the replica {where} is not a standby",
    "replica_of_another": "the replica {where} is a standby of another database",
    "replica_ahead": "the replica {where} has data that the primary does not have",
    "replica_diverged": "the replica {where} has entries that the primary does not have: it follows"
    " another server",
    "replica_changed": "the replica {where} was another server, or further behind, during a read",
    "replica_empty": "the replica {where} has replayed nothing yet",
    "replica_unfit": "the replica {where} cannot be used: {why}",
    "replica_away": "the replica {where} cannot be reached: {told}",
    "replica_lag_unknown": "cannot tell how far the replica {where} is behind",
    "replica_behind": "the replica {where} is {seconds:.0f} s behind",
    "replica_lost": "the replica {where} failed during a read ({told}): try again",
    "replica_conflict": "the replica {where} cancelled this read to replay a change ({told}): set"
    " hot_standby_feedback = on or a longer max_standby_streaming_delay there, or read the primary",
}


def of(code: str, engine: Engine, **facts: object) -> Cause:
    """The trouble with that code of the replica that `engine` connects to."""
    return Cause.of(code, _SENTENCES[code], where=display_address(engine), **facts)


def unreachable(engine: Engine, error: DBAPIError) -> Cause:
    """The trouble that the replica does not answer."""
    return of("replica_away", engine, told=driver_message(error))


def behind(engine: Engine, lag: timedelta | None) -> Cause:
    """The trouble that the replica is too far behind; None: nobody knows how far."""
    if lag is None:
        return of("replica_lag_unknown", engine)
    return of("replica_behind", engine, seconds=lag.total_seconds())


def failed(engine: Engine, error: DBAPIError) -> Cause:
    """The trouble that the replica failed, or cancelled a read, in the middle of it."""
    is_conflict = getattr(error.orig, "sqlstate", None) == _CONFLICT
    code = "replica_conflict" if is_conflict else "replica_lost"
    return of(code, engine, told=driver_message(error))
