"""The search for a part of a text or of a site's name, in either form of the name."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from incidents.errors import BadSiteNameError
from incidents.store.schema.tables import sites
from incidents.values import site_name


def is_called(connection: Connection, q: str) -> ColumnElement[bool]:
    """The condition that the site's name, in either form, contains `q`."""
    return or_(
        has_part(sites.c.name, q, stored_form(q)),
        sites.c.name.in_(_with_unicode_name(connection, q)),
    )


_MOST_WITH_LETTERS = 1_000


def _with_unicode_name(connection: Connection, q: str) -> list[str]:
    """The first names whose display form contains `q`, which a database cannot find in A-labels."""
    if q.isascii():
        return []
    names = connection.scalars(select(sites.c.name).where(sites.c.name.contains("xn--")))
    wanted = q.casefold()
    found = (name for name in names if wanted in site_name.shown(name))
    return list(islice(found, _MOST_WITH_LETTERS))


def has_part(column: ColumnElement[Any], *parts: str | None) -> ColumnElement[bool]:
    """The condition that the column contains one of the parts, in any case."""
    given = dict.fromkeys(part for part in parts if part is not None)
    return or_(*(column.icontains(part, autoescape=True) for part in given))


def stored_form(q: str) -> str | None:
    """A part of a name in its own script, converted to the form in which names are stored."""
    if q.isascii():
        return None
    try:
        return site_name.read(q)
    except BadSiteNameError:
        return None
