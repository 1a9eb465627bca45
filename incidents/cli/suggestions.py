"""The suggestions of the shell's completion: names of sites and ids of the queue's items.

A completion must never get in somebody's way: whatever goes wrong, nothing is suggested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from incidents.cli.run import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 100


def sites(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The sites whose names begin so."""
    return _found(context, lambda connection: _sites(connection, begun.lower()))


def items(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The items of the queue whose ids begin so, most urgent first."""
    return _found(context, lambda connection: _items(connection, begun))


def incidents(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The incidents in the queue whose ids begin so."""
    return [id_ for id_ in items(context, parameter, begun) if id_.replace("-", "").isdigit()]


def _found(context: click.Context, find: Callable[[Connection], list[str]]) -> list[str]:
    with suppress(Exception), _reading(context) as connection:
        return find(connection)
    return []


@contextmanager
def _reading(context: click.Context) -> Iterator[Connection]:
    from incidents import settings
    from incidents.store import engine, schema

    run = Run()
    run.settings = settings.load(db=context.params.get("db"), server=context.params.get("server"))
    house = run.local
    try:
        schema.check(house.bare_engine)
        with engine.reading(house.bare_engine) as connection:
            yield connection
    finally:
        run.close()


def _sites(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.tables import sites as table

    name = table.c.name
    found = select(name).where(name >= begun, name < f"{begun}\U0010ffff")
    return list(connection.scalars(found.order_by(name).limit(MOST)))


def _items(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.tables import work
    from incidents.views.queue_page import IN_ORDER, LISTED

    found = select(work.c.site_id, work.c.item).where(LISTED).order_by(*IN_ORDER)
    ids = (f"{row.site_id}-{row.item}" for row in connection.execute(found.limit(1_000)))
    return [id_ for id_ in ids if id_.startswith(begun)][:MOST]
