"""Queries of claims: who works on which item of the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from incidents.machine.case import Claim
from incidents.store.schema.tables import claims
from incidents.store.schema.types import Number
from incidents.store.statements.statement import Change, Question, Row
from incidents.store.statements.values_table import Given

Found = tuple[int, str, Claim]
"""A site's id, the item and its claim."""

Changed = tuple[int, str, Claim | None, Claim | None]
"""A site's id, the item, its claim before and its claim now."""


def sites_of(connection: Connection, person: str) -> list[int]:
    """The sites on which the person holds something, in the order of their ids."""
    c = claims.c
    query = select(c.site_id).where(c.by == person).distinct().order_by(c.site_id)
    return list(connection.scalars(query))


def of_sites(connection: Connection, site_ids: Iterable[int]) -> list[Found]:
    """All claims on those sites."""
    return OF_SITES.ask(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes claims."""
    gone = [(site, item) for site, item, was, _ in changes if was is not None]
    new = [(site, item, now.by, now.at) for site, item, _, now in changes if now is not None]
    _GONE.tell(connection, gone)
    _NEW.tell(connection, new)


def _found(row: Row) -> Found:
    site, item, by, at = row
    return site, item, Claim(by=by, at=at)


def _of_sites(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    return given.joined(claims.c, claims, claims.c.site_id == given.table.c.site_id), given


OF_SITES: Question[Found] = Question(_of_sites, _found)
"""Given sites: all claims on them."""

_NEW = Change(claims, "site_id", "item", "by", "at")
_GONE = Change(claims, keys=("site_id", "item"))
