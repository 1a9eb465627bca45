"""What is written of filings: exports that an import reads, the form to print, the snippet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from incidents.cli import output, params
from incidents.cli.filing.look import details_of, filed, today
from incidents.cli.options import looking
from incidents.cli.run import CSV, JSON, JSONL
from incidents.errors import DONE, InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.cli.run import Run
    from incidents.filing.lists.export import Filing

output_option = click.option(
    "-o", "--output", "target", default="-", show_default=True, metavar="FILE",
    help="Where to; - is standard output.",
)  # fmt: skip


@click.command()
@click.argument("sites", type=params.site, nargs=-1, metavar="[NAME]…")
@output_option
@looking
def export(run: Run, sites: tuple[str, ...], target: str) -> int:
    """Write the filings of the sites, or of all, as they are filed: JSON Lines, JSON or CSV.

    `filing import` reads each of them again unchanged. What has been erased is not there.
    """
    from incidents.filing.lists import export as written

    if run.quiet or run.format == "table":
        raise InputError("an export is json, jsonl or csv (--format)")
    form = run.format
    if run.remote is not None:
        output.write_file(target, run.remote.filings.exported(form or JSONL, sites))
        return DONE
    if form == CSV:
        lines: Iterable[str] = _csv(run, sites)
    elif form == JSON:
        lines = written.json_document(_filings(run, sites))
    else:
        lines = written.json_lines(_filings(run, sites))
    output.write_file(target, (line.encode() for line in lines))
    return DONE


@click.command()
@params.name_argument
@output_option
@looking
def form(run: Run, site: str, target: str) -> int:
    """Write the filing of NAME as a page to print and copy from, in Chinese and English.

    It has the order of the official form, and people's own details in full.
    """
    if run.remote is not None:
        output.write_file(target, run.remote.filings.form(site))
        return DONE
    from incidents.filing import form_page
    from incidents.filing.checks import checks
    from incidents.filing.checks.finding import OK
    from incidents.filing.checks.finding_words import sentence

    details = details_of(filed(run, site))
    on = today(run)
    findings = [sentence(each) for each in checks.check(details, today=on) if each.verdict != OK]
    page = form_page.page(site, details, on=on.isoformat(), findings=findings)
    output.write_file(target, [page.encode()])
    return DONE


@click.command()
@params.name_argument
@click.option("--icon", default="/beian.png", show_default=True, metavar="PATH", help="The icon.")
@output_option
@looking
def snippet(run: Run, site: str, icon: str, target: str) -> int:
    """Write the HTML for the foot of the pages of NAME: the numbers, the icon and the links."""
    if run.remote is not None:
        output.write_file(target, run.remote.filings.snippet(site, icon=icon))
        return DONE
    from incidents.filing import settings
    from incidents.filing.footer import snippet as html

    details, icp_form = details_of(filed(run, site)), settings.load().icp_form
    written = html.of_filing(site, details, icon=icon, icp_form=icp_form)
    output.write_file(target, [written.encode()])
    return DONE


def _filings(run: Run, sites: tuple[str, ...]) -> Iterator[Filing]:
    with run.local.reading() as connection:
        yield from _read(run, connection, sites)


def _csv(run: Run, sites: tuple[str, ...]) -> Iterator[str]:
    """Read twice, in one state of the database: first for the columns that all of them need."""
    from incidents.filing.lists import export

    with run.local.reading() as connection:
        yield from export.csv_of(lambda: _read(run, connection, sites))


def _read(run: Run, connection: Connection, sites: tuple[str, ...]) -> Iterator[Filing]:
    views = run.local.views
    found = (
        (views.filing(connection, site) for site in sites)
        if sites
        else views.all_filings(connection)
    )
    for filing in found:
        yield filing["site"], details_of(filing)
