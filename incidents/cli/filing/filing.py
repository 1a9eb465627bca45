"""The filing commands, and the import of a customer list."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output
from incidents.cli.admin import history_file
from incidents.cli.filing.queries import sentence, today, verdict_of
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.root import action
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, FileError, IncidentsError
from incidents.filing import checks
from incidents.filing.finding import OK
from incidents.locale import refusals
from incidents.locale.words import count
from incidents.system.terminal import coloured

if TYPE_CHECKING:
    from incidents.cli.submission import Submission
    from incidents.client.imports import RemoteList
    from incidents.contract.documents.filings import ListedRow
    from incidents.filing.lists.customer_list import Problem
    from incidents.filing.lists.table_file import TableFile
    from incidents.history.customers import CustomerImport, RowResult


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Filings": {
        "show": (
            "incidents.cli.filing.queries:show",
            "Show a filing and what is missing.",
        ),
        "set": action("filing set", "incidents.cli.filing.change:set_"),
        "server": ("incidents.cli.filing.change:server", "Add, change or remove a server."),
        "document": (
            "incidents.cli.filing.change:document",
            "Add, change or remove a document.",
        ),
        "fields": ("incidents.cli.filing.queries:fields", "List the details of a filing."),
        "presets": ("incidents.cli.filing.queries:presets", "List presets of providers."),
    },
    "Checks": {
        "check": (
            "incidents.cli.filing.queries:check",
            "Check a filing.",
        ),
        "check-footer": (
            "incidents.cli.filing.pages:check_footer",
            "Check a page's footer: number, icon, links.",
        ),
        "terms": ("incidents.cli.filing.queries:terms", "List deadlines, also as a calendar."),
    },
    "Lists and forms": {
        "import": (
            "incidents.cli.filing.filing:import_",
            "Import a provider's customer list.",
        ),
        "export": ("incidents.cli.filing.pages:export", "Export filings as JSON or CSV."),
        "form": ("incidents.cli.filing.pages:form", "Write a site's filing as a form to print."),
        "snippet": ("incidents.cli.filing.pages:snippet", "Print the HTML for page footers."),
    },
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def filing() -> None:
    """Manage the filings (备案) of sites: the register, its checks and deadlines."""


STDIN = "-"
MAX_TOLD = 20
"""The maximum number of bad rows named in one error."""


class BadRowsError(IncidentsError):
    """{file} has {count} that cannot be imported:
    {rows}
    Correct them (filing import --dry-run lists all rows), or skip them with --skip-bad. Nothing was
    done"""


@verb("import")
@click.argument("file", metavar="FILE")
@click.option("--add-sites", is_flag=True, help="Also add new sites to the register.")
@click.option("--skip-bad", is_flag=True, help="Skip rows that cannot be read.")
@click.option("--ignore-columns", is_flag=True, help="Ignore columns that match no field.")
@options.first_action
def import_(
    submission: Submission, *, file: str, add_sites: bool, skip_bad: bool, ignore_columns: bool
) -> int:
    """Import the customer list FILE into the register of filings.

    FILE is CSV (UTF-8, UTF-16 or GB18030), XLSX or JSON, with a column for the site and columns for
    its details, named by key or as on the official form in Chinese or English (incidents filing
    fields). An empty cell changes nothing. All rows are read before anything is written; --dry-run
    lists every row with its outcome and findings.
    """
    from incidents.history.customers import REFUSED, UNREADABLE

    run = submission.run
    with _seekable(file) as path:
        if not (skip_bad or submission.dry_run):
            _check_rows(run, path, file, ignore=ignore_columns)
        intake = _intake(submission, add=add_sites)
        with _opened(path, file, run.text("history_file.importing")) as table:
            from incidents.filing.lists.customer_list import CustomerList

            customers = CustomerList(table, ignore=ignore_columns)
            _write_rows(run, intake.take(customers.customers()), dry_run=submission.dry_run)
    if customers.ignored:
        run.inform(run.text("filing.left_out", columns=list(customers.ignored)))
    _sum_up(run, intake.tally, dry_run=submission.dry_run)
    if intake.suspicions and not submission.dry_run:
        run.inform(run.text("filing.suspicions", n=intake.suspicions))
    tally = intake.tally
    # A list without one usable row is no success, whatever was to be left out.
    left_out = skip_bad and tally[UNREADABLE] < tally.total()
    bad = tally[REFUSED] + (0 if left_out else tally[UNREADABLE])
    return FAILED if bad else DONE


def _intake(submission: Submission, *, add: bool) -> CustomerImport | RemoteList:
    run = submission.run
    if run.remote is not None:
        run.remote.check_named_person()
        return run.remote.filings.intake(add=add, dry_run=submission.dry_run)
    from incidents.history.customers import CustomerImport

    return CustomerImport(
        desk=run.local.desk, filed=partial(_filed, run), by=submission.by, login=run.settings.login,
        add=add, dry_run=submission.dry_run, today=today(run) if submission.dry_run else None,
    )  # fmt: skip


def _write_rows(run: Run, rows: Iterator[RowResult], *, dry_run: bool) -> None:
    if run.quiet:
        for taken in rows:
            if taken.changed:
                run.write(str(taken.customer.site))
    elif run.for_programs:
        output.write_documents(run, (_document(taken) for taken in rows))
    else:
        for taken in rows:
            for line in _lines(run, taken, dry_run=dry_run):
                run.write(line)


def _lines(run: Run, taken: RowResult, *, dry_run: bool) -> list[str]:
    """The lines about a row for people.

    A dry run shows every row, otherwise only rejected rows and parts are shown.
    """
    row = taken.customer
    lines = [_problem(run, problem) for problem in row.problems]
    if taken.refusal is not None:
        why = refusals.sentence(taken.refusal, run.when, run.language)
        is_new = taken.refusal.name == "unknown_site" and not taken.refusal.facts.get("nearest")
        lines.append(run.text("filing.new_here") if is_new else why)
    if dry_run and not lines:
        lines.append(_outcome(run, taken))
    texts = [run.text("filing.row", row=row.row, site=row.site or "?", what=each) for each in lines]
    if not dry_run:
        return texts
    texts += [
        run.text(
            "filing.finding", verdict=coloured(verdict_of(run, each), bold=True), field=each.field,
            what=sentence(run, each),
        )
        for each in taken.findings
        if each.verdict != OK
    ]  # fmt: skip
    return texts


def _problem(run: Run, problem: Problem) -> str:
    """Describe which part of a row cannot be used, and why."""
    text = run.language.cause(problem.detail, run.when)
    if problem.value:
        text = run.text("filing.of_value", value=problem.value, what=text)
    where = problem.field or problem.column
    return run.text("filing.of_field", field=where, what=text) if where else text


def _outcome(run: Run, taken: RowResult) -> str:
    from incidents.history.customers import UNCHANGED

    if taken.outcome == UNCHANGED:
        return run.text("filing.unchanged")
    code = "filing.would.fields" if taken.changed else "filing.would"
    return run.text(code, outcome=taken.outcome, fields=list(taken.changed))


def _document(taken: RowResult) -> ListedRow:
    row, refusal = taken.customer, taken.refusal
    return {
        "row": row.row,
        "site": row.site,
        "outcome": taken.outcome,
        "changed": list(taken.changed),
        "problems": [
            {
                "column": each.column, "field": each.field, "value": each.value,
                "detail": str(each.detail),
            }
            for each in row.problems
        ],
        "refusal": None if refusal is None else refusal.name,
        "findings": [checks.finding_document(each) for each in taken.findings],
    }  # fmt: skip


def _sum_up(run: Run, tally: Counter[str], *, dry_run: bool) -> None:
    from incidents.history.customers import OUTCOMES

    lines = [
        run.text("filing.outcome", n=tally[outcome], outcome=outcome)
        for outcome in OUTCOMES
        if tally[outcome]
    ]
    rows = count(run.language, tally.total(), "row")
    run.inform(run.text("filing.sum" if lines else "filing.sum.none", rows=rows, told=lines))
    if dry_run:
        run.inform(run.text("answer.dry_run"))


def _check_rows(run: Run, path: str, file: str, *, ignore: bool) -> None:
    """Read all rows, and refuse the list if a row cannot be used.

    Raises:
        BadRowsError: with the first bad rows.
        FileError, TableError: if the file cannot be read.
    """
    from incidents.filing.lists.customer_list import CustomerList

    bad = 0
    lines: list[str] = []
    with _opened(path, file, run.text("history_file.reading")) as table:
        for row in CustomerList(table, ignore=ignore).customers():
            if row.problems:
                bad += 1
                if len(lines) < MAX_TOLD:
                    problem = _problem(run, row.problems[0])
                    lines.append(run.text("filing.bad_row", row=row.row, what=problem))
    if bad:
        more = [run.text("filing.more", n=bad - len(lines))] if bad > len(lines) else []
        facts = {"file": file, "count": count(run.language, bad, "row"),
                 "rows": "\n".join([*lines, *more])}  # fmt: skip
        raise BadRowsError(**facts)


@contextmanager
def _opened(path: str, file: str, label: str) -> Iterator[TableFile]:
    """Open the table in the file at `path`, with progress, under the name `file`."""
    from incidents.filing.lists import table_file

    length = os.path.getsize(path) if os.path.isfile(path) else 0  # noqa: PTH113, PTH202 - no name of a file
    with (
        history_file.progress(label, length) as done,
        table_file.open_table(path, done=done) as table,
    ):
        table.file = file
        yield table


@contextmanager
def _seekable(file: str) -> Iterator[str]:
    """Yield the name of a file that can be read twice; standard input is copied first.

    Raises:
        FileError: if standard input cannot be copied.
    """
    if file != STDIN:
        yield file
        return
    try:
        with tempfile.NamedTemporaryFile(suffix=".list") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            yield copy.name
    except OSError as error:
        raise FileError.of("standard input", "read", error) from error


def _filed(run: Run, names: list[str]) -> dict[str, dict[str, str]]:
    from incidents import views

    with run.local.reading() as connection:
        return views.filings_of(connection, names)
