"""Sites and entries written into the tables: more than a desk can write during a test."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from incidents.clock import rfc3339
from incidents.store.schema import log_tables
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.tables import sites


def add_entries(
    connection: Connection,
    how_many: int,
    *,
    at: datetime,
    numbered: bool = True,
    **facts: Any,
) -> None:
    """Add entries of a site of their own; `facts` are parts of their text."""
    told = {"actor": "li", "kind": "site_edited", "occurred_at": rfc3339(at)} | facts
    body = json.dumps(told | {"recorded_at": rfc3339(at)})
    seq = connection.scalar(select(func.coalesce(func.max(entries.c.site_seq), 0))) or 0
    row = {"site_id": 999, "recorded_at": at, "body": body, "leaf_hash": bytes(32)}
    connection.execute(
        insert(entries), [row | {"site_seq": seq + n} for n in range(1, how_many + 1)]
    )
    if numbered:
        number(connection)


def add_sites(
    connection: Connection, how_many: int, *, due: datetime | None, of: str = "some"
) -> None:
    """Add `how_many` sites without a history, with something due at `due`, if given."""
    row = {
        "state": "active", "epoch": 1, "run": 0, "disputed": False, "held": False, "seq": 0,
        "last_incident": 0, "last_suspension": 0, "last_task": 0, "next_due": due,
        "in_force": "active", "last_act": 0,
    }  # fmt: skip
    names = [f"s{n}.{of}.example" for n in range(how_many)]
    connection.execute(insert(sites), [row | {"name": name} for name in names])


def number(connection: Connection) -> None:
    """Number all entries without a number, and leave the tree alone."""
    numbers = log_tables.leaves
    size = connection.scalar(select(func.count()).select_from(numbers)) or 0
    new = connection.scalars(
        select(entries.c.id)
        .where(entries.c.id.not_in(select(numbers.c.entry_id)))
        .order_by(entries.c.id)
    ).all()
    if new:
        connection.execute(
            insert(numbers),
            [{"leaf_index": size + n, "entry_id": id_} for n, id_ in enumerate(new)],
        )
    connection.execute(update(log_tables.log_head).values(size=size + len(new)))
