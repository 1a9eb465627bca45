"""The tail: counters of new entries, and of the outcomes of attempts.

New entries are found by their numbers in the log, which have no gaps. Entry IDs are assigned before
the commit, so an entry that is committed late would be missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
    type_coerce,
)

from incidents.clock import read_rfc3339
from incidents.enforcement.port import Delivered
from incidents.machine.commands import CLOCK
from incidents.metrics.catalogue import MAX_COUNTED, limit_literal
from incidents.metrics.samples import (
    DECISIONS,
    EXPIRING,
    LANES,
    MAX_FORMATS,
    NONE,
    OTHER,
    OUTCOMES,
    Decision,
    Histogram,
    Samples,
    decision,
    known_or_other,
)
from incidents.store.inbox import reports
from incidents.store.log import leaves as stored_leaves
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves
from incidents.values.report_formats import FORMATS

if TYPE_CHECKING:
    from incidents.enforcement.dispatcher import AttemptResult

LATENESS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

# Decisions of the clock at a deadline; events that follow have the same times.
_TIMED = frozenset({"clock_lapsed", "suspension_ended", "incident_refused"})


class EntryCounters:
    """The counters of entries; the first query only finds out where to begin."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next: int | None = None
        self._behind = 0
        self._decisions: Counter[Decision] = Counter()
        self._reports: dict[str, Counter[str]] = {format_: Counter() for format_ in FORMATS}
        self._lateness = Histogram(*LATENESS_S)

    def advance(self, connection: Connection) -> None:
        """Count newly numbered entries, at most `MAX_COUNTED`, in one thread.

        By two queries, and one for each 500 reports that have ended.

        Raises:
            NoHeadError: if the log has lost its head.
        """
        size = stored_leaves.head(connection).size
        begin = size if self._next is None else self._next
        found = connection.execute(_READ[connection.dialect.name], {"begin": begin}).all()
        outcomes = _outcomes(connection, found)
        with self._lock:
            for row in found:
                self._count(row.kind, row.rule, row.actor, row.occurred_at, row.recorded_at)
            for format_, outcome in outcomes:
                is_known = format_ in self._reports or len(self._reports) < MAX_FORMATS
                of = self._reports.setdefault(format_ if is_known else OTHER, Counter())
                of[outcome] += 1
            # A restored database has fewer entries.
            self._next = min(begin + MAX_COUNTED, size)
            self._behind = size - self._next

    def add_to(self, into: Samples) -> None:
        """Add the counters; each other kind and rule gets a 0, so that its first increase shows."""
        with self._lock:
            counts, late, behind = dict(self._decisions), self._lateness.copy(), self._behind
            of_reports = {format_: counts.copy() for format_, counts in self._reports.items()}
        for kind, rule in DECISIONS:
            into.put("incidents_decisions_total", counts.pop((kind, rule), 0), kind, rule)
        for (kind, rule), count in counts.items():
            into.put("incidents_decisions_total", count, kind, rule)
        for format_, ended in of_reports.items():
            for outcome in reports.STATES:
                into.put("incidents_reports_total", ended[outcome], format_, outcome)
        into.put("incidents_enforcement_lateness_seconds", late)
        into.put("incidents_decisions_uncounted", behind)

    def _count(self, kind: str, rule: str | None, actor: str, due: str, recorded_at: str) -> None:
        self._decisions[decision(kind, rule)] += 1
        if actor == CLOCK and kind in _TIMED:
            late = read_rfc3339(recorded_at) - read_rfc3339(due)
            self._lateness.observe(late.total_seconds())


def _outcomes(connection: Connection, found: Sequence[Row[Any]]) -> list[tuple[str, str]]:
    """The format of each report that came in or ended in those entries, with its state."""
    ended = {row.report for row in found if row.kind in _ENDS}
    of = reports.named(connection, map(int, ended)) if ended else {}
    outcomes = []
    for row in found:
        if row.kind == "report_received":
            outcomes.append((row.format, reports.UNREADABLE if row.unread else reports.NEW))
        elif row.kind in _ENDS and int(row.report) in of:
            report = of[int(row.report)]
            if _is_true(row.stays_open):
                continue
            state = reports.NOT_OURS if _is_true(row.not_ours) else _ENDS[row.kind]
            led = row.kind == "report_dismissed" and report.incident is not None
            outcomes.append((report.format, report.state if led else state))
    return outcomes


