"""Queries for reports: those that came in, how each ended, and the hosts that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, get_args

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update

from incidents.contract.documents.reports import ReportState
from incidents.store.inbox import reporters
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.report_tables import report_hosts, report_incidents, reports, waits
from incidents.store.schema.tables import evidence

BRAKE = "brake"
"""Why a rule left a report to the desk: it had logged as many as it may."""

STATES: tuple[str, ...] = get_args(ReportState)
NEW, UNREADABLE, LOGGED, JOINED, DISMISSED, NOT_OURS = STATES
WAITING = (NEW, UNREADABLE)
"""The states of a report that waits for the desk."""
SETTLED = (LOGGED, JOINED, DISMISSED, NOT_OURS)
"""The states of a report that has ended."""
LED, LED_NOWHERE = (LOGGED, JOINED), (DISMISSED, NOT_OURS)
"""The states of a report that led to an incident, and of one that did not."""

URGENT = ("child_abuse", "terrorism")
"""The categories of reports that cannot wait."""
_FIRST, _TRUSTED_NEXT, _USUAL, _LAST = range(4)

MAX_REPORTER = 254
"""The maximum characters by which a reporter is known."""

_AT_ONCE = 500
# "mails" in ASCII: an advisory lock has a number, not a name.
_FETCHING = 0x6D61696C73


def rank(category: str | None, standing: str) -> int:
    """The place of a waiting report in the list: lower ones come first, then the older ones.

    What cannot wait is first, then what a trusted reporter sent; a blocked one's reports are last.
    """
    if standing == reporters.BLOCKED:
        return _LAST
    if category in URGENT:
        return _FIRST
    return _TRUSTED_NEXT if standing == reporters.TRUSTED else _USUAL


class Report(NamedTuple):
    """A report, with a field for each column of its table; all times are in UTC."""

    id: int
    digest: str
    kept: str | None
    size: int
    received_at: datetime
    channel: str
    format: str
    unread: str | None
    reading: str
    same_id_as: int | None
    state: str
    settled_at: datetime | None = None
    settled_by: str | None = None
    site_id: int | None = None
    incident: int | None = None
    reason: str | None = None
    reporter: str | None = None
    category: str | None = None
    seen_at: datetime | None = None
    message_id: str | None = None
    rule: str | None = None
    rules: str | None = None
    asks: str | None = None
    rank: int = _USUAL
    answers: int | None = None
    reopened_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the report has ended."""
        return self.state not in WAITING


class Led(NamedTuple):
    """An incident to which a report led before it ended, the `n`th (from 1), by a state's name."""

    report: int
    n: int
    state: str
    site_id: int
    incident: int


class Settlement(NamedTuple):
    """How a report ended: the state, when (UTC) and by whom, with its incident or its reason."""

    state: str
    settled_at: datetime
    settled_by: str
    site_id: int | None = None
    incident: int | None = None
    reason: str | None = None

    @classmethod
    def of_dismissal(
        cls, state: str, at: datetime, by: str, reason: str, before: Sequence[Led]
    ) -> Settlement:
        """How a report ends that leads to no further incident, with the reference to the reason.

        It ends in that state, unless it led to incidents `before`: then as the last of them.
        """
        if not before:
            return cls(state, at, by, reason=reason)
        *_, last = before
        return cls(last.state, at, by, last.site_id, last.incident, reason)


def reporter_key(connection: Connection, reporter: str) -> str:
    """What stands for a reporter in the table, by which their reports are found.

    It is the SHA-256 (hexadecimal) of the address with the database's random identity: the address
    itself is only in the sealed reading. Upper and lower case are the same.
    """
    named = reporter.strip().lower()[:MAX_REPORTER]
    return sha256(f"{identity(connection)}\n{named}".encode()).hexdigest()


def identity(connection: Connection) -> str:
    """What was drawn at random when the database was made: a key that no surface shows."""
    return connection.scalar(select(desk.c.identity)) or ""


def lock_fetching(connection: Connection) -> bool:
    """Take the lock for fetching mails until the transaction's end; False if another has it.

    Only for PostgreSQL.
    """
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_FETCHING))))


def last_id(connection: Connection) -> int:
    """The number of the newest report; 0 if there is none."""
    return connection.scalar(select(func.max(reports.c.id))) or 0


