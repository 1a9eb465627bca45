"""The lists of filings over HTTP: customer lists to import, and exports."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, BinaryIO, Literal

from fastapi import Query, UploadFile
from fastapi_problem.error import Problem
from starlette.responses import StreamingResponse

from incidents import views
from incidents.api import problems
from incidents.api.authentication import DryRunCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.endpoints.filings import today
from incidents.api.limits import IMPORTING
from incidents.api.operation import ALONE, JSON, answering, operation, pieces, router
from incidents.contract.documents import filings as filing_documents
from incidents.desk import transaction
from incidents.filing import checks, export
from incidents.filing.lists import table_file
from incidents.filing.lists.customer_list import Customer, CustomerList
from incidents.filing.lists.table_row import Row, TableError
from incidents.history.customers import OUTCOMES, CustomerImport, RowResult
from incidents.locale import refusals
from incidents.machine.filing import is_sealed
from incidents.values import inputs
from incidents.views.filing import details_of

routes = router("filings")

Form = Literal["jsonl", "json", "csv"]

MAX_ROWS, MAX_VALUES = 1_000, 20_000
"""The maximum number of rows and of cells in one request. Processing them takes at most a second of
processor time, and the desk continues meanwhile."""
MAX_NAMED = 100
ABOUT = "filings"
"""The target in the record's entry when all filings are exported with personal details in full."""

_MAX_ERRORS = 100
_MAX_MARKS = 10 * MAX_VALUES
"""The maximum number of delimiters and brackets in a text list: each can stand for an empty
cell."""
_MAX_ELEMENTS = 20 * MAX_VALUES
"""The maximum number of XML elements in an XLSX file: two for a cell, and two more for its text."""
_MARKS = (b",", b";", b"\t", b"\n", b"[", b"{")
_ZIP = b"PK"
_KINDS: dict[Form, str] = {
    "jsonl": "application/jsonl", "json": "application/json", "csv": "text/csv",
}  # fmt: skip
_QUOTING = {
    "list_unknown_column", "list_same_column", "list_column_twice", "list_label", "list_item_field",
    "list_not_csv", "list_cell_error", "list_no_date",
}  # fmt: skip
"""Causes that quote a cell. In a list without a header, such a cell may hold personal data."""


_EXPORTING = answering("export", "The filings.", *_KINDS.values())
_EXPORTING["responses"][200]["content"][_KINDS["json"]]["schema"] = {
    "type": "array", "items": {"type": "object"},
}  # fmt: skip


@routes.get("/filings/export", response_class=StreamingResponse, **_EXPORTING)
def exported(
    by: ReadCaller,
    form: Annotated[Form, Query(alias="format")] = "jsonl",
    site: Annotated[
        list[Annotated[str, Query(max_length=300)]] | None,
        Query(
            max_length=MAX_NAMED,
            description="Filings of these sites. Default: of all sites that have one.",
        ),
    ] = None,
    with_words: Annotated[
        bool,
        Query(description="Include people's own details. Needs `reveal`; goes on record."),
    ] = False,
) -> StreamingResponse:
    """Download filings in a format that you can import again.

    If personal details are left out, importing the file does not change the personal details on
    record. Erased details are not included.
    """
    names = None if site is None else [*dict.fromkeys(map(inputs.site, site))]
    if with_words:
        for about in names or [ABOUT]:
            by.reveals(about)
    file = _spooled(by, form, names, with_words=with_words)
    named = {"Content-Disposition": f'attachment; filename="filings.{form}"'}
    return StreamingResponse(pieces(file), media_type=_KINDS[form], headers={**ALONE, **named})


@routes.post(
    "/filings/import",
    **operation("change_filing", filing_documents.TakenList, acting=True, large=True),
)
def take_in(
    by: DryRunCaller,
    file: UploadFile,
    add_sites: Annotated[bool, Query(description="Also add new sites.")] = False,
    skip_bad: Annotated[bool, Query(description="Skip unusable rows.")] = False,
    ignore_columns: Annotated[bool, Query(description="Skip unknown columns.")] = False,
) -> JSON:
    """Import a customer list into the register (multipart, the field `file`).

    The list is CSV (UTF-8, UTF-16, or GB18030), XLSX, or JSON, with up to 1,000 rows and 20,000
    cells in one request. All rows are read before anything is written. A row that is already on
    record changes nothing, so you can send an interrupted request again unchanged. Only one request
    runs at a time. A dry run shows what would happen to each row, and the findings of the checks.
    """
    if add_sites:
        by.needs("add_site")
    with IMPORTING.taken(), transaction.infrequent_gc():
        customers = _customers(file.file, ignore=ignore_columns)
        if not (skip_bad or by.dry_run):
            _refuse_bad(customers)
        intake = CustomerImport(
            desk=by.app.desk, filed=lambda names: _filed(by, names), by=by.by,
            login=by.identity.login, add=add_sites, dry_run=by.dry_run,
            today=today(by) if by.dry_run else None,
        )  # fmt: skip
        items = [_document(by, taken) for taken in intake.take(customers)]
    outcomes = {outcome: intake.tally[outcome] for outcome in OUTCOMES}
    return JSON({"dry_run": by.dry_run, "rows": len(items), "outcomes": outcomes, "items": items})


