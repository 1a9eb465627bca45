"""Files generated from filings: exports, the printable form, and the page footer.

The check of a page's footer is here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from incidents.cli import options, output, params, text_table
from incidents.cli.filing.queries import details_of, read_filing, today
from incidents.cli.lazy_group import verb
from incidents.cli.run import CSV, JSON, JSONL, Run
from incidents.errors import DONE, FAILED, NOT_VERIFIED, Cause, FileError, InputError
from incidents.filing import checks
from incidents.filing.finding import OK, UNKNOWN, WRONG, Finding, finding_sentence
from incidents.filing.record_number import IcpForm, read_icp, read_public_security

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.filing.export import Filing
    from incidents.filing.footer.content import Footer
    from incidents.filing.settings import FilingSettings


output_option = click.option(
    "-o", "--output", "target", default="-", show_default=True, metavar="FILE",
    help="File to write; - is standard output.",
)  # fmt: skip


@verb()
@click.argument("sites", type=params.site, nargs=-1, metavar="[NAME]…")
@output_option
@options.view
def export(run: Run, sites: tuple[str, ...], target: str) -> None:
    """Export the filings of these sites, or of all sites, as JSON Lines, JSON or CSV.

    `filing import` can read each of these formats back. Erased data is left out.
    """
    from incidents.filing import export as filing_export

    if run.quiet or run.format == "table":
        raise InputError.coded("export_format", "choose --format json, jsonl or csv for an export")
    form = run.format
    if run.remote is not None:
        output.write_file(target, run.remote.filings.exported(form or JSONL, sites))
        return
    # Filings leave while they are read.
    run.has_answered = True
    with run.viewing() as connection:
        read = partial(_read, connection, sites)
        if form == CSV:
            # Read twice, in one state of the database: first for the columns that all need.
            lines: Iterable[str] = filing_export.csv_lines(read)
        elif form == JSON:
            lines = filing_export.json_document(read())
        else:
            lines = filing_export.json_lines(read())
        output.write_file(target, (line.encode() for line in lines))


@verb()
@params.name_argument
@output_option
@options.view
def form(run: Run, site: str, target: str) -> None:
    """Write the filing of NAME as a page to print and copy, in Chinese and English.

    It follows the order of the official form, and shows personal details in full.
    """
    if run.remote is not None:
        output.write_file(target, run.remote.filings.form(site))
        return
    from incidents.filing import export

    details = details_of(read_filing(run, site))
    on = today(run)
    findings = [
        finding_sentence(each) for each in checks.check(details, today=on) if each.verdict != OK
    ]
    page = export.form_page(site, details, on=on.isoformat(), findings=findings)
    output.write_file(target, [page.encode()])


@verb()
@params.name_argument
@click.option(
    "--icon", default="/beian.png", show_default=True, metavar="PATH", help="Path of the icon."
)
@output_option
@options.view
def snippet(run: Run, site: str, icon: str, target: str) -> None:
    """Print the footer HTML for the pages of NAME: the numbers, the icon and the links."""
    if run.remote is not None:
        output.write_file(target, run.remote.filings.snippet(site, icon=icon))
        return
    from incidents.filing import settings
    from incidents.filing.footer import check as footer_check

    details, icp_form = details_of(read_filing(run, site)), settings.load().icp_form
    written = footer_check.snippet_of_filing(site, details, icon=icon, icp_form=icp_form)
    output.write_file(target, [written.encode()])


def _read(connection: Connection, sites: tuple[str, ...]) -> Iterator[Filing]:
    from incidents import views

    found = (
        (views.filing(connection, site) for site in sites)
        if sites
        else views.all_filings(connection)
    )
    for filing in found:
        yield filing["site"], details_of(filing)


_SAVED = (".html", ".htm")
_OVER_A_SERVER = Cause.of(
    "saved_page", "check a saved page, and give its numbers with --public-security and --icp"
)


@verb("check-footer")
@click.argument("target", metavar="SITE|FILE")
@click.option(
    "--site", type=params.site, metavar="NAME",
    help="With a FILE: site that the page belongs to.",
)  # fmt: skip
@click.option("--url", metavar="URL", help="With a SITE: page to check. Default: its home page.")
@click.option(
    "--public-security", metavar="N", help="Public-security number that the page must show."
)
@click.option("--icp", metavar="N", help="ICP number that the page must show.")
@click.option(
    "--icp-form", type=click.Choice(("province", "site", "subject")),
    help="ICP number to require: with the site's suffix (site), without it (subject), or without it"
    " only in Guangdong (province). Default: as in [filing].",
)  # fmt: skip
@options.query
def check_footer(
    run: Run, target: str, *, site: str | None, url: str | None, public_security: str | None,
    icp: str | None, icp_form: str | None,
) -> int:  # fmt: skip
    """Check that a page shows the required record numbers, icon and links.

    It fetches the page of SITE and compares it with the record; FILE is a page saved from a
    browser. Exits 5 if anything is wrong or missing, 1 if the page cannot be read.
    """
    from incidents.filing import settings
    from incidents.filing.footer import check, page

    loaded = settings.load()
    saved = _is_file(target)
    if saved and url is not None:
        raise InputError.coded(
            "url_of_site", "--url needs the name of a site, but {target} is a file", target=target
        )
    if not saved and site is not None:
        raise InputError.coded(
            "site_of_page", "--site needs a saved page, but {target} is not a file", target=target
        )
    by_hand = _by_hand(public_security, icp)
    name = site if saved else params.site(target)
    details = {} if name is None else _on_record(run, name)
    form = loaded.icp_form if icp_form is None else cast("IcpForm", icp_form)
    expected = check.Expected(icp_form=form)
    if name is not None or by_hand:
        expected = check.Expected.of({**details, **by_hand}, form)
    try:
        if saved:
            found = check.check_footer(_saved(Path(params.file_name(target))), expected)
        else:
            address = url or details.get("home_url")
            found = check.check_footer(_fetched(str(name), address, loaded), expected)
    except page.UnreadPageError as error:
        found = [error.finding()]
    _write_findings(run, target, found)
    return _status(found)


def _is_file(target: str) -> bool:
    if "/" in target or target.lower().endswith(_SAVED):
        return True
    try:
        return Path(target).is_file()
    except (OSError, ValueError):
        return False


def _on_record(run: Run, name: str) -> Mapping[str, str]:
    from incidents import views

    run.refuse_server(_OVER_A_SERVER)
    with run.local.reading() as connection:
        return views.filing_details(connection, name)


def _by_hand(public_security: str | None, icp: str | None) -> dict[str, str]:
    """The typed numbers as details; raises InputError for an invalid number."""
    if public_security is not None and read_public_security(public_security) is None:
        raise InputError.coded(
            "no_public_security_number",
            "not a public-security number: {given!r} (write 京公网安备 11010502000001号, or its 11"
            " to 14 digits)",
            given=public_security,
        )
    if icp is not None and read_icp(icp) is None:
        raise InputError.coded(
            "no_icp_number", "not an ICP number: {given!r} (write 京ICP备12345678号-1)", given=icp
        )
    numbers = {"public_security_number": public_security, "icp_number": icp}
    return {key: given for key, given in numbers.items() if given is not None}


def _saved(file: Path) -> Footer:
    from incidents.filing.footer import content

    try:
        with file.open("rb") as opened:
            # One byte more shows that there is more.
            return content.read(opened.read(content.MAX_BYTES + 1))
    except OSError as error:
        raise FileError.of(file, "read", error) from error


def _fetched(name: str, address: str | None, loaded: FilingSettings) -> Footer:
    from incidents.filing.footer import page

    guard = loaded.guard()
    found = page.fetch_home(name, guard) if address is None else page.fetch(address, guard)
    return found.footer()


def _write_findings(run: Run, target: str, findings: list[Finding]) -> None:
    from incidents.filing.footer.check import footer_field, is_right

    rows = [checks.finding_document(finding) for finding in findings]
    if run.format == JSON:
        answer = {"page": target, "right": is_right(findings), "findings": rows}
        output.write_document(run, answer, rows=rows)
    elif run.for_programs:
        output.write_documents(run, rows)
    elif run.quiet:
        run.write(*(finding.code for finding in findings))
    else:
        from incidents.cli.filing.queries import sentence, verdict_of

        def about(field: str) -> str:
            return run.language.phrases.get(f"footer_field.{field}", footer_field(field))

        lines = [
            (verdict_of(run, each), about(each.field), sentence(run, each)) for each in findings
        ]
        text_table.write_table(run, ("VERDICT", "WHAT", "WHY"), lines)


def _status(findings: list[Finding]) -> int:
    """The exit status for the findings; a wrong finding takes precedence over an unknown one."""
    verdicts = {finding.verdict for finding in findings}
    if WRONG in verdicts:
        return NOT_VERIFIED
    return FAILED if UNKNOWN in verdicts else DONE
