"""The history as people look at it: whether the record is whole, and signed, as far as is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from incidents.audit import last_signed, log_status
from incidents.audit.entry import decode
from incidents.audit.own_acts import HistoryResumed
from incidents.clock import read_rfc3339, rfc3339
from incidents.desk.resumption import DAEMON
from incidents.documents import plain
from incidents.store import lineage
from incidents.store.tables import DESK_STREAM, entries

TOLD_FOR = timedelta(days=1)
"""So long the desk is told of a loss that a daemon has noticed, and that nobody has answered."""

_LATELY = 1_000


def history(connection: Connection, now: datetime) -> dict[str, Any]:
    """How it stands at `now` (UTC).

    `epoch`: how often the record had to go on from less, or on another server, than it was known to
    be. `lost_since`: since when the world has to be compared with what is left of it, null once it
    was; where a daemon knows that entries are missing, for a day or until somebody recovers, since
    what is missing has to be recorded again. `unsigned_since`: since when entries have waited for a
    signature, for longer than a minute though the log has a key.
    """
    epoch, unproved_since = lineage.epoch(connection)
    lost_since = unproved_since if unproved_since or not epoch else _missing_since(connection, now)
    return {
        "epoch": epoch,
        "lost_since": plain(lost_since),
        "unsigned_since": plain(log_status.unsigned_since(connection, now)),
    }


def _missing_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when a daemon knows that entries are missing, if that is to be told."""
    last = resumed(connection, lately=_LATELY)
    if last is None or last["by"] != DAEMON or last["had"] is None:
        return None
    since = read_rfc3339(last["at"])
    return since if now - since < TOLD_FOR else None


def resumed(connection: Connection, *, lately: int | None = None) -> dict[str, Any] | None:
    """How the record went on last from less, or on another server; None if it never had to, or not
    within so many of the desk's own entries.

    `cause`, `entries`, `had` and `signed`: see `own_acts.HistoryResumed`.
    """
    newest = (
        select(entries.c.body, entries.c.site_seq).where(entries.c.site_id == DESK_STREAM)
        .order_by(entries.c.site_seq.desc()).limit(lately).subquery()
    )  # fmt: skip
    told = newest.c.body.contains(f'"kind":"{HistoryResumed.kind}"', autoescape=True)
    wanted = select(newest.c.body).where(told).order_by(newest.c.site_seq.desc())
    body = connection.scalar(wanted.limit(1))
    if body is None:
        return None
    _, event = decode(body)
    assert isinstance(event, HistoryResumed)
    return {
        "at": rfc3339(event.recorded_at), "by": event.by, "epoch": event.epoch,
        "cause": event.cause, "entries": event.entries, "had": event.had, "signed": event.signed,
    }  # fmt: skip


def whole(connection: Connection, key_file: Path) -> dict[str, Any]:
    """Whether the log is what was signed last, as the file beside that key has it: in which way it
    is not (`ahead`); and how the record went on last (`resumed`)."""
    ahead = last_signed.ahead(connection, key_file)
    return {"ahead": None if ahead is None else ahead.detail, "resumed": resumed(connection)}
