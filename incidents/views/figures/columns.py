"""The columns of a chart over time: the last hours or days of a zone, here and in SQL."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, case

from incidents.store.pages import SECOND, literal_int, micros, whole_units
from incidents.store.schema.types import microseconds

Period = Literal["24h", "7d", "30d", "90d"]
"""The periods that can be shown; each ends with the current hour or day."""

_DAYS: dict[Period, int] = {"7d": 7, "30d": 30, "90d": 90}
_HOURS = 24
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Columns:
    """Consecutive hours or days of `zone`.

    `begins`: their beginnings; `end`: the end of the last one (all in UTC).
    """

    unit: Literal["hour", "day"]
    begins: tuple[datetime, ...]
    end: datetime
    zone: tzinfo

    @classmethod
    def of(cls, period: Period, now: datetime, zone: tzinfo) -> Columns:
        """The columns of the period that ends with the hour or day of `now`."""
        if period == "24h":
            begins = tuple(hours(now, zone))
            return cls("hour", begins, begins[-1] + timedelta(hours=1), zone)
        today = now.astimezone(zone).date()
        days = range(1 - _DAYS[period], 2)
        *midnights, end = (midnight(today + timedelta(days=n), zone) for n in days)
        return cls("day", tuple(midnights), end, zone)

    def place(self, moment: datetime) -> int:
        """The column of that time; the nearest one if the time is outside."""
        return max(0, bisect_right(self.begins, moment) - 1)

    def counts(self) -> list[int]:
        """A zero for each column."""
        return [0] * len(self.begins)

    def number(self, moment: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
        """The column of a time as SQL, counted from 0; outside it is below 0, or too high."""
        us = micros(moment, connection.dialect.name)
        if self.unit == "hour":
            return whole_units(us - literal_int(microseconds(self.begins[0])), 3_600 * SECOND)
        first = self.begins[0].astimezone(self.zone).date() - date(1970, 1, 1)
        local_s = whole_units(us, SECOND) + self._ahead(moment)
        return whole_units(local_s, 86_400) - literal_int(first.days)

    def _ahead(self, moment: ColumnElement[Any]) -> ColumnElement[Any]:
        """The zone's offset at a time, in seconds: a database may know other zones than we do."""
        offsets = list(self._offsets())
        ahead: ColumnElement[Any] = literal_int(_seconds(offsets[-1][1]))
        for (_, offset), (until, _later) in reversed(list(pairwise(offsets))):
            ahead = case((moment < until, literal_int(_seconds(offset))), else_=ahead)
        return ahead

    def _offsets(self) -> Iterator[tuple[datetime, timedelta]]:
        """Each offset from UTC with its beginning; zones change at quarters of an hour."""
        last = _offset(self.begins[0], self.zone)
        yield self.begins[0], last
        for moment, until in pairwise((*self.begins, self.end)):
            if _offset(until, self.zone) == last:
                continue
            while moment < until:
                moment += _QUARTER  # noqa: PLW2901 - the day is walked through from its beginning
                if _offset(moment, self.zone) != last:
                    last = _offset(moment, self.zone)
                    yield moment, last


def midnight(day: date, zone: tzinfo) -> datetime:
    """The beginning of a day of the zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def hours(now: datetime, zone: tzinfo) -> Sequence[datetime]:
    """The beginnings (UTC) of the last 24 hours on the zone's clock."""
    local = now.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    last = now.astimezone(UTC) - past
    return [last - timedelta(hours=n) for n in reversed(range(_HOURS))]


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
