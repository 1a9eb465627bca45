"""Timestamps of PostgreSQL: read in UTC, whatever the time zone of the session.

A far-off time, in that zone, could be after year 9999.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection, DataError
from psycopg.adapt import Loader

# After so many years the calendar repeats itself.
_YEARS, _CYCLE = 400, timedelta(days=146_097)


def read_in_utc(driver: Connection[Any]) -> None:
    """Have this connection return timestamps in UTC. It takes longer than in a session in UTC."""
    driver.adapters.register_loader("timestamptz", _UTCLoader)


class _UTCLoader(Loader):
    """Reads also a time whose year is 1 … 9999 in UTC, but not in the zone of the session."""

    def load(self, data: Any) -> datetime:
        text = bytes(data).decode()
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            with suppress(ValueError, OverflowError):
                return _at_the_edge(text)
            raise DataError(f"a time outside of the years 1 … 9999: {text!r}") from None


def _at_the_edge(text: str) -> datetime:
    """Read `10000-01-01 07:59:59+08` and `0001-12-31 16:00:00-08 BC`, which is in the year 0."""
    year, _, rest = text.removesuffix(" BC").partition("-")
    if text.endswith(" BC"):
        return (
            datetime.fromisoformat(f"{1 - int(year) + _YEARS:04}-{rest}").astimezone(UTC) - _CYCLE
        )
    return datetime.fromisoformat(f"{int(year) - _YEARS:04}-{rest}").astimezone(UTC) + _CYCLE
