"""The limit of all counts: a look costs the same however bad things are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, literal_column

MOST = 10_000
"""So many are counted, and a count that stands there says so (`incidents_count_capped`)."""

MOST_OPEN = 100_000
"""Of the desk's work and of dead orders, whose kinds have no index of their own: one that piles up
must not hide the others."""


def first(count: int) -> ColumnElement[Any]:
    """A limit that is written into the statement.

    PostgreSQL, planning for any limit, takes it for a tenth of the table.
    """
    return literal_column(str(count))