def _is_true(text: object) -> bool:
    return str(text).lower() in {"true", "1"}


_ENDS = {
    "report_logged": reports.LOGGED,
    "report_joined": reports.JOINED,
    "report_dismissed": reports.DISMISSED,
}

_begin: ColumnElement[Any] = bindparam("begin", type_=leaves.c.leaf_index.type)
_at = leaves.c.leaf_index
_new = (
    select(leaves.c.entry_id)
    .where(_at >= _begin)
    .order_by(_at)
    .limit(limit_literal(MAX_COUNTED))
    .subquery("new")
)
_found = _new.join(entries, entries.c.id == _new.c.entry_id)

# An entry may have 64 KiB, so only the counted fields are read: its own, and those of its event.
_NAMES = ("kind", "rule", "actor", "occurred_at", "recorded_at")
_EVENT_NAMES = ("report", "format", "unread", "not_ours", "stays_open")


def _on_sqlite() -> Select[Any]:
    body = type_coerce(entries.c.body, JSON)
    own = [body[name].as_string().label(name) for name in _NAMES]
    of_event = [body["data", name].as_string().label(name) for name in _EVENT_NAMES]
    return select(*own, *of_event).select_from(_found)


def _on_postgresql() -> Select[Any]:
    body = func.json_to_record(cast(entries.c.body, JSON))
    fields = body.table_valued(
        *(column(name, Text) for name in _NAMES), column("data", JSON)
    ).render_derived(name="told", with_types=True)
    of_event = [fields.c.data[name].as_string().label(name) for name in _EVENT_NAMES]
    own = [fields.c[name] for name in _NAMES]
    return select(*own, *of_event).select_from(_found.join(fields, true()))


_READ = {"sqlite": _on_sqlite(), "postgresql": _on_postgresql()}


DELIVERY_S = (
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 259_200.0,
)  # fmt: skip
MAX_ADAPTERS = 50
"""The maximum number of adapters with a label value of their own."""


class ExpiryCounters:
    """The counters of expired rows, updated by the retention duty's thread and read by others."""

    def __init__(self) -> None:
        self._deleted = dict.fromkeys(EXPIRING, 0)

    def add(self, table: str, count: int) -> None:
        """Count rows that were deleted from a table."""
        self._deleted[table] += count

    def add_to(self, into: Samples) -> None:
        """Add the counters."""
        for table, count in self._deleted.items():
            into.put("incidents_expired_deleted_total", count, table)


class AttemptCounters:
    """The counters of attempts, updated by the dispatcher's thread and read by others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._adapters: set[tuple[str, str]] = set()
        self._attempts: Counter[tuple[str, str, str]] = Counter()
        self._deliveries = {lane: Histogram(*DELIVERY_S) for lane in LANES}

    def observe(self, done: AttemptResult, now: datetime) -> None:
        """Count an attempt recorded at `now` (UTC), if one was made."""
        if done.outcome is None:
            return
        lane, outcome = (
            done.claimed.lane,
            known_or_other(type(done.outcome).__name__.lower(), OUTCOMES),
        )
        with self._lock:
            self._attempts[*self._labels(lane, done.adapter), outcome] += 1
            if isinstance(done.outcome, Delivered) and lane in self._deliveries:
                took = now - done.claimed.ordered_at
                self._deliveries[lane].observe(took.total_seconds())

    def add_to(self, into: Samples) -> None:
        """Add the counters, with every outcome of each adapter."""
        with self._lock:
            for labels in (
                (*adapter, outcome) for adapter in self._adapters for outcome in OUTCOMES
            ):
                into.put("incidents_order_attempts_total", self._attempts[labels], *labels)
            for lane, taken in self._deliveries.items():
                into.put("incidents_order_delivery_seconds", taken.copy(), lane)

    def _labels(self, lane: str, adapter: str) -> tuple[str, str]:
        found = known_or_other(lane, LANES), adapter or NONE
        if found not in self._adapters and len(self._adapters) >= MAX_ADAPTERS:
            found = found[0], OTHER
        self._adapters.add(found)
        return found
