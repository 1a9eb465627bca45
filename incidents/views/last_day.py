"""The last day at a desk: the acts of people and the clock, counted, and how long things took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    true,
    type_coerce,
)

from incidents.clock import rfc3339
from incidents.machine.commands import CLOCK
from incidents.machine.events import KINDS
from incidents.store.pages import SECOND, micros, micros_of_text, number, whole
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.types import microseconds

Document = dict[str, Any]

# Finer than people read, and so coarse that a distribution has a bounded number of steps: to the
# millisecond below ten seconds, to the second below two hours, to the minute up to a week.
_STEPS = (
    (10 * SECOND, SECOND // 1_000), (7_200 * SECOND, SECOND), (7 * 86_400 * SECOND, 60 * SECOND),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution: how often each length occurs, in microseconds and in their order."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int]]) -> Spread:
        """Of how often each length occurs, in any order."""
        return cls(tuple(sorted((int(us), int(n)) for us, n in found)))

    @property
    def count(self) -> int:
        """How many lengths there are."""
        return sum(n for _, n in self.steps)

    def at(self, percent: int) -> float | None:
        """The length, in seconds, that so many percent do not exceed; None if there are none."""
        needed, seen = -(-self.count * percent // 100), 0
        for us, n in self.steps:
            seen += n
            if seen >= needed:
                return us / SECOND
        return None

    def classes(self, bounds_s: Sequence[float]) -> list[int]:
        """How many are at most each bound, beyond the one before; the last are beyond all."""
        found = [0] * (len(bounds_s) + 1)
        for us, n in self.steps:
            found[sum(us > bound * SECOND for bound in bounds_s)] += n
        return found

    def document(self, bounds_s: Sequence[float]) -> Document:
        """What is told of it; `classes` as the method of that name has them."""
        return {
            "count": self.count,
            "median_s": self.at(50),
            "p90_s": self.at(90),
            "most_s": self.at(100),
            "bounds_s": list(bounds_s),
            "classes": self.classes(bounds_s),
        }


def coarse(us: ColumnElement[Any]) -> ColumnElement[Any]:
    """A length as a distribution has it: never below zero, and a week at most."""
    whens = [(us < number(0), number(0))]
    whens += [(us < number(most), whole(us, step) * number(step)) for most, step in _STEPS]
    return case(*whens, else_=number(_STEPS[-1][0]))


MOST_ENTRIES = 200_000
"""So many of a day's entries are looked at, the latest; `capped` says that there were more."""
RULES = ("repeat", "unreachable_run", "false_info", "refusal")
"""What can close a site: R1, R3, R4, R5."""
LATENESS_S = (0.1, 1.0, 5.0, 60.0, 300.0)
"""The classes of how late the clock decided: up to so many seconds, and later."""

# What the clock does at a deadline; what follows from it bears the same times.
_TIMED = frozenset({"clock_lapsed", "suspension_ended", "incident_refused"})
_LOGGED, _CALLED = "incident_logged", "contact_recorded"
_NOT_DONE = frozenset({
    _LOGGED, _CALLED, "alarm_raised", "clock_lapsed", "closure_disputed", "dispute_settled",
    "filing_changed", "filing_reminded", "footer_seen", "incident_imported", "item_claimed",
    "item_released", "order_cancelled", "order_delivered", "order_failed", "order_repeated",
    "order_retried", "removal_said", "site_added", "site_edited", "site_suspended", "state_seen",
    "suspension_ended", "suspension_restored", "suspension_struck", "suspicion_raised",
    "task_opened",
})  # fmt: skip
"""What follows from what people do, what machines and customers do, and what keeps the register."""
_DONE = frozenset(KINDS) - _NOT_DONE
"""What people at the desk do besides logging and calling."""


_Kind = tuple[int, str, str | None, bool]
"""A quarter of an hour (counted from 1970), a kind of entry, its rule, whether the clock acted."""


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last twenty-four hours, and a little more where today has begun before them."""

    now: datetime
    zone: tzinfo
    kinds: Mapping[_Kind, int]
    late: Spread

    @classmethod
    def read(cls, connection: Connection, now: datetime, zone: tzinfo, since: datetime) -> LastDay:
        """What was recorded since then (UTC), in one query."""
        kinds: Counter[_Kind] = Counter()
        late: Counter[int] = Counter()
        for row in connection.execute(_told(connection, since)):
            kinds[int(row.quarter), row.kind, row.rule, bool(row.by_clock)] += row.n
            if row.late is not None:
                late[int(row.late)] += row.n
        return cls(now, zone, kinds, Spread.of(late.items()))

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
        begins = list(hours(self.now, self.zone))
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
        """Whether there was more than is counted."""
        return sum(self.kinds.values()) >= MOST_ENTRIES


def hours(now: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When each of the last 24 hours began (UTC), on the zone's clock."""
    local = now.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    last = now.astimezone(UTC) - past
    for n in reversed(range(24)):
        yield last - timedelta(hours=n)


def _quarter(moment: datetime) -> int:
    return microseconds(moment) // (900 * SECOND)


def _told(connection: Connection, since: datetime) -> Select[Any]:
    """The entries since then, the latest so many, counted by what is told of them."""
    dialect = connection.dialect.name
    at = entries.c.recorded_at
    newest = (
        select(at, entries.c.body).where(at >= since).order_by(at.desc())
        .limit(number(MOST_ENTRIES)).subquery("newest")
    )  # fmt: skip
    source, told = _READ[dialect](newest)
    by_clock = told["actor"] == CLOCK
    after = micros(newest.c.recorded_at, dialect) - micros_of_text(told["occurred_at"], dialect)
    timed = and_(by_clock, told["kind"].in_(_TIMED))
    return (
        select(
            whole(micros(newest.c.recorded_at, dialect), 900 * SECOND).label("quarter"),
            told["kind"].label("kind"),
            told["rule"].label("rule"),
            case((by_clock, 1), else_=0).label("by_clock"),
            case((timed, coarse(after)), else_=null()).label("late"),
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
