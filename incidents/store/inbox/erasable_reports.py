"""Queries for what may be erased of reports: what was read out of them, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from incidents.contract import sealed_content
from incidents.record.entry import decode
from incidents.record.report_events import ReporterAnswered, ReporterMarked
from incidents.record.sealing import references
from incidents.store.inbox import reopenings, snapshots
from incidents.store.inbox.reporters import NONE
from incidents.store.inbox.reports import WAITING
from incidents.store.schema.desk_tables import DESK_STREAM, entries, sealed
from incidents.store.schema.report_tables import (
    answers,
    report_hosts,
    report_incidents,
    report_snapshots,
    reporters,
    reports,
    waiting_answers,
)
from incidents.store.schema.tables import incidents, unsettled
from incidents.values.ids import incident_id

_WAITS = reports.c.state.in_(WAITING)
# A page is evidence of the incident that its report led to, and stays as long as other evidence.
_OF_INCIDENT = and_(incidents.c.site_id == reports.c.site_id, incidents.c.n == reports.c.incident)
_BEFORE_IT_ENDED = and_(
    report_incidents.c.report == reports.c.id, incidents.c.site_id == report_incidents.c.site_id,
    incidents.c.n == report_incidents.c.incident,
)  # fmt: skip
_PAGE_STAYS = or_(
    _WAITS, exists().where(_OF_INCIDENT, unsettled()),
    exists().where(_BEFORE_IT_ENDED, unsettled()),
)  # fmt: skip
_KEPT = func.coalesce(reports.c.kept, reports.c.digest)
_OF_REPORT = reports.c.id == report_snapshots.c.report
# The page itself and its picture: evidence alike.
_PAGE_FILES = (report_snapshots.c.digest, report_snapshots.c.screenshot)
_AT_ONCE = 500


def needed(connection: Connection, refs: Sequence[str]) -> set[str]:
    """Those of the references that stand for what the desk still needs of reports.

    That is the reading of a report that waits, and what was found at its addresses, also while the
    incident that it led to is unsettled.
    """
    found: set[str] = set()
    seen = report_snapshots.c
    for start in range(0, len(refs), _AT_ONCE):
        some = refs[start : start + _AT_ONCE]
        asked = select(reports.c.reading).where(reports.c.reading.in_(some), _WAITS)
        found.update(connection.scalars(asked))
        in_force = reporters.c.standing != NONE
        found.update(
            connection.scalars(
                select(reporters.c.words).where(reporters.c.words.in_(some), in_force)
            )
        )
        pages = select(seen.words).join(reports, _OF_REPORT).where(seen.words.in_(some))
        pages = pages.where(_PAGE_STAYS)
        found.update(connection.scalars(pages))
    return found


class OfReporter(NamedTuple):
    """What is there of a reporter, by the `key` that stands for them.

    `refs`: the references to the sealed values that are old enough and not needed. `reports`: the
    numbers of their reports, ended or not; `digests`: of the bytes of those that have ended, and of
    the pages that were found at their addresses, unless the incident is unsettled. `waiting`: the
    number of those that have not. `first`: when the first of the values that are too young was
    sealed (UTC).
    """

    key: str
    refs: list[str]
    reports: list[int]
    digests: list[str]
    waiting: int
    first: datetime | None


def of_reporter(connection: Connection, key: str, before: datetime) -> OfReporter:
    """What is there of the reporter; values sealed before `before` (UTC) are old enough."""
    told = select(answers.c.report).where(answers.c.reporter == key)
    own = or_(reports.c.reporter == key, reports.c.id.in_(told))
    columns = (reports.c.id, reports.c.reading, reports.c.reason, reports.c.state, _KEPT)
    rows = connection.execute(select(*columns).where(own)).all()
    ended = [row for row in rows if row.state not in WAITING]
    refs = {ref for row in ended for ref in (row.reading, row.reason) if ref is not None}
    refs |= _refs_in_entries(connection, key, {row.id for row in rows})
    digests = [row[-1] for row in ended]
    ids = [row.id for row in ended]
    pages = snapshots.of_reports(connection, sorted({*ids} - _unsettled(connection, ids)))
    refs |= {page.words for page in pages}
    for each in reopenings.of_reports(connection, ids):
        refs |= {ref for ref in (each.why, each.reason) if ref is not None}
    files = (file for page in pages for file in (page.digest, page.screenshot))
    digests += [file for file in files if file is not None]
    old, first = [], None
    wanted = sorted(refs)
    for start in range(0, len(wanted), _AT_ONCE):
        some = sealed.c.ref.in_(wanted[start : start + _AT_ONCE])
        for ref, at in connection.execute(select(sealed.c.ref, sealed.c.sealed_at).where(some)):
            if at < before:
                old.append(ref)
            else:
                first = at if first is None else min(first, at)
    return OfReporter(
        key, sorted(old), [row.id for row in rows], digests, len(rows) - len(ended), first,
    )  # fmt: skip


def _refs_in_entries(connection: Connection, key: str, ids: set[int]) -> set[str]:
    """The references in the entries about mails to the reporter, and about their standing."""
    of = entries.c
    about = or_(
        of.body.contains('"kind":"reporter_answered"'), of.body.contains(f'"reporter":"{key}"')
    )
    found: set[str] = set()
    for body in connection.scalars(select(of.body).where(of.site_id == DESK_STREAM, about)):
        _, event = decode(body)
        is_own = isinstance(event, ReporterMarked) and event.reporter == key
        if is_own or (isinstance(event, ReporterAnswered) and event.report in ids):
            found.update(references(body))
    return found


def _unsettled(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the reports one of whose incidents still needs an action of the desk."""
    found: set[int] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = reports.c.id.in_(ids[start : start + _AT_ONCE])
        for led in (_OF_INCIDENT, _BEFORE_IT_ENDED):
            found.update(connection.scalars(select(reports.c.id).where(some, led, unsettled())))
    return found


