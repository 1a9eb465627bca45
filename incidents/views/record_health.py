"""The health of the record: whether it is whole and signed, as far as is known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.audit.log import loss
from incidents.audit.log import status as log_status
from incidents.audit.log.signed_files import Known
from incidents.clock import rfc3339
from incidents.contract.case_documents import plain
from incidents.record.own_events import HistoryResumed
from incidents.store import after_loss, lineage
from incidents.store.lineage import Standing
from incidents.views.left_down import MOST_NAMED, left_down, resumptions, taken_down

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import HaltedWhy, History, Uncompared
    from incidents.contract.documents.record import LogProgress, LogStatus, RecordResumed, Resumed


MOVED_FOR = timedelta(minutes=10)
"""For so long at least people are told that another server has taken over."""


def record_health(
    connection: Connection, now: datetime, *, staying: Collection[int] | None = None
) -> History:
    """How the record stands at `now` (UTC).

    `epoch`: raised whenever the record had to go on from less, or on another server, than it was
    known to be. `lost_since`: since when entries are known to be missing, null once a person has
    put on record that they know. `moved_since`: since when it is known that another server has
    taken over, with nothing known to be missing; null ten minutes later, if the world was compared
    by then. `unproved_since`: since when the world is being compared with the record, null once it
    was. `halted_since`: since when nothing is carried out, until a person goes on, and why
    (`halted_why`, by its code in `store.lineage`; null if a version of before 0017 halted
    it). `unsigned_since`: see `log_status`. `left_down` and `taken_down`: see `views.left_down`,
    and so are those that are `staying`, where somebody has asked for them. `uncompared`: which
    sites could not be compared so far, how many, since when the first, and of the first names why;
    null where there are none.
    """
    found = lineage.standing(connection)
    moved_since = found.moved_at if _is_news(found, now) else None
    left, failed = left_down(connection, found, now, also=staying), _uncompared(connection, found)
    if left is not None and failed is not None:
        # One that was added since all were compared.
        left["complete"] = False
    return {
        "epoch": found.epoch,
        "lost_since": plain(found.lost_since),
        "moved_since": plain(moved_since),
        "unproved_since": plain(found.unproved_since),
        "halted_since": plain(found.halted_since),
        "halted_why": cast("HaltedWhy | None", found.halted_why),
        "unsigned_since": plain(log_status.unsigned_since(connection, now)),
        "left_down": left,
        "taken_down": taken_down(connection, found.lost_since or moved_since),
        "uncompared": failed,
    }


def _uncompared(connection: Connection, standing: Standing) -> Uncompared | None:
    if standing.unproved_since is None:
        return None
    found = after_loss.first_uncompared(connection, MOST_NAMED)
    return found and {
        "count": found.sites, "since": rfc3339(found.since),
        "sites": [{"site": site, "problem": problem} for site, problem in found.named],
    }  # fmt: skip


def _is_news(found: Standing, now: datetime) -> bool:
    """Whether people are to be told that another server has taken over."""
    if found.moved_at is None or found.lost_since is not None:
        return False
    return found.unproved_since is not None or now - found.moved_at < MOVED_FOR


def resumed(connection: Connection) -> RecordResumed:
    """How the record went on last from less, or on another server (`resumed`), and how it did when
    something was missing last (`lost`), whoever has let it go on since; None if it never did; and
    how it did when something was missing before that (`lost_before`), the first one first.

    `cause`, `entries`, `had` and `signed`: see `own_events.HistoryResumed`. `missing`: so many
    entries are missing at least, 0 if those that were signed may only stand in another order; None
    if none are known to be.
    """
    events = resumptions(connection)
    losses = [_told(connection, each) for each in loss.losses(events)]
    return {
        "resumed": _told(connection, events[-1]) if events else None,
        "lost": losses[-1] if losses else None,
        "lost_before": losses[:-1],
    }


def _told(connection: Connection, event: HistoryResumed) -> Resumed:
    return {
        "at": rfc3339(event.recorded_at), "by": event.by, "epoch": event.epoch,
        "cause": event.cause, "entries": event.entries, "had": event.had,
        "signed": event.signed, "missing": _missing(connection, event) if event.is_loss else None,
    }  # fmt: skip


def _missing(connection: Connection, event: HistoryResumed) -> int:
    """On PostgreSQL the numbers of entries have gaps, and the number of one counts none.

    An entry that was there is missing. What was signed may only stand in another order: a standby
    that had heard of the entries, and not of the log's numbers, gives others.
    """
    known = [event.signed]
    if connection.dialect.name == "sqlite":
        known.append(event.had)
    least = 0 if event.had is None else 1
    return max([least, *(number - event.entries for number in known if number is not None)])


def log_health(
    connection: Connection, files: Known, status: LogProgress, silent: list[str]
) -> LogStatus:
    """The log's status, and whether the log is what was signed last, as the files beside a key have
    it, which were read before: in which way it is not (`ahead`), or why nobody can tell here
    (`uncompared`); and how the record went on (`resumed`, `lost`, `lost_before`)."""
    lost = loss.known(connection, files)
    return {
        **status,
        "silent": silent,
        "signs": status["signs"] and lost is None,
        "ahead": None if lost is None else lost.detail,
        "uncompared": None if None in (status["key"], files.unread) else str(files.unread),
        **resumed(connection),
    }
