"""The history as people look at it: whether the record is whole, and signed, as far as is known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from incidents.audit import log_status, loss
from incidents.audit.entry import decode
from incidents.audit.last_signed import Known
from incidents.audit.own_acts import HistoryResumed
from incidents.clock import rfc3339
from incidents.documents import plain
from incidents.store import lineage
from incidents.store.tables import DESK_STREAM, entries


def history(connection: Connection, now: datetime) -> dict[str, Any]:
    """How it stands at `now` (UTC).

    `epoch`: how often the record had to go on from less, or on another server, than it was known to
    be. `lost_since`: since when the world has to be compared with what is left of it, null once it
    was. `unsigned_since`: see `log_status`.
    """
    epoch, unproved_since = lineage.epoch(connection)
    return {
        "epoch": epoch,
        "lost_since": plain(unproved_since),
        "unsigned_since": plain(log_status.unsigned_since(connection, now)),
    }


def resumed(connection: Connection) -> dict[str, Any] | None:
    """How the record went on last from less, or on another server; None if it never had to.

    `cause`, `entries`, `had` and `signed`: see `own_acts.HistoryResumed`.
    """
    of = entries.c
    told = of.body.contains(f'"kind":"{HistoryResumed.kind}"', autoescape=True)
    wanted = select(of.body).where(of.site_id == DESK_STREAM, told).order_by(of.site_seq.desc())
    body = connection.scalar(wanted.limit(1))
    if body is None:
        return None
    _, event = decode(body)
    assert isinstance(event, HistoryResumed)
    return {
        "at": rfc3339(event.recorded_at), "by": event.by, "epoch": event.epoch,
        "cause": event.cause, "entries": event.entries, "had": event.had, "signed": event.signed,
    }  # fmt: skip


def whole(connection: Connection, files: Known, status: dict[str, Any]) -> dict[str, Any]:
    """The log's status, and whether the log is what was signed last, as the files beside a key have
    it, which were read before: in which way it is not (`ahead`), or why nobody can tell here
    (`uncompared`); and how the record went on last (`resumed`)."""
    lost = loss.known(connection, files)
    return {
        **status,
        "signs": status["signs"] and lost is None,
        "ahead": None if lost is None else lost.detail,
        "uncompared": None if status["key"] is None else files.unread,
        "resumed": resumed(connection),
    }
