"""The health of the record: whether it is known to be complete and signed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.audit.log import loss
from incidents.audit.log import status as log_status
from incidents.audit.log.signed_files import SignedFiles
from incidents.clock import rfc3339
from incidents.contract.case_documents import plain
from incidents.record.own_events import HistoryResumed
from incidents.store import after_loss
from incidents.store.log import lineage
from incidents.store.log.lineage import Standing
from incidents.views.left_down import MOST_NAMED, left_down, resumptions, taken_down

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import HaltedWhy, History, Uncompared
    from incidents.contract.documents.record import LogProgress, LogStatus, RecordResumed, Resumed


MOVED_FOR = timedelta(minutes=10)
"""The minimum time for which people see that another server has taken over."""


def record_health(
    connection: Connection, now: datetime, *, staying_down: Collection[int] | None = None
) -> History:
    """The state of the record at `now` (UTC).

    `epoch`: a number that grows whenever the record continues with fewer entries, or on another
    server. `lost_since`: since when entries are known to be missing; null once a person has
    acknowledged the loss on record. `moved_since`: when another server took over, with nothing
    known to be missing; null ten minutes later, if the live system was compared by then.
    `unproved_since`: since when the live system is being compared with the record; null once that
    is done. `halted_since`: since when no orders have been carried out, until a person resumes, and
    why (`halted_why`, a code of `store.lineage`; null if a version before 0017 halted it).
    `unsigned_since`: see `log_status`. `left_down` and `taken_down`: see `views.left_down`.
    `staying_down`: the result of `left_down.staying_down`, if the caller has it. `uncompared`: the
    sites that could not be compared so far: their number, the time of the first failure, and the
    first names with the reason; otherwise null.
    """
    found = lineage.standing(connection)
    moved_since = found.moved_at if _is_news(found, now) else None
    left, failed = (
        left_down(connection, found, now, also=staying_down),
        _uncompared(connection, found),
    )
    if left is not None and failed is not None:
        # The site was added after all were compared.
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
    """Whether people should still see that another server has taken over."""
    if found.moved_at is None or found.lost_since is not None:
        return False
    return found.unproved_since is not None or now - found.moved_at < MOVED_FOR


def resumed(connection: Connection) -> RecordResumed:
    """The resumptions of the record: it continued with fewer entries, or on another server.

    `resumed`: the last resumption. `lost`: the last resumption with entries missing. Both are None
    if there was none. `lost_before`: the earlier resumptions with entries missing, oldest first.

    `cause`, `entries`, `had` and `signed`: see `own_events.HistoryResumed`. `missing`: the minimum
    number of missing entries, 0 if the signed entries might only be in a different order; None if
    none are known to be missing.
    """
    events = resumptions(connection)
    losses = [_resumed(connection, each) for each in loss.losses(events)]
    return {
        "resumed": _resumed(connection, events[-1]) if events else None,
        "lost": losses[-1] if losses else None,
        "lost_before": losses[:-1],
    }


def _resumed(connection: Connection, event: HistoryResumed) -> Resumed:
    return {
        "at": rfc3339(event.recorded_at), "by": event.by, "epoch": event.epoch,
        "cause": event.cause, "entries": event.entries, "had": event.had,
        "signed": event.signed, "missing": _missing(connection, event) if event.is_loss else None,
    }  # fmt: skip


def _missing(connection: Connection, event: HistoryResumed) -> int:
    """The minimum number of missing entries.

    On PostgreSQL entry ids have gaps, so an id does not count entries: `had` proves that at least
    one entry is missing. Signed entries might not be missing but only in a different order: a
    standby that has received the entries but not their log numbers gives them other numbers.
    """
    known = [event.signed]
    if connection.dialect.name == "sqlite":
        known.append(event.had)
    least = 0 if event.had is None else 1
    return max([least, *(number - event.entries for number in known if number is not None)])


def log_health(
    connection: Connection, files: SignedFiles, status: LogProgress, silent: list[str]
) -> LogStatus:
    """The status of the log, compared with the files beside a signing key.

    `files`: those files, read before. `ahead`: how the log differs from the last signed note; null
    if it does not. `uncompared`: why the log cannot be compared here; null if it can. `resumed`,
    `lost` and `lost_before`: see `resumed`.
    """
    lost = loss.find(connection, files)
    return {
        **status,
        "silent": silent,
        "signs": status["signs"] and lost is None,
        "ahead": None if lost is None else lost.detail,
        "uncompared": None if None in (status["key"], files.unread) else str(files.unread),
        **resumed(connection),
    }
