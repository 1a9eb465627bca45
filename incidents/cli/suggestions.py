"""Shell completion: its scripts, and suggestions from the database and the settings.

Suggestions must never get in the way: on any error, nothing is suggested.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.values import language_tag, site_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_SUGGESTED = 100
_MOST_READ = 10_000


@verb()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: incidents completion bash > ~/.local/share/bash-completion/completions/incidents
    zsh:  incidents completion zsh > a file called _incidents in a folder of $fpath
    fish: incidents completion fish > ~/.config/fish/completions/incidents.fish
    """
    from click.shell_completion import get_completion_class

    from incidents.cli.root import root

    # The first lines of click's script only ask for the shell's version.
    kind = get_completion_class(shell)
    assert kind is not None, "the three shells are click's own"
    script = kind(root, {}, "incidents", "_INCIDENTS_COMPLETE")
    click.echo(script.source_template % script.source_vars())


def sites(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The sites whose names begin with the text, in the spelling in which it was typed."""
    find = _sites_that_begin if begun.isascii() else _sites_that_begin_so_written
    return _found(context, lambda connection: find(connection, begun.lower()))


def items(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The items of the queue whose IDs begin with the text, most urgent first."""
    return _found(context, lambda connection: _items_that_begin(connection, begun))


def incidents(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The incidents in the queue whose IDs begin with the text."""
    return [id_ for id_ in items(context, parameter, begun) if id_.replace("-", "").isdigit()]


def tasks(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The tasks in the queue whose IDs begin with the text, for the command `done`."""
    return [id_ for id_ in items(context, parameter, begun) if "-t" in id_]


def outcomes(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The usual outcomes of a task; other texts are valid too."""
    return _beginning(("done", "told"), begun)


def categories(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The categories of the newest incidents, the most frequent first.

    In Chinese, all categories are suggested, by their Chinese names.
    """
    from incidents.locale import words

    is_chinese = language_tag.wanted(context.params.get("lang"), os.environ) == "zh_CN"
    if not begun.isascii() or (not begun and is_chinese):
        return _beginning(words.category_names(), begun)

    def find(connection: Connection) -> list[str]:
        from incidents.views import register

        return register.categories_in_use(connection)

    return _beginning(_found(context, find), begun)


def filing_keys(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The keys of a filing's details, each followed by `=`."""
    from incidents.machine import filing

    return _beginning((f"{key}=" for key in filing.FIELDS), begun)


def presets(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The presets of filings, including the presets in the settings."""
    from incidents.filing import presets as known
    from incidents.filing import settings

    with suppress(Exception):
        return _beginning(known.known(settings.load().presets), begun)
    return []


def _beginning(known: Iterable[str], begun: str) -> list[str]:
    return [each for each in known if each.startswith(begun)][:MOST_SUGGESTED]


def _found(context: click.Context, find: Callable[[Connection], list[str]]) -> list[str]:
    from incidents.settings import sources
    from incidents.store.database import engine, schema

    with suppress(Exception), closing(Run()) as run:
        given = context.params
        run.settings = sources.load(db=given.get("db"), server=given.get("server"))
        schema.check(run.local.bare_engine)
        with engine.reading(run.local.bare_engine) as connection:
            return find(connection)
    return []


def _sites_that_begin(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.schema import tables

    name = tables.sites.c.name
    found = select(name).where(name >= begun, name < f"{begun}\U0010ffff")
    return list(connection.scalars(found.order_by(name).limit(MOST_SUGGESTED)))


def _sites_that_begin_so_written(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.schema import tables

    name = tables.sites.c.name
    kept = select(name).where(name.contains("xn--")).order_by(name).limit(_MOST_READ)
    return _beginning(map(site_name.shown, connection.scalars(kept)), begun)


def _items_that_begin(connection: Connection, begun: str) -> list[str]:
    from sqlalchemy import select

    from incidents.store.schema.tables import work
    from incidents.values.ids import item_id
    from incidents.views.queue.queue_page import IN_ORDER, LISTED

    found = select(work.c.site_id, work.c.item).where(LISTED).order_by(*IN_ORDER)
    ids = (item_id(row.site_id, row.item) for row in connection.execute(found.limit(1_000)))
    return [id_ for id_ in ids if id_.startswith(begun)][:MOST_SUGGESTED]
