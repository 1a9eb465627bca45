"""The alarms that are on now, of every kind.

A look raises none and sends none. `alarm` has the kinds and their limits, `history_alarms` those
about the record's history.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.clock import read_rfc3339
from incidents.contract.case_documents import plain
from incidents.machine.case import rule_to_close
from incidents.settings.police import ReportDuty
from incidents.store import monitoring
from incidents.store.monitoring import Raised
from incidents.values.ids import incident_id, order_id
from incidents.views import left_down, register
from incidents.views.health import enforcement, is_heard, missed
from incidents.views.queue import alarm, police
from incidents.views.queue.alarm import (
    BRAKE,
    DEAD,
    DISPUTED,
    EVERYBODY,
    FILING,
    KINDS,
    LAPSING,
    LEFT_DOWN,
    MARK_UNREAD,
    MAX_DUE,
    MAX_LOOKED,
    REPORT,
    SILENT,
    WAITING,
    Alarm,
)
from incidents.views.queue.history_alarms import history_alarms
from incidents.views.queue.work import closing_misses

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarm as AlarmDocument
    from incidents.contract.documents.enforcement import Alarms, Enforcement, MarkUnread


AHEAD = timedelta(minutes=10)
"""So long before its end the desk is told of a clock; one that runs for less is no news."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look has found; of the `capped` kinds there may be more, which it has not seen.
    `halted_since`: since when (UTC) nothing is carried out, where it is so. `left_down`: the names
    of all the sites on that list, where the desk is to know it."""

    alarms: tuple[Alarm, ...]
    capped: frozenset[str]
    halted_since: datetime | None = None
    left_down: frozenset[str] = frozenset()


def alarming(connection: Connection, now: datetime, report: ReportDuty | None) -> Look:
    """What is alarming at `now`; `report`: the duty to report, None if nobody is to be reminded.

    The same number of queries, whatever there is.
    """
    found: list[Alarm] = []
    capped: set[str] = set()
    staying = left_down.staying(connection)
    enforced = enforcement(connection, now, staying=staying)
    history = enforced["history"]
    parts = {
        SILENT: _silent(connection, now, enforced),
        MARK_UNREAD: _mark_unread(enforced["mark_unread"]),
        BRAKE: _braked(connection),
        LAPSING: _lapsing(connection, now),
        WAITING: _waiting(connection),
        DEAD: _dead(connection),
        DISPUTED: _disputed(connection),
        REPORT: _reports(connection, now, report),
        FILING: _filings(connection, now),
        **{kind: (one, False) for kind, one in history_alarms(history, now).items()},
    }
    for kind in KINDS:
        alarms, more = parts[kind]
        found += alarms[:MAX_LOOKED]
        if more or len(alarms) > MAX_LOOKED:
            capped.add(kind)
    halted = history["halted_since"]
    halted_since = None if halted is None else read_rfc3339(halted)
    listed = any(each.kind == LEFT_DOWN for each in found)
    left = left_down.every(connection, now, also=staying) if listed else ()
    return Look(tuple(found), frozenset(capped), halted_since, frozenset(left))


def alarms_now(connection: Connection, now: datetime, report: ReportDuty | None) -> Alarms:
    """What is alarming at `now`, and whether the desk was told of it; see `alarming`.

    `attempts_to_tell`: so often a daemon has tried to tell the desk of it.
    """
    raised = monitoring.known_alarms(connection)
    look = alarming(connection, now, report)
    items = [_document(alarm, raised.get(alarm.key)) for alarm in look.alarms]
    return {"items": items, "capped": sorted(look.capped)}


def _document(alarm: Alarm, raised: Raised | None) -> AlarmDocument:
    found = {
        "key": alarm.key,
        **{name: plain(value) for name, value in asdict(alarm).items()},
        "raised_at": plain(raised and raised.raised_at),
        "attempts_to_tell": 0 if raised is None else raised.attempts,
        "told_at": plain(raised and raised.told_at),
    }
    return cast("AlarmDocument", found)


Part = tuple[list[Alarm], bool]
"""What was found of a kind, and whether there may be more than what was looked at."""


def _silent(connection: Connection, now: datetime, enforced: Enforcement) -> Part:
    """That nothing enforces the clock, or else which daemons have gone silent."""
    known = monitoring.known_daemons(connection)
    if enforced["enforced_by"] is None:
        # One that stands aside, since its clock is wrong, is heard of and enforces nothing.
        nobody_is_heard = not any(is_heard(beat, now) for beat in known)
        since = known[0].beat_at if known and nobody_is_heard else None
        nobody = Alarm(kind=SILENT, subject=EVERYBODY, since=since, overdue=enforced["overdue"])
        return [nobody], False
    return [
        Alarm(
            kind=SILENT, subject=beat.daemon, daemon=beat.daemon, since=beat.beat_at,
            overdue=enforced["overdue"],
        )
        for beat in missed(known, now)
    ], False  # fmt: skip


def _mark_unread(found: MarkUnread | None) -> Part:
    """The daemon that carries nothing out: one alarm, however many cannot read their marks."""
    if found is None:
        return [], False
    return [
        Alarm(
            kind=MARK_UNREAD, subject=EVERYBODY, daemon=found["daemon"],
            since=read_rfc3339(found["since"]), problem=found["problem"],
        )
    ], False  # fmt: skip


def _braked(connection: Connection) -> Part:
    """That the brake holds orders into the world."""
    row = connection.execute(alarm.BRAKED_ORDERS).one()
    if not row.orders:
        return [], False
    return [Alarm(kind=BRAKE, subject=EVERYBODY, since=row.since, orders=row.orders)], False


def _lapsing(connection: Connection, now: datetime) -> Part:
    """The contact clocks that run out within ten minutes (R2), from exactly ten on.

    At its deadline a clock has not lapsed yet; what lapsed is done by the daemon, and listed by
    the queue. One that was set for less than ten minutes would alarm from its start, and does not.
    """
    rows = connection.execute(alarm.due_between(now, now + AHEAD)).mappings().all()
    clocks = [
        dict(row)
        for row in rows
        if row["kind"] == "call" and row["due"] - row["recorded_at"] >= AHEAD
    ]
    closing = closing_misses(connection, clocks[:MAX_LOOKED], register.policy_in_force(connection))
    return [
        Alarm(
            kind=LAPSING,
            subject=incident_id(row["site_id"], row["incident"]),
            site=row["name"],
            incident=incident_id(row["site_id"], row["incident"]),
            since=row["due"] - AHEAD,
            due=row["due"],
            miss_closes=(row["site_id"], row["item"]) in closing,
        )
        for row in clocks
    ], len(rows) == MAX_DUE


def _waiting(connection: Connection) -> Part:
    """The closures on somebody's word that wait for a second person (R4, R5): they are due at once,
    so the desk is told at once."""
    return [
        Alarm(
            kind=WAITING,
            subject=str(row.site_id),
            site=row.name,
            rule=rule_to_close(row.closing_incident),
            incident=row.closing_incident and incident_id(row.site_id, row.closing_incident),
            since=row.recorded_at,
        )
        for row in connection.execute(alarm.CLOSURES_WAITING)
    ], False


def _dead(connection: Connection) -> Part:
    """The orders that are given up, in whichever lane."""
    found = []
    for row in connection.execute(alarm.DEAD_ORDERS).mappings():
        name = order_id(row["site_id"], row["site_seq"], row["lane"])
        found.append(
            Alarm(
                kind=DEAD,
                subject=name,
                site=row["name"],
                order=name,
                order_kind=row["kind"],
                problem=row["problem"],
                attempts=row["attempts"],
                since=row["since"],
            )
        )
    return found, False


def _disputed(connection: Connection) -> Part:
    """The closures whose rule late truth has left unmet."""
    return [
        Alarm(kind=DISPUTED, subject=str(row.site_id), site=row.name, rule=row.rule)
        for row in connection.execute(alarm.CLOSURES_DISPUTED)
    ], False


def _reports(connection: Connection, now: datetime, report: ReportDuty | None) -> Part:
    """What is to be reported to the police soon, or should have been (domain.md, section 4)."""
    if report is None:
        return [], False
    found, more = police.reminded(connection, now, report)
    alarms = []
    for each in found:
        name = incident_id(each.site_id, each.incident)
        alarms.append(
            Alarm(
                kind=REPORT,
                subject=f"{name}:{each.reminder.name}",
                site=each.site,
                incident=name,
                since=each.reminder.since,
                due=each.due,
                late=each.reminder.overdue,
            )
        )
    return alarms, more


def _filings(connection: Connection, now: datetime) -> Part:
    """That terms of filings near their ends, or are over (domain.md, section 5): one alarm for all
    that were reminded of on one day, for as long as that day is not long gone."""
    day = connection.scalar(alarm.LAST_REMINDED)
    # The day is one of the desk's own zone, which is at most 14 hours ahead of UTC.
    if day is None or now.date() - date.fromisoformat(day) > timedelta(days=1):
        return [], False
    terms, overdue = connection.execute(alarm.TERMS_REMINDED, {"day": day}).one()
    return [Alarm(kind=FILING, subject=day, terms=terms, overdue=overdue or 0)], False
