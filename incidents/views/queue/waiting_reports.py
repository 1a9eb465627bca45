"""The reports that wait for triage, as items of the queue: one for each finding.

They are no rows of `work`: a report has no site and no clock that suspends one, and anybody can
send it. So only the most urgent findings are shown, between the other items, and
however many reports wait, they hide no customer who must be called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, select, tuple_

from incidents.clock import rfc3339
from incidents.store.pages import literal_int
from incidents.store.schema.report_tables import report_hosts, waits, waits_since
from incidents.store.schema.report_tables import reports as table
from incidents.values.ids import report_id
from incidents.views.inbox import candidates
from incidents.views.inbox.reports import reports as documents

if TYPE_CHECKING:
    from incidents.contract.documents.queue import ReportsWaiting, Urgency, WaitingFinding
    from incidents.contract.documents.reports import Report

MAX_SHOWN = 5
"""The maximum number of findings in the queue."""
MAX_READ = 100
"""The maximum number of reports that are read to tell findings apart."""
MAX_COUNTED = 1_000
"""The maximum number of waiting reports that are counted."""

_MAX_HOSTS = 2_000
_SECOND = timedelta(seconds=1)
_URGENCY: Mapping[int, Urgency] = {0: "urgent", 1: "trusted", 2: "usual", 3: "last"}

# Named as the partial index names it, with a comparison: see `views.inbox.reports.page`.
_WAITING = (waits, tuple_(table.c.rank, table.c.id) > tuple_(-1, 0))
_FIRST = (
    select(table.c.id)
    .where(*_WAITING)
    .order_by(table.c.rank, table.c.id)
    .limit(literal_int(MAX_READ + 1))
)
_COUNTED = select(func.count()).select_from(
    select(table.c.id).where(*_WAITING).limit(literal_int(MAX_COUNTED + 1)).subquery("waiting")
)


class _Waiting(NamedTuple):
    """A waiting report; it waits `since` it came in, or was opened again (UTC)."""

    id: int
    rank: int
    received_at: datetime
    since: datetime
    category: str | None


class _Finding(NamedTuple):
    """The waiting reports about one host, the most urgent first; one alone if it names no host."""

    host: str | None
    site: str | None
    reports: list[_Waiting]

    @property
    def first(self) -> _Waiting:
        return self.reports[0]

    @property
    def received_at(self) -> datetime:
        """When the oldest of the reports came in (UTC)."""
        return min(each.received_at for each in self.reports)

    @property
    def since(self) -> datetime:
        """Since when the first of the reports waits (UTC)."""
        return min(each.since for each in self.reports)

    @property
    def rank_and_since(self) -> tuple[int, datetime, int]:
        return self.first.rank, self.since, self.first.id

    @property
    def place(self) -> tuple[int, datetime, int]:
        """The place in the queue: by deadline, but for what cannot wait and what comes last."""
        rank = {0: 0, 3: 2}.get(self.first.rank, 1)
        return rank, self.since, self.first.id


def waiting(connection: Connection, now: datetime, within: timedelta | None) -> ReportsWaiting:
    """The findings that wait for triage, at `now` (UTC).

    `within`: how long a report may wait; None if no report is ever overdue. The function takes a
    few queries, and the same time however many reports wait.
    """
    ids = connection.scalars(_FIRST).all()
    n = len(ids) if len(ids) <= MAX_READ else int(connection.scalar(_COUNTED) or 0)
    found = sorted(
        _findings(connection, ids[:MAX_READ]),
        key=lambda each: each.rank_and_since,
    )
    shown = sorted(found[:MAX_SHOWN], key=lambda each: each.place)
    unnamed = [each.first.id for each in shown if each.host is None]
    read = {each["id"]: each for each in (documents(connection, unnamed) if unnamed else [])}
    return {
        "items": [
            _document(each, read.get(report_id(each.first.id)), now, within) for each in shown
        ],
        "waiting": min(n, MAX_COUNTED),
        "capped": n > MAX_COUNTED,
        "more": len(ids) > MAX_READ or len(found) > MAX_SHOWN,
    }


def _findings(connection: Connection, ids: Sequence[int]) -> list[_Finding]:
    """The findings of the reports, by the host of a site here, or else by the first host."""
    if not ids:
        return []
    own, of_host = table.c, report_hosts.c
    asked = select(own.id, own.rank, own.received_at, waits_since, own.category).where(
        own.id.in_(ids)
    )
    of_id = {row.id: _Waiting(*row) for row in connection.execute(asked)}
    hosts: dict[int, list[str]] = {}
    by_report = select(of_host.report_id, of_host.host).where(of_host.report_id.in_(ids))
    order = (of_host.report_id, of_host.host)
    for row in connection.execute(by_report.order_by(*order).limit(literal_int(_MAX_HOSTS))):
        hosts.setdefault(row.report_id, []).append(row.host)
    every = {host for some in hosts.values() for host in some}
    sites = candidates.sites_of_hosts(connection, every) if every else {}
    found: dict[str | int, _Finding] = {}
    for id_, each in ((id_, of_id[id_]) for id_ in ids):
        named = hosts.get(id_, [])
        host = next((name for name in named if name in sites), named[0] if named else None)
        finding = found.setdefault(host or id_, _Finding(host, sites.get(host or ""), []))
        finding.reports.append(each)
    return list(found.values())


def _document(
    finding: _Finding, read: Report | None, now: datetime, within: timedelta | None
) -> WaitingFinding:
    """The finding; what was `read` says whose a report is that names no host."""
    due = None if within is None else finding.since + within
    sites = [finding.site] if read is None else read["candidates"]
    return {
        "id": report_id(finding.first.id),
        "reports": len(finding.reports),
        "host": finding.host,
        "address": None if read is None else next(iter(read["addresses"]), None),
        "site": sites[0] if len(sites) == 1 else None,
        "category": next((each.category for each in finding.reports if each.category), None),
        "urgency": _URGENCY[finding.first.rank],
        "received_at": rfc3339(finding.received_at),
        "due": None if due is None else rfc3339(due),
        "overdue": due is not None and due < now,
        "left_s": None if due is None else (due - now) // _SECOND,
    }
