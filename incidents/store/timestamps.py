"""Timestamps of PostgreSQL: read in UTC, whatever the time zone of the session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.types.datetime import TimestamptzLoader

# After so many years the calendar repeats itself.
_CYCLE_YEARS, _CYCLE = 400, timedelta(days=146_097)


def read_in_utc(driver: Connection[Any]) -> None:
    """Have this connection return timestamps in UTC."""
    driver.adapters.register_loader("timestamptz", _UTCLoader)


class _UTCLoader(TimestamptzLoader):
    """Reads also times whose year is 1 … 9999 in UTC alone, not in the zone of the session."""

    def load(self, data: Any) -> datetime:
        text = bytes(data).decode()
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            return _at_the_edge(text) or super().load(data)


def _at_the_edge(text: str) -> datetime | None:
    """Read `10000-01-01 07:59:59+08` and `0001-12-31 16:00:00-08 BC`, which is in the year 0."""
    for year, end, shift in (("10000-", "", -1), ("0001-", " BC", 1)):
        if text.startswith(year) and text.endswith(end):
            near = (10_000 if shift < 0 else 0) + shift * _CYCLE_YEARS
            rest = text.removeprefix(year).removesuffix(" BC")
            try:
                found = datetime.fromisoformat(f"{near:04}-{rest}")
                return found.astimezone(UTC) - shift * _CYCLE
            except (ValueError, OverflowError):
                return None
    return None
