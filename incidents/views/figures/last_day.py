"""The last day at a desk: counts of people's and the clock's actions, and their durations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

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
from incidents.store.pages import SECOND, literal_int, micros, micros_of_text, whole_units
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.types import microseconds
from incidents.views.figures.columns import hours

if TYPE_CHECKING:
    from incidents.contract.documents import overview

# Finer than people need, but coarse enough to bound the number of steps of a distribution: to the
# millisecond below ten seconds, to the second below two hours, to the minute up to a week.
_STEPS = (
    (10 * SECOND, SECOND // 1_000), (7_200 * SECOND, SECOND), (7 * 86_400 * SECOND, 60 * SECOND),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution: the frequency of each length, in microseconds and in ascending order."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int]]) -> Distribution:
        """The distribution of pairs (length, number), given in any order."""
        return cls(tuple(sorted((int(us), int(n)) for us, n in found)))

    @property
    def count(self) -> int:
        """The number of lengths, counted with their frequencies."""
        return sum(n for _, n in self.steps)

    def at(self, percent: int) -> float | None:
        """The percentile, in seconds: `percent` of the lengths do not exceed it. None if empty."""
        needed, seen = -(-self.count * percent // 100), 0
        for us, n in self.steps:
            seen += n
            if seen >= needed:
                return us / SECOND
        return None

    def classes(self, bounds_s: Sequence[float]) -> list[int]:
        """Histogram counts for ascending bounds.

        For each bound, the number of lengths above the previous bound and up to this bound;
        finally, the number of lengths above all bounds.
        """
        found = [0] * (len(bounds_s) + 1)
        for us, n in self.steps:
            found[sum(us > bound * SECOND for bound in bounds_s)] += n
        return found

    def document(self, bounds_s: Sequence[float]) -> overview.Spread:
        """The document of the distribution; `classes`: see the method of that name."""
        return {
            "count": self.count,
            "median_s": self.at(50),
            "p90_s": self.at(90),
            "most_s": self.at(100),
            "bounds_s": list(bounds_s),
            "classes": self.classes(bounds_s),
        }


def coarse(us: ColumnElement[Any]) -> ColumnElement[Any]:
    """A length, rounded to a step of a distribution between zero and a week."""
    whens = [(us < literal_int(0), literal_int(0))]
    whens += [
        (us < literal_int(most), whole_units(us, step) * literal_int(step)) for most, step in _STEPS
    ]
    return case(*whens, else_=literal_int(_STEPS[-1][0]))


MOST_ENTRIES = 200_000
"""The maximum number of a day's entries to read, latest first; `capped`: there may be more."""
RULES = ("repeat", "unreachable_run", "false_info", "refusal")
"""The rules that can close a site: R1, R3, R4, R5."""
LATENESS_S = (0.1, 1.0, 5.0, 60.0, 300.0)
"""The upper bounds, in seconds, of the classes of the clock's lateness; one more class follows."""

# What the clock does at a deadline. The events that follow have the same times.
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
"""The kinds of events that follow from actions, come from others, or maintain the register."""
_DONE = frozenset(KINDS) - _NOT_DONE
"""The kinds of events that people at the desk cause, besides logging and calling."""


_Kind = tuple[int, str, str | None, bool]
"""A quarter of an hour since 1970, a kind of entry, its rule, and whether the clock acted."""


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last twenty-four hours, and the rest of today if today began earlier."""

    now: datetime
    zone: tzinfo
    kinds: Mapping[_Kind, int]
    late: Distribution

    @classmethod
    def read(cls, connection: Connection, now: datetime, zone: tzinfo, since: datetime) -> LastDay:
        """Count the entries recorded since `since` (UTC), in one query."""
        kinds: Counter[_Kind] = Counter()
        late: Counter[int] = Counter()
        for row in connection.execute(_counting_query(connection, since)):
            kinds[int(row.quarter), row.kind, row.rule, bool(row.by_clock)] += row.n
            if row.late is not None:
                late[int(row.late)] += row.n
        return cls(now, zone, kinds, Distribution.of(late.items()))

    def today(self, midnight: datetime) -> overview.Today:
        """The counts of people's and the clock's actions since `midnight`."""
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

    def load(self) -> overview.Load:
        """People's actions in each of the last 24 hours of the zone, the current hour last."""
        begins = hours(self.now, self.zone)
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

    def lateness(self) -> overview.Lateness:
        """The distribution of the clock's lateness: the time from a deadline to its decision."""
        return {**self.late.document(LATENESS_S), "capped": self.capped}

    @property
    def capped(self) -> bool:
        """Whether there may be more entries than were counted."""
        return sum(self.kinds.values()) >= MOST_ENTRIES


def _quarter(moment: datetime) -> int:
    return microseconds(moment) // (900 * SECOND)


def _counting_query(connection: Connection, since: datetime) -> Select[Any]:
    """The query that counts the latest entries since a time by quarter, kind, rule and lateness."""
    dialect = connection.dialect.name
    at = entries.c.recorded_at
    newest = (
        select(at, entries.c.body).where(at >= since).order_by(at.desc())
        .limit(literal_int(MOST_ENTRIES)).subquery("newest")
    )  # fmt: skip
    source, fields = _READ[dialect](newest)
    by_clock = fields["actor"] == CLOCK
    after = micros(newest.c.recorded_at, dialect) - micros_of_text(fields["occurred_at"], dialect)
    timed = and_(by_clock, fields["kind"].in_(_TIMED))
    return (
        select(
            whole_units(micros(newest.c.recorded_at, dialect), 900 * SECOND).label("quarter"),
            fields["kind"].label("kind"),
            fields["rule"].label("rule"),
            case((by_clock, 1), else_=0).label("by_clock"),
            case((timed, coarse(after)), else_=null()).label("late"),
            func.count().label("n"),
        )
        .select_from(source).group_by(*map(literal_column, "12345"))
    )  # fmt: skip


# An entry may have 64 KiB, so only the counted fields are read.
_NAMES = ("kind", "rule", "actor", "occurred_at")
_Read = tuple[FromClause, dict[str, ColumnElement[Any]]]


def _on_sqlite(newest: FromClause) -> _Read:
    body = type_coerce(newest.c.body, JSON)
    # Labelled, so that each is read once: a grouped expression would be read again.
    fields = [body[name].as_string().label(name) for name in _NAMES]
    return newest, dict(zip(_NAMES, fields, strict=True))


def _on_postgresql(newest: FromClause) -> _Read:
    body = func.json_to_record(cast(newest.c.body, JSON))
    fields = body.table_valued(*(column(name, Text) for name in _NAMES)).render_derived(
        name="told", with_types=True
    )
    return newest.join(fields, true()), {name: fields.c[name] for name in _NAMES}


_READ = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}
