"""The saved views of the console's lists: filters with a name, one's own or shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from incidents.store.schema.access_tables import saved_views

_of = saved_views.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A view of the list at `page`: its filters as in the address, and whether all may see it."""

    id: str
    page: str
    name: str
    query: str
    owner: str
    shared: bool
    made_at: datetime


def listed(connection: Connection, page: str, person: str) -> list[SavedView]:
    """The views of the list that the person may see: their own, then shared ones, by name."""
    query = select(saved_views).where(_of.page == page)
    query = query.where(or_(_of.owner == person, _of.shared.is_(True)))
    found = [SavedView(**row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda each: (each.owner != person, each.name.casefold(), each.id))


def view(connection: Connection, id_: str) -> SavedView | None:
    """The view with that id; None if there is none."""
    row = connection.execute(select(saved_views).where(_of.id == id_)).mappings().first()
    return None if row is None else SavedView(**row)


def names(connection: Connection, page: str, owner: str) -> dict[str, str]:
    """The names of the owner's views of the list, by the view's id."""
    own = select(_of.id, _of.name).where(_of.page == page, _of.owner == owner)
    return {row.id: row.name for row in connection.execute(own)}


def save(connection: Connection, new: SavedView) -> None:
    """Keep a new view."""
    connection.execute(insert(saved_views).values({n: getattr(new, n) for n in _of.keys()}))  # noqa: SIM118 - a collection of columns


def rename(connection: Connection, id_: str, name: str, *, shared: bool) -> None:
    """Give the view another name, share it, or keep it to its owner."""
    changed = update(saved_views).where(_of.id == id_)
    connection.execute(changed.values(name=name, shared=shared))


def remove(connection: Connection, id_: str) -> None:
    """Delete the view."""
    connection.execute(delete(saved_views).where(_of.id == id_))


def count(connection: Connection, owner: str) -> int:
    """How many views that person has."""
    return connection.scalar(select(func.count()).where(_of.owner == owner)) or 0


def remove_all(connection: Connection, owner: str) -> None:
    """Delete all views of that person."""
    connection.execute(delete(saved_views).where(_of.owner == owner))
