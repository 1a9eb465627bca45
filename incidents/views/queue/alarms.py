"""The current alarms, of every kind.

Reading alarms neither raises nor sends any. `alarm` has the kinds and their limits,
`history_alarms` the alarms about the record's history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.clock import read_rfc3339
from incidents.contract.case_documents import plain
from incidents.desk.inbox import rule_owners
from incidents.intake import rules_file
from incidents.intake.rules import Rules
from incidents.machine.case import rule_to_close
from incidents.machine.orders import DESK
from incidents.settings.police import ReportDuty
from incidents.store import monitoring
from incidents.store.inbox import intake_rules
from incidents.store.monitoring import Raised
from incidents.values.ids import incident_id, order_id
from incidents.views import left_down, orders, register
from incidents.views.health import enforcement, is_alive, silent_daemons
from incidents.views.queue import alarm_statements, police
from incidents.views.queue.alarm import (
    BRAKE,
    DEAD,
    DISPUTED,
    EVERYBODY,
    FILING,
    INBOX,
    KINDS,
    LAPSING,
    LEFT_DOWN,
    MARK_UNREAD,
    REPORT,
    RULES_BRAKED,
    RULES_UNOWNED,
    SILENT,
    UNTRIAGED,
    WAITING,
    Alarm,
)
from incidents.views.queue.alarm_statements import MAX_ALARMS, MAX_DUE
from incidents.views.queue.findings import find_attempts
from incidents.views.queue.history_alarms import history_alarms
from incidents.views.queue.work import closing_misses

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarm as AlarmDocument
    from incidents.contract.documents.enforcement import Alarms, Enforcement, MarkUnread


WARN_BEFORE = timedelta(minutes=10)
"""How long before its end a contact clock raises an alarm; a shorter clock raises none."""


@dataclass(frozen=True, slots=True)
class CurrentAlarms:
    """The alarms that were found; of the `capped` kinds there may be more.

    `halted_since`: since when (UTC) no orders have been carried out; None if they are carried out.
    `left_down`: the names of all left-down sites, if there is an alarm about them.
    """

    alarms: tuple[Alarm, ...]
    capped: frozenset[str]
    halted_since: datetime | None = None
    left_down: frozenset[str] = frozenset()


def current_alarms(
    connection: Connection, now: datetime, report: ReportDuty | None,
    triage_within: timedelta | None,
) -> CurrentAlarms:  # fmt: skip
    """The alarms at `now` (UTC).

    `report`: the duty to report to the police, None if reminders are off. `triage_within`: how long
    a report from outside may wait for triage, None if there is no limit.

    The number of queries is always the same.
    """
    found: list[Alarm] = []
    capped: set[str] = set()
    staying_down = left_down.staying_down(connection)
    enforced = enforcement(connection, now, staying_down=staying_down)
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
        RULES_UNOWNED: _rules_unowned(connection),
        RULES_BRAKED: _rules_braked(connection),
        UNTRIAGED: _untriaged(connection, now, triage_within),
        **{kind: (one, False) for kind, one in history_alarms(history, now).items()},
    }
    for kind in KINDS:
        alarms, more = parts[kind]
        found += alarms[:MAX_ALARMS]
        if more or len(alarms) > MAX_ALARMS:
            capped.add(kind)
    halted = history["halted_since"]
    halted_since = None if halted is None else read_rfc3339(halted)
    listed = any(each.kind == LEFT_DOWN for each in found)
    left = left_down.all_left_down(connection, now, also=staying_down) if listed else ()
    return CurrentAlarms(tuple(found), frozenset(capped), halted_since, frozenset(left))


def alarms_now(
    connection: Connection,
    now: datetime,
    report: ReportDuty | None,
    triage_within: timedelta | None,
    *,
    unset: Mapping[str, str] | None = None,
) -> Alarms:
    """The alarms at `now` (UTC), and whether each was sent; arguments as in `current_alarms`.

    `attempts_to_tell`: how often a daemon has tried to send the alarm. `unset`: the settings of the
    lanes without a channel (see `App`); the setting for alarms to the desk is named once an alarm
    has waited for `LATE_AFTER`.
    """
    raised = monitoring.known_alarms(connection)
    look = current_alarms(connection, now, report, triage_within)
    items = [_document(alarm, raised.get(alarm.key)) for alarm in look.alarms]
    found: Alarms = {"items": items, "capped": sorted(look.capped)}
    setting = (unset or {}).get(DESK)
    if setting is None or not any(_waits(each, raised.get(each.key), now) for each in look.alarms):
        return found
    return {**found, "unset": setting}


def _waits(alarm: Alarm, raised: Raised | None, now: datetime) -> bool:
    """Whether no daemon has tried to send the alarm for `LATE_AFTER`, or for an unknown time."""
    # A daemon whose settings name a channel would have tried by now, whatever this process's say.
    if raised is None:
        return alarm.since is None or alarm.since <= now - orders.LATE_AFTER
    is_due = raised.due(now - orders.LATE_AFTER)
    return is_due and not raised.attempts


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
"""The alarms of a kind, and whether there may be more than were read."""


def _silent(connection: Connection, now: datetime, enforced: Enforcement) -> Part:
    """One alarm that nothing enforces the clock, or an alarm for each daemon that went silent."""
    known = monitoring.known_daemons(connection)
    if enforced["enforced_by"] is None:
        # A daemon that stands aside because its clock is wrong still beats, but enforces nothing.
        nobody_is_heard = not any(is_alive(beat, now) for beat in known)
        since = known[0].beat_at if known and nobody_is_heard else None
        nobody = Alarm(kind=SILENT, subject=EVERYBODY, since=since, overdue=enforced["overdue"])
        return [nobody], False
    return [
        Alarm(
            kind=SILENT, subject=beat.daemon, daemon=beat.daemon, since=beat.beat_at,
            overdue=enforced["overdue"],
        )
        for beat in silent_daemons(known, now)
    ], False  # fmt: skip


def _mark_unread(found: MarkUnread | None) -> Part:
    """The one alarm about daemons that carry out no orders because they cannot read their marks."""
    if found is None:
        return [], False
    return [
        Alarm(
            kind=MARK_UNREAD, subject=EVERYBODY, daemon=found["daemon"],
            since=read_rfc3339(found["since"]), problem=found["problem"],
        )
    ], False  # fmt: skip


def _braked(connection: Connection) -> Part:
    """The alarm that the brake holds orders to the live system."""
    row = connection.execute(alarm_statements.BRAKED_ORDERS).one()
    if not row.orders:
        return [], False
    return [Alarm(kind=BRAKE, subject=EVERYBODY, since=row.since, orders=row.orders)], False


def _lapsing(connection: Connection, now: datetime) -> Part:
    """The contact clocks (R2) that end in ten minutes or less.

    At its deadline a clock has not lapsed yet. The daemon handles lapsed clocks, and the queue
    lists them. A clock that was set for less than ten minutes raises no alarm.
    """
    rows = connection.execute(alarm_statements.due_between(now, now + WARN_BEFORE)).mappings().all()
    clocks = [
        dict(row)
        for row in rows
        if row["kind"] == "call" and row["due"] - row["recorded_at"] >= WARN_BEFORE
    ]
    policy = register.policy_in_force(connection)
    closing = closing_misses(connection, clocks[:MAX_ALARMS], policy)
    made = find_attempts(connection, clocks[:MAX_ALARMS]) if policy.min_attempts else {}
    return [
        Alarm(
            kind=LAPSING,
            subject=incident_id(row["site_id"], row["incident"]),
            site=row["name"],
            incident=incident_id(row["site_id"], row["incident"]),
            since=row["due"] - WARN_BEFORE,
            due=row["due"],
            miss_closes=(row["site_id"], row["item"]) in closing,
            attempts=made.get((row["site_id"], row["incident"]), 0)
            if policy.min_attempts
            else None,
        )
        for row in clocks
    ], len(rows) == MAX_DUE


def _waiting(connection: Connection) -> Part:
    """The closures on a person's statement that wait for a second person (R4, R5), due at once."""
    return [
        Alarm(
            kind=WAITING,
            subject=str(row.site_id),
            site=row.name,
            rule=rule_to_close(row.closing_incident),
            incident=row.closing_incident and incident_id(row.site_id, row.closing_incident),
            since=row.recorded_at,
        )
        for row in connection.execute(alarm_statements.CLOSURES_WAITING)
    ], False


