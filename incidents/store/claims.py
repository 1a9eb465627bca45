"""Queries of claims: who works on which item of the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from incidents.machine.case import Claim
from incidents.store.given import Given, execute
from incidents.store.tables import claims
from incidents.store.types import Number

Key = tuple[int, str]
"""A site's id and the item."""

Change = tuple[int, str, Claim | None, Claim | None]
"""A site's id, the item, its claim before and its claim now."""


def of_sites(connection: Connection, site_ids: Iterable[int]) -> dict[Key, Claim]:
    """All claims on those sites."""
    statement, given = _of_sites(connection.dialect.name)
    rows = connection.execute(statement, given.parameters([(id_,) for id_ in sorted(site_ids)]))
    return {
        (row["site_id"], row["item"]): Claim(by=row["by"], at=row["at"]) for row in rows.mappings()
    }


def sites_of(connection: Connection, person: str) -> list[int]:
    """The sites on which the person holds something, in the order of their ids."""
    c = claims.c
    query = select(c.site_id).where(c.by == person).distinct().order_by(c.site_id)
    return list(connection.scalars(query))


def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Writes claims."""
    gone = [
        {"key_site": site, "key_item": item} for site, item, was, _ in changes if was is not None
    ]
    new = [
        {"site_id": site, "item": item, "by": now.by, "at": now.at}
        for site, item, _, now in changes
        if now is not None
    ]
    execute(connection, _GONE, gone)
    execute(connection, _NEW, new)


@cache
def _of_sites(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    joined = given.table.join(claims, claims.c.site_id == given.table.c.site_id)
    return select(claims).select_from(joined), given


_NEW = insert(claims)
_GONE = delete(claims).where(
    claims.c.site_id == bindparam("key_site"), claims.c.item == bindparam("key_item")
)
