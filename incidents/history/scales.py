"""The scales of charts: consecutive days, months or years, and round steps of counts."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import count

_MAX_DAYS = 62
_MAX_MONTHS = 240
_MAX_LABELS = 14
_MAX_DAY_LABELS = 8


@dataclass(frozen=True, slots=True)
class Timescale:
    """Consecutive bins, given by the dates (in `zone`) on which they begin.

    `unit`: the length of a bin: `day`, `month` or `year`.
    """

    unit: str
    starts: tuple[date, ...]
    zone: tzinfo

    def bin_of(self, moment: datetime) -> int:
        """Return the bin that contains an aware `moment`, or otherwise the nearest bin."""
        day = moment.astimezone(self.zone).date()
        return max(0, bisect_right(self.starts, day) - 1)

    def name(self, n: int) -> str:
        """Return the bin's label: `2026-03-01`, `2026-03` or `2026`."""
        return self.starts[n].isoformat()[: {"day": 10, "month": 7, "year": 4}[self.unit]]

    def labels(self) -> list[tuple[int, str]]:
        """List the bins that get a label: few enough to be readable."""
        bins = list(range(len(self.starts)))
        if self.unit == "month" and len(bins) > _MAX_LABELS:
            januaries = [n for n in bins if self.starts[n].month == 1]
            return [(n, self.name(n)[:4]) for n in _thinned(januaries, _MAX_LABELS)]
        most = _MAX_DAY_LABELS if self.unit == "day" else _MAX_LABELS
        return [(n, self.name(n)) for n in _thinned(bins, most)]


def _thinned(bins: list[int], most: int) -> list[int]:
    return bins[:: -(-len(bins) // most)] if bins else []


def spanning(first: datetime, last: datetime, zone: tzinfo) -> Timescale:
    """Return the timescale from `first` to `last` (both aware)."""
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if (end - begin).days < _MAX_DAYS:
        days = range((end - begin).days + 1)
        return Timescale("day", tuple(begin + timedelta(days=n) for n in days), zone)
    if months <= _MAX_MONTHS:
        numbers = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
        return Timescale("month", tuple(date(n // 12, n % 12 + 1, 1) for n in numbers), zone)
    return Timescale("year", tuple(date(y, 1, 1) for y in range(begin.year, end.year + 1)), zone)


def steps(highest: int, most: int = 5) -> list[int]:
    """Return the values on the axis, from 0 to the first that is not below `highest`.

    They are apart by 1, 2 or 5 times a power of ten, and there are at most `most` above 0.
    """
    for power in count():
        for step in (1, 2, 5):
            each = step * 10**power
            if each * most >= highest:
                return list(range(0, max(1, -(-highest // each)) * each + 1, each))
    raise AssertionError
