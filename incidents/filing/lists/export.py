"""The export of filings: as JSON, JSON Lines and CSV, which an import reads again unchanged.

A filing is a site's name and its details in plain text. In JSON a server or a document is an object
of its own. CSV is RFC 4180 in UTF-8, with the keys of the form for a header, in its order, and with
a mark (BOM), without which spreadsheets take Chinese for something else; its cells are guarded as
`table_row` says.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from incidents.filing import form
from incidents.filing.form import DOCUMENTS, SERVERS, SITE
from incidents.filing.lists.json_list import DETAILS
from incidents.filing.lists.table_row import guarded
from incidents.machine.filing import DOCUMENT, SERVER, Details
from incidents.store.schema.types import canonical

Filing = tuple[str, Details]
"""A site's name in its kept form, and its details."""

BOM = "\ufeff"
MAX_ITEM_COLUMNS = 100
"""So many servers or documents with different labels get columns of their own; of more all those of
a site stand in one cell."""

_ITEMS = ((SERVERS, SERVER), (DOCUMENTS, DOCUMENT))


def document(filing: Filing) -> dict[str, Any]:
    """One filing as a JSON object, its details in the order of the form."""
    site, details = filing
    return {SITE: site, DETAILS: {key: _value(key, details[key]) for key in _sorted(details)}}


def json_document(filings: Iterable[Filing]) -> Iterator[str]:
    """The filings as one JSON array, a filing on each line, piece by piece."""
    before = "[\n"
    for filing in filings:
        yield before + _line(filing)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def json_lines(filings: Iterable[Filing]) -> Iterator[str]:
    """The filings as JSON Lines, piece by piece."""
    for filing in filings:
        yield f"{_line(filing)}\n"


def csv_of(filings: Callable[[], Iterable[Filing]]) -> Iterator[str]:
    """The filings as CSV, line by line, each with its end; the first one begins with the mark. They
    are read twice, and never all held: first for their columns."""
    columns = csv_columns(filings())
    yield BOM + _csv_line(columns)
    for filing in filings():
        yield _csv_line(csv_cells(filing, columns))


def csv_columns(filings: Iterable[Filing]) -> list[str]:
    """The columns that those filings need: the site, all of the form, and their items."""
    labels: dict[str, set[str]] = {SERVER: set(), DOCUMENT: set()}
    for _, details in filings:
        for key in details:
            if key not in form.FIELD_OF:
                labels[SERVER if key.startswith(SERVER) else DOCUMENT].add(key)
    columns = [SITE, *form.KEYS]
    for name, prefix in _ITEMS:
        found = sorted(labels[prefix])
        columns += [name] if len(found) > MAX_ITEM_COLUMNS else found
    return columns


def csv_cells(filing: Filing, columns: Sequence[str]) -> list[str]:
    """The cells of a filing under those columns, guarded."""
    site, details = filing
    together = {name: prefix for name, prefix in _ITEMS if name in columns}
    told = {SITE: site, **details} | {
        name: _together(details, prefix) for name, prefix in together.items()
    }
    return [guarded(told.get(column, "")) for column in columns]


def _together(details: Details, prefix: str) -> str:
    found = {
        key.removeprefix(prefix): json.loads(text)
        for key, text in details.items()
        if key.startswith(prefix)
    }
    return canonical(found) if found else ""


def _sorted(details: Details) -> list[str]:
    return sorted(details, key=form.place)


def _value(key: str, text: str) -> Any:
    return text if key in form.FIELD_OF else json.loads(text)


def _line(filing: Filing) -> str:
    return canonical(document(filing), sort_keys=False)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
