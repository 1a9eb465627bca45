"""The sites that a loss has left down, and the sites that daemons have taken down again.

The marks of sites (`machine.left_mark`) are read from their entries. A resumption is an event: the
record continued with fewer entries, or on another server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, select

from incidents.clock import rfc3339
from incidents.desk.resumption import ENTRIES_LOST
from incidents.log import logger
from incidents.machine import left_mark
from incidents.machine.case import UNKNOWN
from incidents.machine.command import DAEMON
from incidents.machine.left_mark import Epoch, Numbered
from incidents.record import entry
from incidents.record.entry import decode
from incidents.record.own_events import HistoryResumed
from incidents.store import after_loss
from incidents.store import entries as stored_entries
from incidents.store.archive import whole
from incidents.store.archive.whole import Wanted
from incidents.store.log import lineage
from incidents.store.log.lineage import Standing
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.values.ids import ACT

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import LeftDown, TakenDown


UP = "active"

MOST_NAMED = 20
"""The maximum number of sites to name."""


def staying_down(connection: Connection) -> Collection[int]:
    """The ids of left-down sites that the record would soon open, but that stay down.

    Each of them is suspended on record, or an order waits to open the site and will be cancelled.
    Call this once for each request, because it reads the sites' entries.
    """
    if _lost_at(lineage.standing(connection)) is None:
        return ()
    return marked_staying_down(connection)


def left_down(
    connection: Connection,
    found: Standing,
    now: datetime,
    *,
    also: Collection[int] | None = None,
) -> LeftDown | None:
    """The sites that are or may be down, though nothing on record keeps them down.

    `count`: the number of sites. `closed`: how many of them are actually closed. `unknown`: how
    many have an unknown state. `new`: how many of the unknown sites were added since the loss.
    `sites`: the first names; `states`: their actual states; `suspended_now`: the names that are
    also suspended on record, and stay down after the suspension. `since`: when the reason may have
    been lost. `complete`: all sites were compared.

    None if there are no such sites at `now` (UTC), or if the live system agrees with the record.
    `also`: the result of `staying_down`, if the caller has it.
    """
    since = _lost_at(found)
    if since is None:
        return None
    also = marked_staying_down(connection) if also is None else also
    believed = believed_since(found, now)
    added_since = found.resumed_at or since
    counts = after_loss.count_left_down(connection, added_since, believed_since=believed, also=also)
    if not counts.sites:
        return None
    named = after_loss.named_left_down(connection, MOST_NAMED, believed_since=believed, also=also)
    return {
        "count": counts.sites, "closed": counts.closed, "unknown": counts.unknown,
        "new": counts.new, "sites": [name for name, *_ in named],
        "states": [cast("Any", state) for _, state, _ in named],
        "suspended_now": [name for name, _, is_up in named if not is_up],
        "since": rfc3339(since), "complete": found.is_compared,
    }  # fmt: skip


def all_left_down(
    connection: Connection, now: datetime, *, also: Collection[int] | None = None
) -> list[str]:
    """The names of all sites of `left_down` at `now` (UTC). `also`: see `left_down`."""
    believed = believed_since(lineage.standing(connection), now)
    also = marked_staying_down(connection) if also is None else also
    return [
        name
        for name, *_ in after_loss.named_left_down(connection, believed_since=believed, also=also)
    ]


def taken_down(connection: Connection, since: datetime | None) -> TakenDown | None:
    """The sites that daemons have taken down again since `since` (UTC), the time of a loss or move.

    None if there are none, or if `since` is None, because the loss or move is too old to report.
    """
    if since is None or not (names := stored_entries.ordered_down_again(connection, since, DAEMON)):
        return None
    return {"count": len(names), "sites": names[:MOST_NAMED]}


def since(connection: Connection, site: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when the reason for the site to be down may have been lost, as of `now` (UTC).

    None for a site that is not left down.
    """
    found = lineage.standing(connection)
    at = _lost_at(found)
    if at is None:
        return None
    if after_loss.is_left_down(connection, site["id"], believed_since=believed_since(found, now)):
        return at
    is_suspended = site["state"] == "suspended" and site["hold_at"] is None
    stays = is_suspended or after_loss.waits_to_open(connection, site["id"])
    return at if stays and stays_down(connection, site) else None


def stays_down(connection: Connection, site: Mapping[str, Any]) -> bool:
    """Whether a loss has left the site of that row down, so that a person has to decide.

    Neither the end of a suspension nor a struck case opens the site. While the site is actually
    closed, lifting a hold does not open it either.
    """
    is_held = site["hold_at"] is not None and site["in_force"] != "closed"
    if site["in_force"] == UP or site["state"] == "closed" or is_held:
        return False
    return bool(marked(connection, [site["id"]]))


