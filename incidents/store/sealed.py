"""Queries of sealed values: people's own words, which can be erased without breaking a proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Text, select

from incidents.store.given import Given
from incidents.store.statement import Change, Question
from incidents.store.tables import sealed


class Sealed(NamedTuple):
    """The reference, the salt and the value; whose entry refers to it, recorded when (UTC)."""

    ref: str
    salt: bytes
    value: str
    site_id: int
    sealed_at: datetime


def add(connection: Connection, new: Sequence[Sealed]) -> None:
    """Keeps values."""
    _NEW.tell(connection, new)


def values(connection: Connection, refs: Iterable[str]) -> dict[str, str]:
    """What those references stand for; erased ones are left out."""
    return dict(_NAMED.ask(connection, [(ref,) for ref in sorted(set(refs))]).all())


def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, ref=Text)
    joined = given.table.join(sealed, sealed.c.ref == given.table.c.ref)
    return select(sealed.c.ref, sealed.c.value).select_from(joined), given


_NAMED: Question[tuple[str, str]] = Question(_named, lambda row: (row[0], row[1]))
_NEW = Change(sealed, *Sealed._fields)
