"""The completion for bash, zsh and fish: commands, options, sites, and items of the queue.

A completion must never get in somebody's way: whatever goes wrong, nothing is suggested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from incidents.cli.run import Run
from incidents.errors import DONE

if TYPE_CHECKING:
    from sqlalchemy import Connection


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> int:
    """Print the script that lets SHELL complete what you type.

    \b
    bash: incidents completion bash > ~/.local/share/bash-completion/completions/incidents
    zsh:  incidents completion zsh > a file called _incidents in a folder of $fpath
    fish: incidents completion fish > ~/.config/fish/completions/incidents.fish
    """
    from click.shell_completion import get_completion_class

    from incidents.cli.root import root

    # What click's own script begins with asks the shell for its version, which needs no help.
    kind = get_completion_class(shell)
    assert kind is not None, "the three shells are click's own"
    script = kind(root, {}, "incidents", "_INCIDENTS_COMPLETE")
    click.echo(script.source_template % script.source_vars())
    return DONE


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


SUGGESTIONS = {"sites": sites, "items": items, "incidents": incidents}


def _found(context: click.Context, find: Callable[[Connection], list[str]]) -> list[str]:
    with suppress(Exception), _reading(context) as connection:
        return find(connection)
    return []


@contextmanager
def _reading(context: click.Context) -> Iterator[Connection]:
    from incidents.settings import sources
    from incidents.store.database import engine, schema

    run = Run()
    run.settings = sources.load(db=context.params.get("db"), server=context.params.get("server"))
    house = run.local
    try:
        schema.check(house.bare_engine)
        with engine.reading(house.bare_engine) as connection:
            yield connection
    finally:
        run.close()


def _sites(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.schema.tables import sites as table

    name = table.c.name
    found = select(name).where(name >= begun, name < f"{begun}\U0010ffff")
    return list(connection.scalars(found.order_by(name).limit(MOST)))


def _items(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.schema.tables import work
    from incidents.views.queue.page import IN_ORDER, LISTED

    found = select(work.c.site_id, work.c.item).where(LISTED).order_by(*IN_ORDER)
    ids = (f"{row.site_id}-{row.item}" for row in connection.execute(found.limit(1_000)))
    return [id_ for id_ in ids if id_.startswith(begun)][:MOST]