def believed_since(found: Standing, now: datetime) -> datetime | None:
    """The time (UTC) since which added sites are believed to be up at `now`, though not proven.

    None while such sites may be sites that the record has lost.
    """
    until = found.may_be_lost_until
    return found.resumed_at if until is None or now >= until else None


def is_believed(connection: Connection, site: Mapping[str, Any], now: datetime) -> bool:
    """Whether a site added after a loss, in an unknown state, counts as up at `now` (UTC)."""
    if (site["state"], site["in_force"], site["last_act"]) != (UP, UNKNOWN, 0):
        return False
    since = believed_since(lineage.standing(connection), now)
    return since is not None and site["created_at"] > since


def _lost_at(found: Standing) -> datetime | None:
    """When the record lost its latest entries, if known; None once the live system matches it."""
    return None if found.unproved_since is None else found.lost_at


_AT_ONCE = 500
"""The maximum number of sites in one query, because databases limit the number of variables."""

_log = logger("left_mark")


def marked(connection: Connection, site_ids: Iterable[int]) -> set[int]:
    """The sites that are marked as left down; none before the first loss.

    A site with unreadable entries counts as marked, because its state is unknown.
    """
    ids = sorted(set(site_ids))
    begun = _begun(connection) if ids else []
    return _marked(connection, ids, begun) if begun else set()


def marked_staying_down(connection: Connection) -> set[int]:
    """The marked, unheld sites that are suspended on record or that an order waits to open.

    These sites stay down: after the suspension, or because the order is cancelled.
    """
    begun = _begun(connection)
    return (
        _marked(connection, after_loss.left_down_candidates(connection, begun[0].at), begun)
        if begun
        else set()
    )


def was_kept_down(connection: Connection, site_id: int, seq: int, now: datetime) -> bool:
    """Whether the site was marked or held when its entry `seq` was recorded, at `now` (UTC).

    If it was, no notice at that time announced that the end of the suspension opens the site.
    """
    of = entries.c
    query = select(of.body).where(of.site_id == site_id, of.site_seq <= seq).order_by(of.site_seq)
    known = (each for each in resumptions(connection) if each.recorded_at < now)
    begun = sorted(map(_epoch, known), key=attrgetter("at"))
    bodies = (body for (body,) in whole.of_one_site(connection, query, site_id))
    return left_mark.is_kept_down(_read(bodies), begun)


def _begun(connection: Connection) -> list[Epoch]:
    return sorted(map(_epoch, resumptions(connection)), key=attrgetter("at"))


def _marked(connection: Connection, ids: Sequence[int], begun: Sequence[Epoch]) -> set[int]:
    streams = _streams(connection, ids)
    return {site_id for site_id, bodies in streams if _is_marked(site_id, bodies, begun)}


def _epoch(event: HistoryResumed) -> Epoch:
    # A person who finds a loss first has seen no site named yet, like a daemon that finds it.
    by_person = event.by != DAEMON and event.cause != ENTRIES_LOST
    # Decisions of clocks before anybody knew of the loss came after it.
    at = event.since if event.is_loss and not by_person else event.recorded_at
    return Epoch(at, by_person, event.is_loss)


def _streams(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """The stored entries of each site, in order."""
    of = entries.c
    for begin in range(0, len(ids), _AT_ONCE):
        those = of.site_id.in_(ids[begin : begin + _AT_ONCE])
        query = select(of.site_id, of.body).where(those).order_by(of.site_id, of.site_seq)
        rows_ = chain.from_iterable(whole.merged(connection, query, itemgetter(0)))
        for site_id, rows in groupby(rows_, itemgetter(0)):
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
    """The entries that decide the mark, decoded; others are skipped, because decoding is slow."""
    for body in bodies:
        if _READ.search(body) and ('"lane":"' not in body or _INTO_THE_WORLD in body):
            header, event = entry.decode(body)
            yield header.site_seq, event


_READ = re.compile(f'"kind":"(?:{"|".join(sorted(each.kind for each in left_mark.READS))})"')
_INTO_THE_WORLD = f'"lane":"{ACT}"'


def resumptions(connection: Connection, parts: Wanted = whole.every) -> list[HistoryResumed]:
    """The resumptions of the record in the database and those parts, oldest first."""
    if lineage.standing(connection).resumed_at is None:
        # The desk's own stream may be very long.
        return []
    of, found = entries.c, []
    is_resumption = of.body.contains(f'"kind":"{HistoryResumed.kind}"', autoescape=True)
    wanted = select(of.body).where(of.site_id == DESK_STREAM, is_resumption).order_by(of.site_seq)
    for (body,) in whole.of_one_site(connection, wanted, DESK_STREAM, parts):
        _, event = decode(body)
        assert isinstance(event, HistoryResumed)
        found.append(event)
    return found
