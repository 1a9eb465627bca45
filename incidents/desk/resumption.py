"""The resumption: the desk's own act of going on from less of its history than it is known to have.

Whatever is ordered from then on has a higher number in the world than anything before (see
`lineage.seq`), and the world is to be compared with the record, since what was done there for what
is missing stands there still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.audit.own_acts import HistoryResumed
from incidents.desk import own_stream
from incidents.sealing import seal
from incidents.store import entries, lineage, policies, sealed
from incidents.store.tables import DESK_STREAM

ANOTHER_SERVER, ENTRIES_LOST, ASKED = "another_server", "entries_lost", "asked"
DAEMON = "daemon"
"""Who goes on where nobody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """Why it goes on, and what is known to be missing: as `HistoryResumed` has it.

    `epoch`: the highest that is known anywhere, else that of the database.
    """

    cause: str
    by: str = DAEMON
    login: str | None = None
    had: int | None = None
    signed: int | None = None
    epoch: int = 0
    reason: str | None = None


def resume(
    connection: Connection, asked: Resumption, clock: Callable[[], datetime]
) -> HistoryResumed:
    """Puts it on record, and begins the next epoch."""
    policies.keep(connection)
    place = own_stream.place(connection, clock)
    before = lineage.look(connection)
    epoch = max(before.epoch, asked.epoch) + 1
    words = None if asked.reason is None else seal(asked.reason)
    event = HistoryResumed(
        occurred_at=place.now, recorded_at=place.now, by=asked.by, policy=place.policy,
        epoch=epoch, cause=asked.cause, entries=entries.last_id(connection), had=asked.had,
        signed=asked.signed, text=None if words is None else words[0],
    )  # fmt: skip
    lineage.resume(connection, epoch, before.found, place.now)
    if words is not None:
        sealed.add(connection, [sealed.Sealed(*words, DESK_STREAM, place.now)])
    own_stream.write(connection, place, event, asked.login)
    return event
