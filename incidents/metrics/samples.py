"""The samples of metrics, by name and labels, and histograms of durations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import get_args

from incidents.accounts.identity import Denial
from incidents.desk.access import DENIALS
from incidents.machine import events
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.metrics.catalogue import BY_NAME, MAX_COUNTED
from incidents.record import own_events


class Histogram:
    """A histogram of seconds; each bound is the upper limit of its bucket (`le`)."""

    def __init__(self, *bounds_s: float) -> None:
        self.bounds_s = bounds_s
        self.sum_s = 0.0
        self._counts = [0] * (len(bounds_s) + 1)

    def observe(self, value_s: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds_s, value_s)] += 1
        self.sum_s += value_s

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(self._counts)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Each bound with the number of values up to that bound; the last bound is infinite."""
        return zip((*self.bounds_s, float("inf")), accumulate(self._counts), strict=True)

    def copy(self) -> Histogram:
        """A copy, which does not change with later values."""
        found = Histogram(*self.bounds_s)
        found.sum_s, found._counts = self.sum_s, [*self._counts]
        return found


Labels = tuple[str, ...]
Value = float | Histogram


class Samples:
    """The samples read; a name that is not in the catalogue is an error."""

    def __init__(self) -> None:
        self._found: dict[str, dict[Labels, Value]] = {}

    def put(self, name: str, value: Value, *labels: str) -> None:
        """Add a sample, with the values of its labels in the catalogue's order."""
        assert len(labels) == len(BY_NAME[name].labels), name
        self._found.setdefault(name, {})[labels] = value

    def put_age(self, name: str, now: datetime, then: datetime | None, *labels: str) -> None:
        """Add the seconds from `then` to `now`; nothing if `then` is None."""
        if then is not None:
            self.put(name, (now - then).total_seconds(), *labels)

    def put_count(self, name: str, count: int, *, capped: bool | None = None) -> None:
        """Add a limited count, and whether the count reached its limit."""
        self.put(name, count)
        self.put_capped(name, capped=count >= MAX_COUNTED if capped is None else capped)

    def put_by_label(self, name: str, rows: Iterable[tuple[str, int]], known: Iterable[str]) -> int:
        """Add counts by a label, 0 for a known value without one; add up unknown values.

        Return the total.
        """
        counts = dict.fromkeys(known, 0)
        for value, count in rows:
            label = known_or_other(value, counts)
            counts[label] = counts.get(label, 0) + count
        for label, count in counts.items():
            self.put(name, count, label)
        return sum(counts.values())

    def put_capped(self, name: str, *, capped: bool) -> None:
        """Add whether a count reached its limit."""
        self.put("incidents_count_capped", float(capped), name.removeprefix("incidents_"))

    def of(self, name: str) -> Mapping[Labels, Value]:
        """The samples of one metric."""
        return self._found.get(name, {})

    def __iter__(self) -> Iterator[tuple[str, Labels, Value]]:
        for name in BY_NAME:
            for labels, value in self.of(name).items():
                yield name, labels, value


Decision = tuple[str, str]
"""The kind of an entry, and the rule behind it."""

NONE, OTHER = "none", "other"
"""The labels for a missing value, and for an unknown one, such as a value from a newer program."""

LANES = (ACT, NOTICE, DESK)
OUTCOMES = ("delivered", "retry", "failed", "skipped")
"""The outcomes of an attempt to carry out an order (see `enforcement.port`)."""

WORK = (
    "call", "keep_calling", "tell", "check_removal", "recheck", "disputed", "reinstatement",
    "review", "closure", "file", "show_number", "suspicion", "footer",
)  # fmt: skip
"""The kinds of items in the desk's queue (see `machine.work`)."""

MAX_FORMATS = 50
"""The maximum number of formats of reports with a label value of their own."""

EXPIRING = ("keys", "checkpoints")
"""The tables from which expired rows are deleted."""

RESULTS = (
    "ok", "wrong_password", "factor_needed", "wrong_code", "no_account", "disabled",
    "unknown_subject",
)  # fmt: skip
"""The results of a sign-in (see `accounts.throttle`)."""

_STRANGERS = ("no_account", "unknown_subject")
REASONS = tuple(
    sorted({*get_args(Denial), *DENIALS.values(), *_STRANGERS, "csrf", "blocked", "provider_word"})
)
"""The reasons for refusals.

For a sign-in also `blocked` after too many mistakes, `provider_word` if the identity provider's
answer cannot be used, or the reason why the person is unknown.
"""

_RULED = {
    "clock_lapsed": ("unreachable",),
    "site_suspended": ("unreachable",),
    "suspension_ended": ("unreachable",),
    "incident_refused": ("refusal",),
    "site_closed": ("repeat", "unreachable_run", "false_info", "refusal"),
}

DECISIONS = tuple(
    (kind, rule)
    for kind in sorted(events.KINDS | own_events.KINDS)
    for rule in _RULED.get(kind, (NONE,))
)
"""Each kind of entry with each rule that can cause it (R1 … R5, by their codes)."""


def known_or_other(value: str, known: Collection[str]) -> str:
    """The value if it is known, otherwise OTHER."""
    return value if value in known else OTHER


def decision(kind: str, rule: str | None) -> Decision:
    """The labels of an entry: its kind and its rule."""
    found = kind, rule or NONE
    return found if found in _DECISIONS else (OTHER, OTHER)


_DECISIONS = frozenset(DECISIONS)
