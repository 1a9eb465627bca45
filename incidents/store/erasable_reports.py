"""Queries for what may be erased of reports: what was read out of them, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from incidents.store.reports import WAITING
from incidents.store.schema.report_tables import report_hosts, reports

_WAITS = reports.c.state.in_(WAITING)
_KEPT = func.coalesce(reports.c.kept, reports.c.digest)
_AT_ONCE = 500


def needed(connection: Connection, refs: Sequence[str]) -> set[str]:
    """Those of the references that stand for the reading of a report that waits for the desk."""
    found: set[str] = set()
    for start in range(0, len(refs), _AT_ONCE):
        some = refs[start : start + _AT_ONCE]
        asked = select(reports.c.reading).where(reports.c.reading.in_(some), _WAITS)
        found.update(connection.scalars(asked))
    return found


def forget(connection: Connection, refs: Sequence[str]) -> None:
    """Erase what rows repeat of the readings with those references, which are erased."""
    for start in range(0, len(refs), _AT_ONCE):
        of = reports.c.reading.in_(refs[start : start + _AT_ONCE])
        connection.execute(
            delete(report_hosts).where(report_hosts.c.report_id.in_(select(reports.c.id).where(of)))
        )
        forgotten = {"reporter": None, "category": None, "seen_at": None, "message_id": None}
        connection.execute(update(reports).where(of).values(forgotten))


def files(connection: Connection, before: datetime, among: Sequence[str] | None = None) -> set[str]:
    """The digests of the bytes of reports that came in before that time (UTC) and have ended."""
    old = select(_KEPT).where(reports.c.received_at < before, ~_WAITS)
    found = set(connection.scalars(old if among is None else old.where(_KEPT.in_(among))))
    return found - waiting_files(connection, sorted(found))


def waiting_files(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of the digests that are the bytes of a report that waits for the desk."""
    found: set[str] = set()
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        found.update(connection.scalars(select(_KEPT).where(_KEPT.in_(some), _WAITS)))
    return found
