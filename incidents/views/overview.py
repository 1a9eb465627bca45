"""The overview: today's numbers and the last thirty days of a desk, in the days of its zone.

Eight queries, however much is on record: each reads what was recorded within its time, by an index
of when that was, and what is only counted is counted up to a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Float,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    extract,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from incidents.clock import rfc3339
from incidents.machine.commands import CLOCK
from incidents.store.order_tables import closing
from incidents.store.tables import contacts, entries, incidents, orders, suspensions, work
from incidents.store.types import microseconds

Document = dict[str, Any]

DAYS = 30
"""So many days are told, today the last of them."""
MOST_CATEGORIES = 7
"""So many categories stand for themselves, the most frequent ones; the rest stand together."""
MOST_ENTRIES = 200_000
"""So many of a day's entries are looked at, the latest; `capped` says that there were more."""
MOST_WORK = 100_000
"""So many items of the queue are counted; `capped` says that there may be more."""

RULES = ("repeat", "unreachable_run", "false_info", "refusal")
"""What can close a site: R1, R3, R4, R5."""

CONTACT_S = (300, 900, 1_800, 2_700, 3_600)
"""The classes of times to contact: up to so many seconds, and longer."""
LATENESS_S = (0.1, 1.0, 5.0, 60.0, 300.0)
"""The classes of how late the clock decided: up to so many seconds, and later."""

