"""The conditions of a filter on the rows of the queue, and how far it looks.

What an index serves narrows the rows that are read. The other conditions are tried on the first
`MAX_READ` of these, so that a page stays bounded however long the queue is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from incidents.contract.queue_filter import QueueFilter
from incidents.store.pages import literal_int
from incidents.store.schema.tables import claims, incidents, sites, work

MAX_READ = 5_000
"""The maximum number of items that a filter is tried on for one page."""


def is_tried(wanted: QueueFilter) -> bool:
    """Whether the filter has conditions that no index serves."""
    return any((wanted.kind, wanted.category, wanted.state, wanted.rule))


def narrowed(query: Select[Any], wanted: QueueFilter) -> Select[Any]:
    """The query of rows of `work`, narrowed by what an index serves."""
    if wanted.holder is not None:
        query = query.join(claims, claim_of(work)).where(claims.c.by == wanted.holder)
    if wanted.due_before is not None:
        query = query.where(work.c.sort_due < wanted.due_before)
    if wanted.site is not None:
        named = select(sites.c.id).where(sites.c.name == wanted.site)
        query = query.where(work.c.site_id == named.scalar_subquery())
    return query


def tried(
    query: Select[Any], wanted: QueueFilter, order: tuple[ColumnElement[Any], ...]
) -> Select[Any]:
    """The first `MAX_READ` rows of the query that meet the other conditions, in that order."""
    read = query.order_by(*order).limit(literal_int(MAX_READ)).subquery("read")
    found = select(read)
    if wanted.kind is not None:
        found = found.where(read.c.kind == wanted.kind)
    of_site = {name: getattr(wanted, name) for name in ("state", "rule") if getattr(wanted, name)}
    if of_site:
        found = found.join(sites, sites.c.id == read.c.site_id)
        found = found.where(*(sites.c[name] == value for name, value in of_site.items()))
    if wanted.category is not None:
        same = and_(
            incidents.c.site_id == read.c.site_id, incidents.c.n == read.c.incident,
            incidents.c.category == wanted.category,
        )  # fmt: skip
        found = found.where(exists().where(same))
    return found.order_by(*(read.c[str(column.key)] for column in order))


def claim_of(of: Any) -> ColumnElement[bool]:
    """The condition that a claim is on the item of that row."""
    return and_(claims.c.site_id == of.c.site_id, claims.c.item == of.c.item)
