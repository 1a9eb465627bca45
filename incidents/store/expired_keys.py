"""Queries for expired idempotency keys, whose stored answers are deleted.

A key must work for ever: a report that is sent again, or a file that is imported again, after two
years must not be recorded twice. So it stays without its answer, and is then *spent*: its command
is refused, also if it was refused the first time. Only a key that is free again is deleted: one
against a double press or with `Idempotency-Key-For`, and that of an import's line that was refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select

from incidents.store.schema.desk_tables import keys
from incidents.store.schema.types import UTCDateTime

SPENT = ""
"""The fingerprint of a spent key, which is no command's."""

FREE_AFTER = "free_after_s"
"""The field of a stored answer that says after how many seconds its key is free again."""

IMPORTED = "import:"
"""How the key of an import's line begins, which follows from what the line says."""

_EXPIRED = and_(
    keys.c.recorded_at < bindparam("before", type_=UTCDateTime), keys.c.fingerprint != SPENT
)


def count(connection: Connection, before: datetime) -> int:
    """The number of keys that were recorded before that time (UTC) and have an answer."""
    found = select(func.count()).select_from(keys).where(_EXPIRED)
    return connection.scalar(found, {"before": before}) or 0


def some(connection: Connection, before: datetime, most: int, *, after: str = "") -> list[str]:
    """The names of up to `most` of those keys, the next ones `after` that name.

    The time has no index, which each command would have to write: all calls together read the
    table once.
    """
    found = select(keys.c.key).where(keys.c.key > after, _EXPIRED).order_by(keys.c.key).limit(most)
    return list(connection.scalars(found, {"before": before}))


def of_site(connection: Connection, before: datetime, site_id: int) -> list[str]:
    """The names of those keys whose commands were about the site."""
    answers = select(keys.c.key, keys.c.answer).where(_EXPIRED)
    found = connection.execute(answers, {"before": before})
    return [key for key, answer in found if answer.get("site_id") == site_id]


def remove(connection: Connection, names: Collection[str], before: datetime) -> int:
    """Delete the answers of `names` that were recorded before that time; return how many.

    A role with the right to delete needs no other one: it may not lock the rows first.
    """
    gone = delete(keys).where(keys.c.key.in_(bindparam("names", expanding=True)), _EXPIRED)
    given = {"names": sorted(names), "before": before}
    ended = [dict(row) for row in connection.execute(gone.returning(*keys.c), given).mappings()]
    spent = [
        {**row, "fingerprint": SPENT, "answer": {}}
        for row in ended
        if not _is_free(row["key"], row["answer"])
    ]
    if spent:
        connection.execute(insert(keys), spent)
    return len(ended)


def _is_free(key: str, answer: Mapping[str, Any]) -> bool:
    """Whether the command may be given again under that key."""
    is_refused_line = key.startswith(IMPORTED) and answer.get("refusal") is not None
    return is_refused_line or FREE_AFTER in answer
