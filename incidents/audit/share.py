"""The share: which part of the record one replay is of; all shares together are all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement


@dataclass(frozen=True, slots=True)
class Span:
    """The rows whose key is at or after `first` and before `before`; None: without that end."""

    first: int | str | None = None
    before: int | str | None = None

    @classmethod
    def of(cls, site_id: int) -> Span:
        """One site's."""
        return cls(site_id, site_id + 1)

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """The conditions on the column that is the key."""
        found = []
        if self.first is not None:
            found.append(key >= self.first)
        if self.before is not None:
            found.append(key < self.before)
        return found


@dataclass(frozen=True, slots=True)
class Some:
    """The rows whose key is one of these."""

    ids: tuple[int, ...]

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """As a span has it."""
        return [key.in_(self.ids)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The desk's own stream, some sites, some of the sealed values: those that are not None."""

    desk: bool = False
    sites: Span | None = None
    seals: Span | None = None


ALL = Share(desk=True, sites=Span(), seals=Span())