_DAY = timedelta(days=1)
_S = 1_000_000
# Finer than people read, and so coarse that a distribution has a bounded number of steps: to the
# millisecond below ten seconds, to the second below two hours, to the minute up to a week.
_STEPS = ((10 * _S, _S // 1_000), (7_200 * _S, _S), (7 * 86_400 * _S, 60 * _S))

# What the clock does at a deadline; what follows from it bears the same times.
_TIMED = frozenset({"clock_lapsed", "suspension_ended", "incident_refused"})
_LOGGED, _CALLED = "incident_logged", "contact_recorded"
_DONE = frozenset({
    "incident_removed", "incident_refused", "incident_voided", "contact_voided",
    "statement_taken_back", "incident_reported", "evidence_attached", "task_completed",
    "site_closed", "closure_upheld", "hold_set", "hold_lifted", "reinstatement_asked",
    "reinstatement_declined", "site_reinstated",
})  # fmt: skip
"""What people at the desk do besides logging and calling."""


def overview(connection: Connection, now: datetime, zone: tzinfo) -> Document:
    """The desk at `now` (UTC): today and the thirty days that end with it, as days of `zone`."""
    days = _days(now, zone)
    begin = _midnight(days[0], zone)
    today = _midnight(days[-1], zone)
    since = min(today, next(_hours(now, zone)))
    recent = _Recent.read(connection, now, zone, since)
    return {
        "zone": str(zone),
        "from": rfc3339(begin),
        "days": [day.isoformat() for day in days],
        "today": recent.today(today),
        "now": _standing(connection),
        "violations": _violations(connection, begin, days, _Shift.of(begin, now, zone)),
        "closures": _closures(connection, begin, days, zone),
        "contact": _contact(connection, begin),
        "lateness": recent.lateness(),
        "load": recent.load(),
    }


def _days(now: datetime, zone: tzinfo) -> list[date]:
    last = now.astimezone(zone).date()
    return [last - _DAY * n for n in reversed(range(DAYS))]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


# Violations by category and day.


def _violations(
    connection: Connection, begin: datetime, days: Sequence[date], shift: _Shift
) -> Document:
    """How many violations happened each day by category; what was voided was none."""
    of = incidents.c
    # What happened since then was recorded since then: only the latter is asked for by an index.
    lately = (of.recorded_at >= begin, of.occurred_at >= begin, of.state != "voided")
    amount = func.count()
    found = connection.execute(
        select(of.category, amount.label("n"))
        .where(*lately).group_by(of.category).order_by(amount.desc(), of.category)
        .limit(MOST_CATEGORIES + 2)
    ).all()  # fmt: skip
    named = [row.category for row in found if row.category is not None][:MOST_CATEGORIES]
    own = or_(of.category.in_(named), of.category.is_(None)) if named else of.category.is_(None)
    shown = case((own, of.category), else_=null())
    day = shift.day(of.occurred_at, connection).label("day")
    is_other = case((own, 0), else_=1).label("is_other")
    rows = connection.execute(
        select(day, is_other, shown.label("category"), amount.label("n"))
        .where(*lately).group_by(*map(literal_column, "123"))
    ).all()  # fmt: skip
    counts: dict[tuple[bool, str | None], list[int]] = {}
    for row in rows:
        place = row.day - days[0].toordinal()
        # The reckoning of a database that was handed a later time than it is; none is lost.
        series = counts.setdefault((bool(row.is_other), row.category), [0] * len(days))
        series[min(max(place, 0), len(days) - 1)] += row.n
    order = [(False, name) for name in (*named, None)] + [(True, None)]
    return {
        "total": sum(map(sum, counts.values())),
        "categories": [
            {"category": name, "other": other, "counts": counts[other, name]}
            for other, name in order
            if (other, name) in counts
        ],
    }


@dataclass(frozen=True, slots=True)
class _Shift:
    """By how much the zone's clocks are ahead of UTC, from when on: written into a statement, since
    no database knows the zones of another."""

    offsets: tuple[tuple[datetime, timedelta], ...]

    @classmethod
    def of(cls, begin: datetime, end: datetime, zone: tzinfo) -> _Shift:
        """Of the time from `begin` to `end` (UTC); zones change at a quarter of an hour."""
        quarter = timedelta(minutes=15)
        found = [(begin, _offset(begin, zone))]
        moment = begin
        while moment < end:
            moment += quarter
            if _offset(moment, zone) != found[-1][1]:
                found.append((moment, _offset(moment, zone)))
        return cls(tuple(found))

    def day(self, moment: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
        """The day of a moment, as `date.toordinal` counts."""
        epoch_s = _whole(_micros(moment, connection.dialect.name), _S)
        ahead: ColumnElement[Any] = _number(_seconds(self.offsets[-1][1]))
        for (_, offset), (until, _later) in reversed(list(pairwise(self.offsets))):
            ahead = case((moment < until, _number(_seconds(offset))), else_=ahead)
        return _whole(epoch_s + ahead, 86_400) + _number(date(1970, 1, 1).toordinal())


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


# Time to contact.


def _contact(connection: Connection, begin: datetime) -> Document:
    """How long it took from the record of a violation to the contact that stopped its clock (R2).

    `decided` are those whose clock was stopped or has lapsed; `in_time` is how many of these people
    were reached in time, also if that was typed late.
    """
    of = incidents.c
    lately = (of.recorded_at >= begin, of.state != "voided", of.contact_due.is_not(None))
    decided = or_(of.reached_in_time, of.lapsed_at.is_not(None))
    counted = connection.execute(
        select(
            func.count().label("decided"),
            func.coalesce(func.sum(case((of.reached_in_time, 1), else_=0)), 0).label("in_time"),
        ).where(*lately, decided)
    ).one()
    # Of each incident by itself: joined, SQLite would rather begin with all contacts there are.
    first = (
        select(func.min(contacts.c.occurred_at))
        .where(
            contacts.c.site_id == of.site_id, contacts.c.incident == of.n,
            contacts.c.stopped_clock, contacts.c.voided_at.is_(None),
        ).correlate(incidents).scalar_subquery()
    )  # fmt: skip
    dialect = connection.dialect.name
    asked = select(of.recorded_at, first.label("reached_at")).where(*lately)
    # Looked up once each, not each time that it is compared.
    told = asked.cte("told").prefix_with("MATERIALIZED")
    took = _micros(told.c.reached_at, dialect) - _micros(told.c.recorded_at, dialect)
    rows = connection.execute(
        select(_coarse(took).label("us"), func.count().label("n"))
        .where(told.c.reached_at.is_not(None)).group_by(literal_column("1"))
    ).all()  # fmt: skip
    spread = _Spread.of((row.us, row.n) for row in rows)
    return {
        "decided": counted.decided,
        "in_time": int(counted.in_time),
        "share": counted.in_time / counted.decided if counted.decided else None,
        **spread.document(CONTACT_S),
    }


@dataclass(frozen=True, slots=True)
class _Spread:
    """A distribution: how often each length occurs, in microseconds and in their order."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int]]) -> _Spread:
        return cls(tuple(sorted((int(us), int(n)) for us, n in found)))

    @property
    def count(self) -> int:
        return sum(n for _, n in self.steps)

    def at(self, percent: int) -> float | None:
        """The length, in seconds, that so many percent do not exceed; None if there are none."""
        needed, seen = -(-self.count * percent // 100), 0
        for us, n in self.steps:
            seen += n
            if seen >= needed:
                return us / _S
        return None

    def classes(self, bounds_s: Sequence[float]) -> list[int]:
        """How many are at most each bound, beyond the one before; the last are beyond all."""
        found = [0] * (len(bounds_s) + 1)
        for us, n in self.steps:
            found[sum(us > bound * _S for bound in bounds_s)] += n
        return found

    def document(self, bounds_s: Sequence[float]) -> Document:
        return {
            "count": self.count,
            "median_s": self.at(50),
            "p90_s": self.at(90),
            "most_s": self.at(100),
            "bounds_s": list(bounds_s),
            "classes": self.classes(bounds_s),
        }


# Closures.


def _closures(
    connection: Connection, begin: datetime, days: Sequence[date], zone: tzinfo
) -> Document:
    """How many sites each rule closed, each day; one that was closed twice counts twice."""
    of = orders.c
    asked = select(of.created_at, of.data).where(closing, of.created_at >= begin)
    by_rule = {rule: [0] * len(days) for rule in RULES}
    for row in connection.execute(asked):
        # What is ordered once more closes nothing again, and names no rule.
        rule = row.data.get("rule")
        if rule in by_rule:
            place = (row.created_at.astimezone(zone).date() - days[0]).days
            by_rule[rule][min(place, len(days) - 1)] += 1
    return {
        "total": sum(map(sum, by_rule.values())),
        "rules": [{"rule": rule, "counts": counts} for rule, counts in by_rule.items()],
    }


# The last day, from what is on record.

_Kind = tuple[int, str, str | None, bool]
"""A quarter of an hour (counted from 1970), a kind of entry, its rule, whether the clock acted."""


@dataclass(frozen=True, slots=True)
class _Recent:
    """The last twenty-four hours, and a little more where today has begun before them."""

    now: datetime
    zone: tzinfo
    kinds: Mapping[_Kind, int]
    late: _Spread

    @classmethod
    def read(cls, connection: Connection, now: datetime, zone: tzinfo, since: datetime) -> _Recent:
        kinds: Counter[_Kind] = Counter()
        late: Counter[int] = Counter()
        for row in connection.execute(_told(connection, since)):
            kinds[int(row.quarter), row.kind, row.rule, bool(row.by_clock)] += row.n
            if row.late is not None:
                late[int(row.late)] += row.n
        return cls(now, zone, kinds, _Spread.of(late.items()))

    def today(self, midnight: datetime) -> Document:
        """What was done since `midnight`: by people and by the clock."""
        counts: Counter[str] = Counter()
        closed: Counter[str] = Counter()
        first = _quarter(midnight)
        for (quarter, kind, rule, _), n in self.kinds.items():
            if quarter >= first:
                counts[kind] += n
                if kind == "site_closed" and rule is not None:
                    closed[rule] += n
        return {
            "violations": counts[_LOGGED],
            "contacts": counts[_CALLED],
            "suspensions": counts["site_suspended"],
            "closures": counts["site_closed"],
            "closed_by": {rule: closed[rule] for rule in RULES},
            "capped": self.capped,
        }

    def load(self) -> Document:
        """What people did in each of the last 24 hours of the zone's clock, this one the last."""
        begins = list(_hours(self.now, self.zone))
        logged, called, done = ([0] * len(begins) for _ in range(3))
        for (quarter, kind, _, by_clock), n in self.kinds.items():
            place = sum(_quarter(begin) <= quarter for begin in begins) - 1
            if by_clock or place < 0:
                continue
            if kind == _LOGGED:
                logged[place] += n
            elif kind == _CALLED:
                called[place] += n
            elif kind in _DONE:
                done[place] += n
        return {
            "hours": [rfc3339(begin) for begin in begins],
            "logged": logged, "contacts": called, "other": done, "capped": self.capped,
        }  # fmt: skip

    def lateness(self) -> Document:
        """How long after its deadline the clock decided what it did."""
        return self.late.document(LATENESS_S) | {"capped": self.capped}

    @property
    def capped(self) -> bool:
        return sum(self.kinds.values()) >= MOST_ENTRIES


def _hours(now: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When each of the last 24 hours began (UTC), on the zone's clock."""
    local = now.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    last = now.astimezone(UTC) - past
    for n in reversed(range(24)):
        yield last - timedelta(hours=n)


def _quarter(moment: datetime) -> int:
    return microseconds(moment) // (900 * _S)


def _told(connection: Connection, since: datetime) -> Select[Any]:
    """The entries since then, the latest so many, counted by what is told of them."""
    dialect = connection.dialect.name
    at = entries.c.recorded_at
    newest = (
        select(at, entries.c.body).where(at >= since).order_by(at.desc())
        .limit(_number(MOST_ENTRIES)).subquery("newest")
    )  # fmt: skip
    source, told = _READ[dialect](newest)
    by_clock = told["actor"] == CLOCK
    after = _micros(newest.c.recorded_at, dialect) - _MICROS_OF_TEXT[dialect](told["occurred_at"])
    timed = and_(by_clock, told["kind"].in_(_TIMED))
    return (
        select(
            _whole(_micros(newest.c.recorded_at, dialect), 900 * _S).label("quarter"),
            told["kind"].label("kind"),
            told["rule"].label("rule"),
            case((by_clock, 1), else_=0).label("by_clock"),
            case((timed, _coarse(after)), else_=null()).label("late"),
            func.count().label("n"),
        )
        .select_from(source).group_by(*map(literal_column, "12345"))
    )  # fmt: skip


# Of an entry, which may have 64 KiB, no more is read than what is counted.
_NAMES = ("kind", "rule", "actor", "occurred_at")
_Read = tuple[FromClause, dict[str, ColumnElement[Any]]]


def _on_sqlite(newest: FromClause) -> _Read:
    body = type_coerce(newest.c.body, JSON)
    # Read once each: an expression that is grouped by would be read again.
    fields = [body[name].as_string().label(name) for name in _NAMES]
    return newest, dict(zip(_NAMES, fields, strict=True))


def _on_postgresql(newest: FromClause) -> _Read:
    body = func.json_to_record(cast(newest.c.body, JSON))
    told = body.table_valued(*(column(name, Text) for name in _NAMES)).render_derived(
        name="told", with_types=True
    )
    return newest.join(told, true()), {name: told.c[name] for name in _NAMES}


_READ = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}


# Arithmetic on times, in whole microseconds since 1970.


def _micros(moment: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return type_coerce(moment, BigInteger)
    return cast(extract("epoch", moment) * _number(_S), BigInteger)


def _micros_of_text_on_sqlite(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """SQLite's own reading of a time loses microseconds: the fraction is read by itself."""
    whole = cast(func.strftime("%s", func.substr(text, 1, 19)), BigInteger)
    fraction = cast("0" + func.rtrim(func.substr(text, 20), "Z"), Float)
    return whole * _number(_S) + cast(func.round(fraction * _number(_S)), BigInteger)


def _micros_of_text_on_postgresql(text: ColumnElement[Any]) -> ColumnElement[Any]:
    return _micros(cast(text, DateTime(timezone=True)), "postgresql")


_MICROS_OF_TEXT = {
    "sqlite": _micros_of_text_on_sqlite,
    "postgresql": _micros_of_text_on_postgresql,
}


def _whole(us: ColumnElement[Any], unit: int) -> ColumnElement[Any]:
    """How many whole units there are: all that is divided is later than 1970."""
    return us // _number(unit)


def _coarse(us: ColumnElement[Any]) -> ColumnElement[Any]:
    """A length as a distribution has it: never below zero, and a week at most."""
    whens = [(us < _number(0), _number(0))]
    whens += [(us < _number(most), _whole(us, step) * _number(step)) for most, step in _STEPS]
    return case(*whens, else_=_number(_STEPS[-1][0]))


def _number(n: int) -> ColumnElement[Any]:
    # Written into the statement: a bound one in what is grouped by is another one to PostgreSQL.
    return literal_column(str(int(n)), BigInteger)


def _standing(connection: Connection) -> Document:
    """What is open now: the queue by kind, and how many sites are suspended by R2."""
    listed = select(work.c.kind).limit(_number(MOST_WORK)).subquery("listed")
    kinds = connection.execute(
        select(listed.c.kind, func.count().label("n")).group_by(listed.c.kind)
    ).all()
    running = suspensions.c.ended_at.is_(None)
    queue = {row.kind: row.n for row in sorted(kinds, key=lambda row: row.kind)}
    return {
        "queue": queue,
        "waiting": sum(queue.values()),
        "suspended": connection.scalar(
            select(func.count()).select_from(suspensions).where(running)
        ),
        "capped": sum(queue.values()) >= MOST_WORK,
    }