def _dead(connection: Connection) -> Part:
    """The orders that were given up, in every lane."""
    found = []
    for row in connection.execute(alarm_statements.DEAD_ORDERS).mappings():
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
    """The closures whose rule is no longer met after a correction."""
    return [
        Alarm(kind=DISPUTED, subject=str(row.site_id), site=row.name, rule=row.rule)
        for row in connection.execute(alarm_statements.CLOSURES_DISPUTED)
    ], False


def _reports(connection: Connection, now: datetime, report: ReportDuty | None) -> Part:
    """The incidents with a reminder to report them to the police, due soon or overdue (L.1)."""
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
    """The alarm about filing deadlines that are near or over (F.24).

    There is one alarm for all terms with a reminder on the same day; it lasts until a day later.
    """
    day = connection.scalar(alarm_statements.LAST_REMINDED)
    # The day is in the desk's own zone, which is at most 14 hours ahead of UTC.
    if day is None or now.date() - date.fromisoformat(day) > timedelta(days=1):
        return [], False
    terms, overdue = connection.execute(alarm_statements.TERMS_REMINDED, {"day": day}).one()
    return [Alarm(kind=FILING, subject=day, terms=terms, overdue=overdue or 0)], False


def _rules_unowned(connection: Connection) -> Part:
    """The one alarm about intake rules that do nothing, because of their owners."""
    in_force = intake_rules.last(connection)
    rules = Rules() if in_force is None else rules_file.read(in_force.toml)
    named = tuple(each["rule"] for each in rule_owners.stopped(connection, rules))
    return [Alarm(kind=RULES_UNOWNED, subject=INBOX, named=named)] if named else [], False


def _rules_braked(connection: Connection) -> Part:
    """The one alarm about reports that wait because intake rules logged as many as they may."""
    row = connection.execute(alarm_statements.BRAKED_REPORTS).one()
    if not row.reports:
        return [], False
    found = Alarm(kind=RULES_BRAKED, subject=INBOX, since=row.since, reports=row.reports)
    return [found], False


def _untriaged(connection: Connection, now: datetime, within: timedelta | None) -> Part:
    """The one alarm about reports from outside that have waited too long for triage."""
    if within is None:
        return [], False
    row = connection.execute(alarm_statements.UNTRIAGED_REPORTS, {"before": now - within}).one()
    if not row.reports:
        return [], False
    found = Alarm(kind=UNTRIAGED, subject=INBOX, since=row.since, reports=row.reports)
    return [found], row.reports > MAX_ALARMS