def pages_at_incidents(connection: Connection, ids: Sequence[int]) -> dict[str, str]:
    """The digests of the pages of those reports that stay, each with the unsettled incident.

    Also those of their pictures.
    """
    found: dict[str, str] = {}
    of = report_snapshots.c
    for start in range(0, len(ids), _AT_ONCE):
        asked = (
            select(*_PAGE_FILES, incidents.c.site_id, incidents.c.n)
            .where(of.digest.is_not(None), of.report.in_(ids[start : start + _AT_ONCE]))
            .where(_OF_REPORT, unsettled())
            .order_by(of.report)
        )
        for led in (_OF_INCIDENT, _BEFORE_IT_ENDED):
            for *files, site_id, n in connection.execute(asked.where(led)):
                for digest in filter(None, files):
                    found.setdefault(digest, incident_id(site_id, n))
    return found


def forget(connection: Connection, refs: Sequence[str], *, unlink: bool = True) -> None:
    """Erase what rows repeat of the readings with those references, which are erased.

    `unlink`: also what stands for their reporters there.
    """
    for start in range(0, len(refs), _AT_ONCE):
        of = reports.c.reading.in_(refs[start : start + _AT_ONCE])
        connection.execute(
            delete(report_hosts).where(report_hosts.c.report_id.in_(select(reports.c.id).where(of)))
        )
        ids = select(reports.c.id).where(of)
        connection.execute(delete(waiting_answers).where(waiting_answers.c.report.in_(ids)))
        forgotten: dict[str, Any] = {
            "category": _sealed_category(connection, of), "seen_at": None, "message_id": None,
        }  # fmt: skip
        if unlink:
            forgotten["reporter"] = None
            told = update(answers).where(answers.c.report.in_(ids))
            connection.execute(told.values(reporter=None))
        connection.execute(update(reports).where(of).values(forgotten))


def unlink(connection: Connection, key: str, before: datetime, staying: Sequence[str]) -> None:
    """Erase what stands for the reporter with that key in reports of which all was erased.

    What is left of others, since `before` (UTC), in the `staying` files or in what was found at
    their addresses, is still found by it.
    """
    of, own = reports.c, answers.c.reporter == key
    told = select(answers.c.report).where(own)
    pages = report_snapshots.c
    asked = (
        select(of.id, _KEPT.label("file"))
        .where(or_(of.reporter == key, of.id.in_(told)))
        .where(~exists().where(sealed.c.ref == of.reading))
        .where(~exists().where(answers.c.report == of.id, own, answers.c.told_at >= before))
        .where(~exists().where(pages.report == of.id, pages.words == sealed.c.ref))
    )
    ids = sorted(row.id for row in connection.execute(asked) if row.file not in staying)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        connection.execute(update(reports).where(of.id.in_(some)).values(reporter=None))
        gone = update(answers).where(own, answers.c.report.in_(some))
        connection.execute(gone.values(reporter=None))


def _sealed_category(connection: Connection, of: ColumnElement[bool]) -> ColumnElement[str | None]:
    """What remains of a category: child abuse, since the bytes may still be evidence elsewhere."""
    some = connection.scalars(select(reports.c.category).where(of).distinct())
    kept = [each for each in some if sealed_content.is_sealed(each)]
    return case((reports.c.category.in_(kept), reports.c.category), else_=None)


def files(connection: Connection, before: datetime, among: Sequence[str] | None = None) -> set[str]:
    """The digests of the bytes of reports that came in before that time (UTC) and have ended.

    Also those of the pages that were found at their addresses before that time, and of their
    pictures.
    """
    taken_at = report_snapshots.c.taken_at
    old = select(_KEPT).where(reports.c.received_at < before, ~_WAITS)
    pages = [
        select(file).join(reports, _OF_REPORT)
        .where(file.is_not(None), taken_at < before, ~_PAGE_STAYS)
        for file in _PAGE_FILES
    ]  # fmt: skip
    found: set[str] = set()
    for asked, digest in ((old, _KEPT), *zip(pages, _PAGE_FILES, strict=True)):
        found |= set(connection.scalars(asked if among is None else asked.where(digest.in_(among))))
    found -= _young_pages(connection, sorted(found), before)
    return found - waiting_files(connection, sorted(found))


def waiting_files(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of the digests that are the bytes, or a page, of a report that waits for the desk.

    Also a page of a report whose incident is unsettled; of a page its picture, too.
    """
    found: set[str] = set()
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        found.update(connection.scalars(select(_KEPT).where(_KEPT.in_(some), _WAITS)))
        for file in _PAGE_FILES:
            pages = select(file).join(reports, _OF_REPORT).where(file.in_(some), _PAGE_STAYS)
            found.update(connection.scalars(pages))
    return found


def _young_pages(connection: Connection, digests: Sequence[str], before: datetime) -> set[str]:
    """Those of the digests that were also found at an address since that time (UTC)."""
    found: set[str] = set()
    taken_at = report_snapshots.c.taken_at
    for start in range(0, len(digests), _AT_ONCE):
        for file in _PAGE_FILES:
            some = file.in_(digests[start : start + _AT_ONCE])
            asked = select(file).where(some, taken_at >= before)
            found.update(each for each in connection.scalars(asked) if each is not None)
    return found
