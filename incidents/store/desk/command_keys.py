"""Queries of command keys: which answer a repeated command has had already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Text, select

from incidents.store.schema.tables import keys
from incidents.store.statements.statement import Change, Question
from incidents.store.statements.values_table import Given

_SITE_ID = re.compile(r"[1-9][0-9]{0,17}")


class Kept(NamedTuple):
    """What is kept for a key: its command's salted digest, the answer, when (UTC) and whose."""

    key: str
    fingerprint: str
    answer: dict[str, Any]
    recorded_at: datetime
    person: str


def of(connection: Connection, wanted: Iterable[str]) -> dict[str, Kept]:
    """What is kept for those keys."""
    found = NAMED.ask(connection, [(key,) for key in sorted(wanted)]).all()
    return {kept.key: kept for kept in found}


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
    _GONE.tell(connection, [(key,) for key in sorted(expired)])
    ordered = sorted(new, key=lambda kept: kept.key)
    _NEW.tell(connection, ordered)


def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, key=Text)
    joined = given.table.join(keys, keys.c.key == given.table.c.key)
    return select(keys).select_from(joined), given


NAMED: Question[Kept] = Question(_named, Kept._make)
"""Given keys: what is kept for them."""

_NEW = Change(keys, *Kept._fields)
_GONE = Change(keys, keys=("key",))
