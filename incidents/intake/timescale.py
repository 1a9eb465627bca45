"""The time scale of a picture: bins of a day, a month or a year, and where its labels stand."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

_MAX_DAYS = 62
_MAX_MONTHS = 240
_MAX_LABELS = 14
_MAX_DAY_LABELS = 8


@dataclass(frozen=True, slots=True)
class Timescale:
    """Bins one after the other, by the dates (in `zone`) that they begin at.

    `unit` is what one bin spans: `day`, `month` or `year`.
    """

    unit: str
    starts: tuple[date, ...]
    zone: tzinfo

    def bin_of(self, moment: datetime) -> int:
        """Which bin an aware `moment` falls into; one outside falls into the nearest."""
        day = moment.astimezone(self.zone).date()
        return max(0, bisect_right(self.starts, day) - 1)

    def name(self, n: int) -> str:
        """The bin as people write it: `2026-03-01`, `2026-03` or `2026`."""
        return self.starts[n].isoformat()[: {"day": 10, "month": 7, "year": 4}[self.unit]]

    def labels(self) -> list[tuple[int, str]]:
        """The bins that carry a label, so few that they can be read."""
        bins = list(range(len(self.starts)))
        if self.unit == "month" and len(bins) > _MAX_LABELS:
            januaries = [n for n in bins if self.starts[n].month == 1]
            return [(n, self.name(n)[:4]) for n in _thinned(januaries, _MAX_LABELS)]
        most = _MAX_DAY_LABELS if self.unit == "day" else _MAX_LABELS
        return [(n, self.name(n)) for n in _thinned(bins, most)]


def _thinned(bins: list[int], most: int) -> list[int]:
    return bins[:: -(-len(bins) // most)] if bins else []


def spanning(first: datetime, last: datetime, zone: tzinfo) -> Timescale:
    """The scale on which everything from `first` to `last` (aware) finds a bin."""
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if (end - begin).days < _MAX_DAYS:
        days = range((end - begin).days + 1)
        return Timescale("day", tuple(begin + timedelta(days=n) for n in days), zone)
    if months <= _MAX_MONTHS:
        numbers = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
        return Timescale("month", tuple(date(n // 12, n % 12 + 1, 1) for n in numbers), zone)
    return Timescale("year", tuple(date(y, 1, 1) for y in range(begin.year, end.year + 1)), zone)
