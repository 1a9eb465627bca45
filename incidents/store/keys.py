"""Queries of command keys: which answer a repeated command has had already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, delete, insert, select

from incidents.store.given import Given, execute
from incidents.store.tables import keys

_SITE_ID = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for a key: its command's salted digest, the answer, when (UTC) and whose."""

    key: str
    fingerprint: str
    answer: dict[str, Any]
    recorded_at: datetime
    person: str


def of(connection: Connection, wanted: Iterable[str]) -> dict[str, Kept]:
    """What is kept for those keys."""
    statement, given = _named(connection.dialect.name)
    rows = connection.execute(statement, given.parameters([(key,) for key in sorted(wanted)]))
    return {row.key: Kept(*row) for row in rows}


def sites_under(connection: Connection, key: str) -> list[int]:
    """The sites that have a key of their own under `key`, as in `K:12`, in the order of their ids.

    They are those of a command for many sites, which was given once with `key`.
    """
    # The column is ordered by its bytes, and ; follows : there.
    query = select(keys.c.key).where(keys.c.key > f"{key}:", keys.c.key < f"{key};")
    ends = (kept.removeprefix(f"{key}:") for kept in connection.scalars(query))
    return sorted(int(end) for end in ends if _SITE_ID.fullmatch(end))


def save(connection: Connection, new: Sequence[Kept], expired: Iterable[str]) -> None:
    """Keeps answers, in the order of their keys, the place of expired ones being free again.

    Raises:
        IntegrityError: if another transaction has kept an answer for one of the keys meanwhile.
    """
    execute(connection, _GONE, [{"gone": key} for key in sorted(expired)])
    rows = [
        {
            "key": kept.key, "fingerprint": kept.fingerprint, "answer": kept.answer,
            "recorded_at": kept.recorded_at, "person": kept.person,
        }
        for kept in sorted(new, key=lambda kept: kept.key)
    ]  # fmt: skip
    execute(connection, _NEW, rows)


@cache
def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, key=Text)
    joined = given.table.join(keys, keys.c.key == given.table.c.key)
    return select(keys).select_from(joined), given


_NEW = insert(keys)
_GONE = delete(keys).where(keys.c.key == bindparam("gone"))