def by_digest(connection: Connection, digests: Iterable[str]) -> dict[str, int]:
    """The numbers of the reports with those bytes, by their digest."""
    found: dict[str, int] = {}
    for some in _parts(sorted(set(digests))):
        asked = select(reports.c.digest, reports.c.id).where(reports.c.digest.in_(some))
        found |= {row.digest: row.id for row in connection.execute(asked)}
    return found


def by_message_id(connection: Connection, digests: Iterable[str]) -> dict[str, int]:
    """The first reports with those Message-IDs, by the digest of the Message-ID."""
    found: dict[str, int] = {}
    for some in _parts(sorted(set(digests))):
        asked = select(reports.c.message_id, func.min(reports.c.id)).where(
            reports.c.message_id.in_(some)
        )
        rows = connection.execute(asked.group_by(reports.c.message_id))
        found |= {str(message_id): id_ for message_id, id_ in rows}
    return found


def add(connection: Connection, new: Sequence[tuple[Report, Sequence[str]]]) -> None:
    """Add reports, each with the hosts that it names."""
    if not new:
        return
    connection.execute(insert(reports), [report._asdict() for report, _ in new])
    hosts = [{"report_id": r.id, "host": host} for r, own in new for host in own]
    if hosts:
        connection.execute(insert(report_hosts), hosts)


def settle(connection: Connection, id_: int, how: Settlement) -> None:
    """Note how the report ended."""
    connection.execute(update(reports).where(reports.c.id == id_).values(how._asdict()))


def add_incident(connection: Connection, led: Led) -> None:
    """Note an incident to which a report led that still waits."""
    connection.execute(insert(report_incidents), [led._asdict()])


def incidents_before(connection: Connection, ids: Iterable[int]) -> dict[int, list[Led]]:
    """The incidents to which those reports led before they ended, in order."""
    found: dict[int, list[Led]] = {}
    of = report_incidents.c
    for some in _parts(sorted(set(ids))):
        asked = select(report_incidents).where(of.report.in_(some)).order_by(of.report, of.n)
        for row in connection.execute(asked):
            found.setdefault(row.report, []).append(Led(*row))
    return found


def incidents_of(row: Report, before: Iterable[Led]) -> dict[tuple[int, int], str]:
    """The incidents to which the report led, in order, with those `before` it ended.

    Each is its site's id and its number there, with the state by which the report led to it.
    """
    found = {(each.site_id, each.incident): each.state for each in before}
    if row.site_id is not None and row.incident is not None:
        found.setdefault((row.site_id, row.incident), row.state)
    return found


def incidents_with(connection: Connection, site_id: int, digest: str) -> list[int]:
    """The numbers of the site's incidents that have the file with that digest as evidence."""
    of = evidence.c
    asked = select(of.incident).where(of.digest == digest, of.site_id == site_id)
    return list(connection.scalars(asked.order_by(of.incident)))


def take_back_incidents(connection: Connection, id_: int) -> None:
    """Forget to which incidents the report led before it ended: it is opened again."""
    connection.execute(delete(report_incidents).where(report_incidents.c.report == id_))


def rank_again(connection: Connection, reporter: str, standing: str) -> None:
    """Give the waiting reports of that reporter, given by their key, the rank of their standing."""
    own = (reports.c.reporter == reporter, waits)
    urgent = func.coalesce(reports.c.category, "").in_(URGENT)
    for which, category in ((urgent, URGENT[0]), (~urgent, None)):
        connection.execute(update(reports).where(*own, which).values(rank=rank(category, standing)))


def named(connection: Connection, ids: Iterable[int]) -> dict[int, Report]:
    """The reports with those numbers."""
    found: dict[int, Report] = {}
    for some in _parts(sorted(set(ids))):
        rows = connection.execute(select(reports).where(reports.c.id.in_(some)))
        found |= {row.id: Report(*row) for row in rows}
    return found


def answers_to(connection: Connection, id_: int, most: int = 100) -> list[int]:
    """The numbers of the first replies to mails about that report."""
    asked = select(reports.c.id).where(reports.c.answers == id_).order_by(reports.c.id)
    return list(connection.scalars(asked.limit(most)))