def _document(by: Caller, taken: RowResult) -> filing_documents.TakenRow:
    row, refusal = taken.customer, taken.refusal
    problem: filing_documents.RefusedRow | None = None
    if refusal is not None:
        problem = {
            "name": refusal.name,
            "facts": problems.facts(refusal),
            "sentence": refusals.sentence(refusal, by.when),
        }
    return {
        "row": row.row,
        "site": row.site,
        "outcome": taken.outcome,
        "changed": list(taken.changed),
        "problems": [
            {"column": each.column, "field": each.field, "detail": str(each.detail)}
            for each in row.problems
        ],
        "refusal": problem,
        "findings": [checks.finding_document(each) for each in taken.findings],
    }


def _customers(raw: BinaryIO, *, ignore: bool) -> list[Customer]:
    """Read the rows of the customer list in the request.

    Raises:
        Problem: 422, if the file is not a customer list or has too many rows; 413, if it has too
            many cells.
    """
    _insist_on_few_marks(raw)
    found: list[Customer] = []
    values = 0
    try:
        with table_file.read(raw, "the list", elements=_MAX_ELEMENTS) as table:
            table.rows = _bounded(table.rows)
            for customer in CustomerList(table, ignore=ignore).customers():
                found.append(customer)
                # One cell may hold a hundred servers.
                values += len(customer.changes) + len(customer.problems)
                _insist_on_few_values(values)
    except TableError as error:
        raise _no_list(error) from error
    return found


def _insist_on_few_marks(raw: BinaryIO) -> None:
    content = raw.read()
    raw.seek(0)
    if not content.startswith(_ZIP) and sum(map(content.count, _MARKS)) > _MAX_MARKS:
        _insist_on_few_values(_MAX_MARKS)


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    values = 0
    for n, row in enumerate(rows, start=1):
        if n > MAX_ROWS:
            raise problems.unprocessable(
                "too_many_rows", f"the limit is {MAX_ROWS:,} rows for one request"
            )
        values += len(row.cells) + len(row.wrong)
        _insist_on_few_values(values)
        yield row


def _insist_on_few_values(values: int) -> None:
    if values > MAX_VALUES:
        raise problems.problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_values",
            f"the list has more than {MAX_VALUES:,} cells: send it in parts",
        )  # fmt: skip


def _refuse_bad(customers: list[Customer]) -> None:
    """Refuse a list with unusable rows; raises Problem 422, naming the rows."""
    bad = [customer.row for customer in customers if customer.problems]
    if bad:
        told = "this row cannot be used"
        errors = [
            problems.part("bad_row", told, "body", "file", str(row)) for row in bad[:_MAX_ERRORS]
        ]
        raise problems.unprocessable(
            "bad_rows", f"{len(bad):,} rows of the list cannot be used: correct them (a dry run"
            " shows the problems of each), or skip them with `skip_bad`", errors=errors,
        )  # fmt: skip


def _no_list(error: TableError) -> Problem:
    detail, row = error.facts["detail"], error.facts["row"]
    told = str(detail)
    if detail.code in _QUOTING:
        told = (
            "this column or cell does not belong in a customer list: GET /filings/fields lists the"
            " columns, and ignore_columns skips unknown ones"
        )
    where = ["body", "file", *([] if row is None else [str(row)])]
    return problems.unprocessable(
        "no_customer_list", "the customer list cannot be read",
        errors=[problems.part(detail.code.removeprefix("list_"), told, *where)],
    )  # fmt: skip


def _filed(by: Caller, names: list[str]) -> Mapping[str, Mapping[str, str]]:
    with by.reading() as connection:
        return views.filings_of(connection, names)


def _spooled(by: Caller, form: Form, names: list[str] | None, *, with_words: bool) -> BinaryIO:
    """Write the export to a temporary file, so that a slow download does not hold the database."""
    file = tempfile.TemporaryFile(prefix="incidents-")  # noqa: SIM115 - who takes it closes it
    try:
        with by.reading() as connection:

            def filings() -> Iterator[export.Filing]:
                found = (
                    views.all_filings(connection)
                    if names is None
                    else (views.filing(connection, name) for name in names)
                )
                for each in found:
                    details = details_of(each).items()
                    yield (
                        each["site"],
                        {key: text for key, text in details if with_words or not is_sealed(key)},
                    )

            for line in _lines(form, filings):
                file.write(line.encode())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _lines(form: Form, filings: Callable[[], Iterable[export.Filing]]) -> Iterator[str]:
    if form == "json":
        return export.json_document(filings())
    if form == "jsonl":
        return export.json_lines(filings())
    return export.csv_lines(filings)
