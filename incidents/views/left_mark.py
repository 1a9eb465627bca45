"""Which sites a loss has left down: their marks (`machine.left_mark`), read from their entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter

from sqlalchemy import Connection, select

from incidents.desk.resumption import ENTRIES_LOST
from incidents.log import logger
from incidents.machine import left_mark
from incidents.machine.command import DAEMON
from incidents.machine.left_mark import Epoch, Numbered
from incidents.record import entry
from incidents.record.own_events import HistoryResumed
from incidents.store.record import left_down as left
from incidents.store.schema.tables import entries
from incidents.values.ids import ACT
from incidents.views.resumptions import resumptions

_AT_ONCE = 500
"""So many sites are asked about in one query: a database takes only so many variables."""

_log = logger("left_mark")


def marked(connection: Connection, site_ids: Iterable[int]) -> set[int]:
    """Those of the sites that are marked; none before the first loss. One whose entries cannot be
    read is: nobody can tell."""
    asked = sorted(set(site_ids))
    begun = _begun(connection) if asked else []
    return _marked(connection, asked, begun) if begun else set()


def marked_and_staying(connection: Connection) -> set[int]:
    """Those of the sites that are suspended on record, and not held, which are marked: they stay
    down at the end of that. So do those that an order waits to open: it is cancelled."""
    begun = _begun(connection)
    return _marked(connection, left.may_stay(connection, begun[0].at), begun) if begun else set()


def was_kept_down(connection: Connection, site_id: int, seq: int, now: datetime) -> bool:
    """Whether the site was marked, or held, when its entry of that number was recorded, at `now`
    (UTC): nobody was told then that the end of a suspension opens it."""
    of = entries.c
    asked = select(of.body).where(of.site_id == site_id, of.site_seq <= seq).order_by(of.site_seq)
    known = (each for each in resumptions(connection) if each.recorded_at < now)
    begun = sorted(map(_epoch, known), key=attrgetter("at"))
    return left_mark.is_kept_down(_read(connection.scalars(asked)), begun)


def _begun(connection: Connection) -> list[Epoch]:
    return sorted(map(_epoch, resumptions(connection)), key=attrgetter("at"))


def _marked(connection: Connection, ids: Sequence[int], begun: Sequence[Epoch]) -> set[int]:
    streams = _streams(connection, ids)
    return {site_id for site_id, bodies in streams if _is_marked(site_id, bodies, begun)}


def _epoch(event: HistoryResumed) -> Epoch:
    # A person who finds a loss first is told of no site by then, as a daemon that does.
    by_person = event.by != DAEMON and event.cause != ENTRIES_LOST
    # What clocks have decided before anybody knew of a loss came after it.
    at = event.since if event.is_loss and not by_person else event.recorded_at
    return Epoch(at, by_person, event.is_loss)


def _streams(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """The entries of each of the sites, in order, as they are stored."""
    of = entries.c
    for begin in range(0, len(ids), _AT_ONCE):
        those = of.site_id.in_(ids[begin : begin + _AT_ONCE])
        asked = select(of.site_id, of.body).where(those).order_by(of.site_id, of.site_seq)
        for site_id, rows in groupby(connection.execute(asked), itemgetter(0)):
            yield site_id, [body for _, body in rows]


def _is_marked(site_id: int, bodies: Iterable[str], begun: Sequence[Epoch]) -> bool:
    try:
        return left_mark.is_marked(_read(bodies), begun)
    except Exception as error:  # noqa: BLE001 - one site must not hold up all the others
        _log.error(
            "the entries of a site cannot be read: it counts as left down", site_id=site_id,
            error=type(error).__name__,
        )  # fmt: skip
        return True


def _read(bodies: Iterable[str]) -> Iterator[Numbered]:
    """Those that the mark follows from: to read an entry takes most of the time."""
    for body in bodies:
        if _READ.search(body) and ('"lane":"' not in body or _INTO_THE_WORLD in body):
            header, event = entry.decode(body)
            yield header.site_seq, event


_READ = re.compile(f'"kind":"(?:{"|".join(sorted(each.kind for each in left_mark.READS))})"')
_INTO_THE_WORLD = f'"lane":"{ACT}"'