def hosts(connection: Connection, ids: Iterable[int]) -> dict[int, list[str]]:
    """The hosts that those reports name, by the number of the report."""
    wanted = sorted(set(ids))
    found: dict[int, list[str]] = {id_: [] for id_ in wanted}
    for some in _parts(wanted):
        asked = select(report_hosts).where(report_hosts.c.report_id.in_(some))
        for row in connection.execute(asked.order_by(report_hosts.c.host)):
            found[row.report_id].append(row.host)
    return found


def due(connection: Connection, after: int, most: int) -> list[int]:
    """The numbers of the reports above `after` on which a rule is still to act, in order."""
    own = reports.c
    to_act = (own.rule.is_not(None), own.asks.is_(None), own.settled_at.is_(None))
    asked = select(own.id).where(*to_act, own.id > after).order_by(own.id).limit(most)
    return list(connection.scalars(asked))


def received(connection: Connection, since: datetime, until: datetime, most: int) -> list[int]:
    """The numbers of the reports that came in from `since` until before `until`, the last first."""
    own = reports.c
    asked = select(own.id).where(own.received_at >= since, own.received_at < until)
    return list(connection.scalars(asked.order_by(own.id.desc()).limit(most)))


def leave(connection: Connection, id_: int, asks: str) -> None:
    """Note why the rule that the report matches leaves it to the desk."""
    connection.execute(update(reports).where(reports.c.id == id_).values(asks=asks))


def logged_by(connection: Connection, signature: str, rule: str, since: datetime) -> int:
    """The number of reports that the rule with that name and signature logged after `since`."""
    own = reports.c
    asked = select(func.count()).where(
        own.rule == rule, own.settled_at > since, own.settled_by == signature, own.state == LOGGED
    )
    return connection.scalar(asked) or 0


def of_incidents(
    connection: Connection, site_id: int, numbers: Iterable[int], before: int
) -> list[tuple[int, datetime]]:
    """The incidents of the site to which reports led, and when those reports came in (UTC).

    Only reports with a number below `before` count.
    """
    own, found = reports.c, []
    for some in _parts(sorted(set(numbers))):
        asked = select(own.incident, own.received_at).where(
            own.site_id == site_id, own.incident.in_(some), own.id < before
        )
        of = report_incidents.c
        before_it_ended = (
            select(of.incident, own.received_at)
            .join(reports, own.id == of.report)
            .where(of.site_id == site_id, of.incident.in_(some), own.id < before)
        )
        for each in (asked, before_it_ended):
            found += [(int(row.incident), row.received_at) for row in connection.execute(each)]
    return found


def led_to(connection: Connection, site_id: int, incident: int, most: int) -> list[int]:
    """The numbers of the first reports that led to the incident, logged or joined, in order."""
    own, of = reports.c, report_incidents.c
    ended = select(own.id).where(own.site_id == site_id, own.incident == incident)
    before = select(of.report).where(of.site_id == site_id, of.incident == incident)
    found = {
        id_
        for asked, by in ((ended, own.id), (before, of.report))
        for id_ in connection.scalars(asked.order_by(by).limit(most))
    }
    return sorted(found)[:most]


def first_received(
    connection: Connection, incidents: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], datetime]:
    """When the first report came in that led to each of those incidents, if any did.

    `incidents`: each as its site's id and its number there.
    """
    found: dict[tuple[int, int], datetime] = {}
    wanted = sorted(set(incidents))
    # A report that led to several incidents row by row ends with the last of them.
    led = report_incidents.join(reports, reports.c.id == report_incidents.c.report)
    for start in range(0, len(wanted), _AT_ONCE):
        for of, source in ((reports.c, reports), (report_incidents.c, led)):
            some = tuple_(of.site_id, of.incident).in_(wanted[start : start + _AT_ONCE])
            asked = select(of.site_id, of.incident, func.min(reports.c.received_at))
            rows = asked.select_from(source).where(some).group_by(of.site_id, of.incident)
            for site_id, n, at in connection.execute(rows):
                found[site_id, n] = min(at, found.get((site_id, n), at))
    return found


def _parts(values: list[object] | list[str] | list[int]) -> Iterable[list[object]]:
    return (list(values[start : start + _AT_ONCE]) for start in range(0, len(values), _AT_ONCE))
