"""The hours and days of a chart, as its reader writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from incidents.console.rendering import Reader


def labels(reader: Reader, begins: Sequence[datetime], unit: Literal["hour", "day"]) -> list[str]:
    """The names of hours or days that begin then: `Sun 1 Mar 2026`, `1 Mar, 10:00–11:00`."""
    return [_told(reader, begin, unit) for begin in begins]


def ticks(reader: Reader, begins: Sequence[datetime], unit: Literal["hour", "day"]) -> list[str]:
    """The same for an axis: `1 Mar`, `10:00`."""
    local = [begin.astimezone(reader.zone) for begin in begins]
    if unit == "hour":
        return [f"{each:%H:%M}" for each in local]
    return [_day(reader, each, "figures.tick") for each in local]


def _told(reader: Reader, begin: datetime, unit: Literal["hour", "day"]) -> str:
    local = begin.astimezone(reader.zone)
    if unit == "day":
        return _day(reader, local, "figures.date")
    end = (begin + timedelta(hours=1)).astimezone(reader.zone)
    return f"{_day(reader, local, 'figures.tick')} {local:%H:%M}–{end:%H:%M}"


def _day(reader: Reader, day: datetime, key: str) -> str:
    return reader.say(
        key, year=f"{day:%Y}", month=reader.word("month", str(day.month)), day=str(day.day),
        weekday=reader.word("weekday", str(day.isoweekday())),
    )  # fmt: skip
