"""The column types: times to the microsecond in UTC, JSON as text, text that sorts by its bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, read back in UTC.

    timestamptz on PostgreSQL; on SQLite, which has no type for times, an integer of microseconds
    since 1970, exact and sorted by time. A time without a zone is a mistake and is refused.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type in this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Towards the database."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        return microseconds(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else self.from_database(dialect)(value)

    def to_database(self, dialect: Dialect) -> Callable[[datetime], Any]:
        """What makes of a time what the driver takes."""
        return microseconds if dialect.name == "sqlite" else _as_it_is

    def from_database(self, dialect: Dialect) -> Callable[[Any], datetime]:
        """What makes a time of what the driver gives."""
        return from_microseconds if dialect.name == "sqlite" else _in_utc


class JSONText(TypeDecorator[Any]):
    """JSON as text. With sorted keys the same value is the same text; else their order is kept."""

    impl = Text
    cache_ok = True

    def __init__(self, *, sort_keys: bool = True) -> None:
        super().__init__()
        self.sort_keys = sort_keys

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Towards the database."""
        return None if value is None else canonical(value, sort_keys=self.sort_keys)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """From the database."""
        return None if value is None else json.loads(value)


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def microseconds(moment: datetime) -> int:
    """An aware time as microseconds since 1970, as SQLite keeps it."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(count: int) -> datetime:
    """The time that `microseconds` has counted, in UTC."""
    return _EPOCH + timedelta(microseconds=count)


def canonical(value: Any, *, sort_keys: bool = True) -> str:
    """`value` as canonical JSON (RFC 8785), if its keys are ASCII and it holds no floats."""
    return _ENCODERS[sort_keys].encode(value)


_ENCODERS = {
    sort_keys: json.JSONEncoder(sort_keys=sort_keys, ensure_ascii=False, separators=(",", ":"))
    for sort_keys in (False, True)
}


# SQLite counts only a column declared INTEGER up by itself.
Number = BigInteger().with_variant(Integer(), "sqlite")
# Sorted by bytes, as SQLite does, whatever the collation that the server was set up with.
Word = Text().with_variant(Text(collation="C"), "postgresql")
