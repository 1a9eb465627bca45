"""The fields of one table of a scenario file: each is read once, checked, and named when wrong."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents import clock
from incidents.errors import InputError
from incidents.machine.policy import read_duration

NONE = "none"
"""How a file says that there is none: TOML has no word for it."""

_TIMES = "write +1h30m from the start, or 2026-03-01T10:00:00Z"


class ScenarioError(ValueError):
    """A scenario file that cannot be used; says which scenario, step and value, and the way out."""


class Fields:
    """One table, called `where` in errors; `start` is what `+1h` is counted from (UTC)."""

    def __init__(self, where: str, table: dict[str, Any], start: datetime) -> None:
        self.where = where
        self.start = start
        self._table = table
        self._asked: list[str] = []

    def wrong(self, what: str) -> ScenarioError:
        """The error that says `what` of this table."""
        return ScenarioError(f"{self.where}: {what}")

    def has(self, key: str) -> bool:
        """Whether the table has the key."""
        return self._get(key) is not None

    def value(self, key: str) -> Any:
        """Whatever stands there, None when nothing does."""
        return self._get(key)

    def word(self, key: str, default: str | None = None) -> str | None:
        """A text that is not empty."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self._must(key, "be a text", value)
        return value

    def choice(self, key: str, choices: Collection[str]) -> str | None:
        """One of some words."""
        value = self._get(key)
        if value is not None and (not isinstance(value, str) or value not in choices):
            raise self._must(key, f"be one of {', '.join(choices)}", value)
        return value

    def needed(self, key: str, value: Any) -> Any:
        """`value`, which must be there."""
        if value is None:
            raise self.wrong(f"{key} is missing")
        return value

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self._get(key)
        if value is not None and not isinstance(value, bool):
            raise self._must(key, "be true or false", value)
        return value

    def number(self, key: str, *, least: int = 1) -> int | None:
        """A whole number."""
        value = self._get(key)
        if value is not None and (type(value) is not int or value < least):
            raise self._must(key, f"be a whole number from {least}", value)
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """One text, or a list of them."""
        value = self._get(key)
        listed = [value] if isinstance(value, str) else ([] if value is None else value)
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            raise self._must(key, "be a text or a list of texts", value)
        return tuple(listed)

    def table(self, key: str) -> dict[str, Any] | None:
        """A table within."""
        value = self._get(key)
        if value is not None and not isinstance(value, dict):
            raise self._must(key, "be a table, { … }", value)
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables within; none is an empty list."""
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._must(key, "be a list of tables, [ { … }, { … } ]", value)
        return value

    def time(self, key: str) -> datetime | None:
        """A time in UTC: `+1h30m` or `-5m` from the start, or absolute (without a zone: UTC)."""
        value = self._get(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._must(key, f"be a time ({_TIMES})", value)
        try:
            return self._moment(value)
        except (InputError, ValueError, OverflowError):
            raise self._must(key, f"be a time ({_TIMES})", value) from None

    def time_or_none(self, key: str) -> datetime | None:
        """A time as above; the word `none` is None."""
        return None if self._get(key) == NONE else self.time(key)

    def finish(self, what: str) -> None:
        """No key may be left that nobody has asked for: `what` takes those that were."""
        for key in self._table:
            if key not in self._asked:
                known = ", ".join(dict.fromkeys(self._asked))
                raise self.wrong(f"unknown key {key!r}: {what} takes {known}")

    def _moment(self, text: str) -> datetime:
        if text.startswith("+"):
            return self.start + read_duration(text[1:])
        if text.startswith("-"):
            return self.start - read_duration(text[1:])
        # A bare 02:50 would need a day.
        return clock.parse(text if text[:4].isdecimal() else "", UTC, self.start)

    def _get(self, key: str) -> Any:
        self._asked.append(key)
        return self._table.get(key)

    def _must(self, key: str, what: str, value: object) -> ScenarioError:
        return self.wrong(f"{key} must {what}, got {shown(value)}")


def shown(value: object) -> str:
    """A value as it stands in a file, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def seconds(moment: datetime) -> datetime:
    """A time without its fraction of a second."""
    return moment.replace(microsecond=0)


def offset(start: datetime, moment: datetime) -> timedelta:
    """How long after the start, in whole seconds."""
    return seconds(moment) - seconds(start)
