"""The acts on incidents: log, removed, refused, recur; their corrections, void and take-back."""

from __future__ import annotations

import click

from incidents.cli import input_hints, params
from incidents.cli.act import Act
from incidents.cli.options import acting, at_option
from incidents.machine import commands
from incidents.values.web_address import Kept


@click.command()
@params.site_argument
@click.option(
    "--url", "urls", multiple=True, callback=params.urls, metavar="U",
    help="Where it was found; repeat it for up to 50 addresses of one finding.",
)  # fmt: skip
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C",
    help="What kind of content it is.",
)  # fmt: skip
@at_option("it was found")
@params.note_option
@click.option("--again", is_flag=True, help="It is another violation, also at the same address.")
@params.confirm_option
@acting
def log(
    act: Act,
    *,
    site: str,
    urls: Kept,
    category: str | None,
    at: str | None,
    note: str | None,
    again: bool,
    confirm: str | None,
) -> int:
    """Log a violation on SITE.

    The desk then has an hour to reach the responsible person (R2); the third violation within 24
    hours closes the site (R1). The answer counts them. On a terminal, the one that closes the site
    or is of another host asks for the site's name, or takes --confirm NAME; through a pipe it acts.
    """
    command = commands.Log(
        by=act.by, at=act.run.read_time(at), urls=urls.urls, written=urls.written,
        category=category, note=note, again=again,
    )  # fmt: skip
    told = [] if act.dry_run else input_hints.category(act.run, category)
    status = act.submit_once(site, command, way_out=None if again else "--again", confirm=confirm)
    act.run.tell(*told)
    return status
