"""Reports from outside, as people and programs see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection, func, select, tuple_

from incidents.clock import rfc3339
from incidents.errors import InputError, NoSuchReportError
from incidents.locale.language import ENGLISH, Language
from incidents.store import entries
from incidents.store.cases import sites
from incidents.store.inbox import answers, reporters
from incidents.store.inbox import reports as store
from incidents.store.schema.report_tables import report_hosts, waits
from incidents.store.schema.report_tables import reports as table
from incidents.store.schema.tables import incidents
from incidents.store.schema.tables import sites as sites_table
from incidents.values.ids import incident_id, report_id
from incidents.values.incident_states import UNSETTLED
from incidents.views.inbox import (
    candidates,
    held,
    on_record,
    reopenings,
    sealed_files,
    snapshots,
)
from incidents.views.inbox import findings as report_findings
from incidents.views.inbox.reporters import ReporterRecord, record_of

if TYPE_CHECKING:
    from incidents.contract.documents.reports import (
        Finding,
        Held,
        Record,
        Report,
        ReportInFull,
        ReportPage,
        ReportWithFindings,
    )
    from incidents.contract.documents.sites import FirstReport

_FULL = ("text", "endpoints", "attachments", "invalid", "sent_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """The wanted reports; None for any. `waiting`: those that wait for the desk, or those settled.

    `host`: one that the report names, in the form of a site's name.
    """

    state: str | None = None
    waiting: bool | None = None
    channel: str | None = None
    format: str | None = None
    category: str | None = None
    reporter: str | None = None
    host: str | None = None

    @property
    def waits(self) -> bool:
        """Whether all wanted reports wait for the desk, so that the oldest comes first."""
        return bool(self.waiting) or self.state in store.WAITING


MAX_COUNTED = 1_000
"""The maximum number of reports that are counted in each state."""


def report(connection: Connection, id_: int, language: Language = ENGLISH) -> ReportInFull:
    """A report in full; raises NoSuchReportError."""
    found = reports(connection, [id_], language, full=True)
    if not found:
        raise NoSuchReportError(given=report_id(id_))
    told = [
        {"letter": each.letter, "told_at": rfc3339(each.told_at), "problem": each.problem}
        for each in answers.told(connection, [id_])
    ]
    replies = [report_id(each) for each in store.answers_to(connection, id_)]
    seen = snapshots.of_report(connection, id_, sealed=cast("ReportInFull", found[0])["sealed"])
    more = {
        "answered_by": replies, "told": told, "snapshots": seen,
        "reopenings": reopenings.of_report(connection, id_),
        "on_record": on_record.of_report(connection, found[0]),
    }  # fmt: skip
    return cast("ReportInFull", {**found[0], **more})


def first_of_incident(connection: Connection, incident: tuple[int, int]) -> FirstReport | None:
    """The first report that led to the incident, logged or joined; None if there is none."""
    for id_, row in store.named(connection, store.led_to(connection, *incident, 1)).items():
        return {"id": report_id(id_), "received_at": rfc3339(row.received_at)}
    return None


def with_findings(
    connection: Connection, ids: Iterable[int], language: Language = ENGLISH
) -> list[ReportWithFindings]:
    """The reports with those numbers, in that order, with what each of their findings is about."""
    return cast("list[ReportWithFindings]", reports(connection, ids, language, findings=True))


def reading(connection: Connection, id_: int) -> Mapping[str, Any]:
    """What was read out of the report, as its entry has it; empty if it was erased.

    Raises:
        KeyError: if there is no such report.
    """
    ref = store.named(connection, [id_])[id_].reading
    text = entries.values(connection, [ref]).get(ref)
    found: dict[str, Any] = {} if text is None else json.loads(text)
    return found


def reports(
    connection: Connection, ids: Iterable[int], language: Language = ENGLISH, *,
    full: bool = False, findings: bool = False,
) -> list[Report]:  # fmt: skip
    """The reports with those numbers, in that order; `full` ones have their `findings`, too.

    The number of queries does not depend on theirs, but for one of each trusted reporter, and for
    what is named: there is a limit for each report (see `candidates`).
    """
    wanted = list(ids)
    rows = store.named(connection, wanted)
    refs = {ref for row in rows.values() for ref in (row.reading, row.reason) if ref}
    texts = entries.values(connection, refs) if refs else {}
    readings: dict[int, Mapping[str, Any]] = {
        id_: json.loads(texts[row.reading]) if row.reading in texts else {}
        for id_, row in rows.items()
    }
    before = store.incidents_before(connection, rows)
    parts = {
        id_: report_findings.of_reading(rows[id_], reading)
        for id_, reading in readings.items()
        if full or findings or id_ in before
    }
    wholes = {id_: report_findings.whole(rows[id_], each) for id_, each in readings.items()}
    asked = {
        id_: [report_findings.asked(rows[id_], each) for each in own] for id_, own in parts.items()
    }
    known = candidates.look_up(connection, ([wholes[id_], *asked.get(id_, ())] for id_ in wholes))
    found = {id_: known.candidates(whole) for id_, whole in wholes.items()}
    for id_, own in parts.items():
        for finding, of in zip(own, asked[id_], strict=True):
            finding["candidates"] = known.candidates(of)
    names = sites.names_of(connection, (led.site_id for own in before.values() for led in own))
    for id_, own in parts.items():
        done = [names[led.site_id] for led in before.get(id_, ()) if led.site_id in names]
        left = report_findings.left(own, () if rows[id_].is_settled else done)
        # A finding may have been seen at another time than the whole report.
        first = found[id_] if rows[id_].is_settled or not done else []
        found[id_] = list(dict.fromkeys([*first, *left]))[: candidates.MOST]
    keys = {row.reporter for row in rows.values() if row.reporter is not None}
    standings = reporters.standings(connection, keys)
    records = {
        key: record_of(connection, key)
        for key, standing in standings.items()
        if standing == reporters.TRUSTED
    }
    return [
        _in_full(connection, row, readings[id_], document, held.of_report(known, wholes[id_]))
        if full
        else document
        for id_, row in ((id_, rows[id_]) for id_ in wanted if id_ in rows)
        for document in [
            _document(
                row,
                readings[id_],
                texts,
                found[id_],
                language,
                standing=standings.get(row.reporter or "", reporters.NONE),
                record=records.get(row.reporter or ""),
                findings=parts.get(id_) if full or findings else None,
                led=[incident_id(*each) for each in store.incidents_of(row, before.get(id_, ()))],
            )
        ]
    ]


def page(
    connection: Connection, wanted: ReportFilter, *, limit: int, cursor: str | None = None,
    newest: bool = False, language: Language = ENGLISH,
) -> ReportPage:  # fmt: skip
    """A page of the reports that match, the oldest first unless `newest`.

    All that wait for the desk are in the order of `store.reports.rank`.

    Raises:
        InputError: for a cursor of another list.
    """
    ranked = bool(wanted.waiting) and wanted.state is None and not newest
    which = replace(wanted, waiting=None) if ranked else wanted
    asked = select(table.c.id, table.c.rank).where(*_conditions(connection, which))
    rank, last = (-1, 0) if cursor is None else _read_cursor(cursor, ranked=ranked)
    if ranked:
        # Named as the partial index names it, which also has the order; SQLite takes it only if the
        # rank is compared with something, and sorts all that wait otherwise.
        asked = asked.where(waits, tuple_(table.c.rank, table.c.id) > tuple_(rank, last))
    elif cursor is not None:
        asked = asked.where(table.c.id < last if newest else table.c.id > last)
    order = (table.c.rank, table.c.id) if ranked else (table.c.id.desc() if newest else table.c.id,)
    rows = connection.execute(asked.order_by(*order).limit(limit + 1)).all()
    items = reports(connection, [row.id for row in rows[:limit]], language)
    after = None
    if len(rows) > limit:
        row = rows[limit - 1]
        after = f"{row.rank}.{row.id}" if ranked else str(row.id)
    return {"items": items, "next": after}


def _read_cursor(cursor: str, *, ranked: bool) -> tuple[int, int]:
    rank, dot, last = cursor.partition(".") if ranked else ("0", ".", cursor)
    for each in (rank, last):
        if not (dot and each.isascii() and each.isdigit() and len(each) < 19):
            raise InputError.coded("bad_cursor", "{cursor!r} is not a cursor", cursor=cursor[:80])
    return int(rank), int(last)


def counts_by_state(connection: Connection, wanted: ReportFilter) -> dict[str, int]:
    """The number of reports that match in each state, each at most `MAX_COUNTED`."""
    found = {}
    for state in store.STATES:
        of = _conditions(connection, replace(wanted, state=state, waiting=None))
        some = select(table.c.id).where(*of).limit(MAX_COUNTED).subquery()
        found[state] = connection.scalar(select(func.count()).select_from(some)) or 0
    return found


class Joinable(NamedTuple):
    """An incident that a report may be about."""

    id: str
    site: str
    state: str


def open_incidents(connection: Connection, names: Sequence[str], most: int = 20) -> list[Joinable]:
    """The incidents of those sites that are not settled, the last recorded first."""
    if not names:
        return []
    asked = (
        select(incidents.c.site_id, incidents.c.n, sites_table.c.name, incidents.c.state)
        .join(sites_table, sites_table.c.id == incidents.c.site_id)
        .where(sites_table.c.name.in_(list(names)), incidents.c.state.in_(UNSETTLED))
        .order_by(incidents.c.recorded_at.desc(), incidents.c.n.desc())
        .limit(most)
    )
    return [
        Joinable(incident_id(row.site_id, row.n), row.name, row.state)
        for row in connection.execute(asked)
    ]


def _conditions(connection: Connection, wanted: ReportFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.reporter is not None:
        key = store.reporter_key(connection, wanted.reporter.strip().lower())
        found.append(table.c.reporter == key)
    if wanted.waiting is not None:
        states = store.WAITING if wanted.waiting else store.SETTLED
        found.append(table.c.state.in_(states))
    for name in ("state", "channel", "format", "category"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(table.c[name] == value)
    if wanted.host is not None:
        named = select(report_hosts.c.report_id).where(report_hosts.c.host == wanted.host)
        found.append(table.c.id.in_(named))
    return found


def _document(  # noqa: PLR0913 - by name, each a part of the document
    row: store.Report, reading: Mapping[str, Any], texts: Mapping[str, str],
    sites_: list[str], language: Language, *, standing: str, record: ReporterRecord | None,
    findings: list[Finding] | None, led: list[str],
) -> Report:  # fmt: skip
    hosts: Sequence[str] = reading.get("hosts", ())
    # A name without a scheme is a host if it is a site here.
    mentions = [host for host in reading.get("mentions", ()) if host not in hosts]
    mentioned = [host for host in mentions if set(candidates.names_above(host)) & set(sites_)]
    incident = row.incident is not None and row.site_id is not None
    reason = None if row.reason is None else texts.get(row.reason)
    if row.unread is not None and reason is None:
        reason = language.say(f"report.unread.{row.unread}")
    found: Report = {
        "id": report_id(row.id), "format": row.format,
        "state": row.state,  # type: ignore[typeddict-item]
        "reporter": reading.get("reporter"), "category": row.category,
        "hosts": [*hosts, *mentioned],
        "urls": list(reading.get("urls", ())), "addresses": list(reading.get("addresses", ())),
        "seen_at": None if row.seen_at is None else rfc3339(row.seen_at),
        "candidates": sites_, "reason": reason,
        "received_at": rfc3339(row.received_at), "channel": row.channel, "digest": row.digest,
        "kept": row.kept,
        "size": row.size, "subject": reading.get("subject"),
        "guessed": list(reading.get("guessed", ())), "more": bool(reading.get("more")),
        "answers": None if row.answers is None else report_id(row.answers),
        "same_id_as": None if row.same_id_as is None else report_id(row.same_id_as),
        "incident": incident_id(row.site_id, row.incident) if incident else None,  # type: ignore[arg-type]
        "incidents": led,
        "settled_at": None if row.settled_at is None else rfc3339(row.settled_at),
        "settled_by": row.settled_by,
        "reopened_at": None if row.reopened_at is None else rfc3339(row.reopened_at),
        "rule": row.rule, "asks": row.asks,
        "standing": standing,  # type: ignore[typeddict-item]
        "record": None if record is None else cast("Record", record._asdict()),
    }  # fmt: skip
    if findings is not None:
        cast("ReportWithFindings", found)["findings"] = findings
    return found


def _in_full(
    connection: Connection, row: store.Report, reading: Mapping[str, Any], found: Report,
    had: list[Held],
) -> ReportInFull:  # fmt: skip
    empty: dict[str, Any] = {"text": "", "endpoints": [], "attachments": [], "invalid": []}
    more = {name: reading.get(name, empty.get(name)) for name in _FULL}
    sealed = sealed_files.is_report_sealed(connection, row)
    if sealed:
        more["text"] = ""
        more["attachments"] = [{**each, "name": ""} for each in more["attachments"]]
    return cast("ReportInFull", {**found, "sealed": sealed, "held": had, **more})
