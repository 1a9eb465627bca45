"""Queries for expired idempotency keys, whose stored answers are deleted.

A key must work for ever: a report that is sent again, or a file that is imported again, after two
years must not be recorded twice. So it stays without its answer, and is then *spent*: its command
is refused as one that was already done. Only the keys that this program makes for a minute or a
day, against a double press, are deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select

from incidents.store.schema.desk_tables import keys
from incidents.store.schema.types import UTCDateTime
from incidents.values.key_names import FORM, LINE

SPENT = ""
"""The fingerprint of a spent key, which is no command's."""

_EXPIRED = and_(
    keys.c.recorded_at < bindparam("before", type_=UTCDateTime), keys.c.fingerprint != SPENT
)


def count(connection: Connection, before: datetime) -> int:
    """The number of keys that were recorded before that time (UTC) and have an answer."""
    found = select(func.count()).select_from(keys).where(_EXPIRED)
    return connection.scalar(found, {"before": before}) or 0


def some(connection: Connection, before: datetime, most: int) -> list[str]:
    """The names of up to `most` of those keys.

    The time has no index, which each command would have to write: this reads the table.
    """
    found = select(keys.c.key).where(_EXPIRED).limit(most)
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
    own = {key for key in names if not key.startswith(LINE) and FORM not in key}
    gone = delete(keys).where(keys.c.key.in_(bindparam("names", expanding=True)), _EXPIRED)
    given = {"before": before}
    others = connection.execute(gone, {"names": sorted({*names} - own), **given}).rowcount
    if not own:
        return others
    found = connection.execute(gone.returning(*keys.c), {"names": sorted(own), **given}).mappings()
    ended = [dict(row) for row in found]
    # Of a refused command nothing stays: it may succeed now.
    spent = [
        {**row, "fingerprint": SPENT, "answer": {}}
        for row in ended
        if row["answer"].get("refusal") is None
    ]
    if spent:
        connection.execute(insert(keys), spent)
    return others + len(ended)
