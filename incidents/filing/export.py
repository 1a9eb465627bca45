"""The export of filings as JSON, JSON Lines or CSV, and of one filing as a page to print.

An import reads JSON and CSV back unchanged. A filing is a site's name and its details in plain
text. In JSON a server or a document is an object. CSV is RFC 4180 in UTF-8; its header has the keys
of the form, in the order of the form. It begins with a byte order mark, without which spreadsheets
misread Chinese; cells are escaped as in `table_row`. The page follows the official form, in both
languages. It is HTML that needs no scripts or other files.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import TypedDict

from incidents.filing import form
from incidents.filing.form import DOCUMENTS, SERVERS, SITE, Field
from incidents.filing.lists.table_row import guarded
from incidents.machine.filing import DOCUMENT, SERVER, Details
from incidents.store.schema.types import canonical
from incidents.system import page_template
from incidents.values import site_name

Filing = tuple[str, Details]
"""A site's canonical name, and its details."""

BOM = "\ufeff"
MAX_ITEM_COLUMNS = 100
"""The maximum number of columns for servers and documents; if there are more labels, each site's
items share one cell."""

_ITEM_COLUMNS = ((SERVERS, SERVER), (DOCUMENTS, DOCUMENT))


class FilingLine(TypedDict):
    """A filing for export: the site, and its details in the order of the form."""

    site: str
    details: dict[str, object]


def document(filing: Filing) -> FilingLine:
    """A filing as a JSON object, with details in the order of the form."""
    site, details = filing
    ordered: dict[str, object] = {
        key: details[key] if key in form.FIELD_OF else json.loads(details[key])
        for key in sorted(details, key=form.sort_key)
    }
    return {"site": site, "details": ordered}


def json_document(filings: Iterable[Filing]) -> Iterator[str]:
    """The parts of a JSON array with one filing on each line."""
    before = "[\n"
    for filing in filings:
        yield before + _line(filing)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def json_lines(filings: Iterable[Filing]) -> Iterator[str]:
    """The filings as JSON Lines."""
    for filing in filings:
        yield f"{_line(filing)}\n"


def csv_lines(filings: Callable[[], Iterable[Filing]]) -> Iterator[str]:
    """The lines of the filings as CSV, with line ends; the first begins with the byte order mark.

    The filings are read twice, first to determine the columns, and are never all kept in memory.
    """
    columns = csv_columns(filings())
    yield BOM + _csv_line(columns)
    for filing in filings():
        yield _csv_line(csv_cells(filing, columns))


def csv_columns(filings: Iterable[Filing]) -> list[str]:
    """The columns for those filings: the site, all details of the form, servers and documents."""
    labels: dict[str, set[str]] = {SERVER: set(), DOCUMENT: set()}
    for _, details in filings:
        for key in details:
            if key not in form.FIELD_OF:
                labels[SERVER if key.startswith(SERVER) else DOCUMENT].add(key)
    columns = [SITE, *form.KEYS]
    for name, prefix in _ITEM_COLUMNS:
        found = sorted(labels[prefix])
        columns += [name] if len(found) > MAX_ITEM_COLUMNS else found
    return columns


def csv_cells(filing: Filing, columns: Sequence[str]) -> list[str]:
    """The cells of a filing for the `columns`, escaped against CSV injection."""
    site, details = filing
    together = {name: prefix for name, prefix in _ITEM_COLUMNS if name in columns}
    cells = {SITE: site, **details} | {
        name: _joined_items(details, prefix) for name, prefix in together.items()
    }
    return [guarded(cells.get(column, "")) for column in columns]


def _joined_items(details: Details, prefix: str) -> str:
    found = {
        key.removeprefix(prefix): json.loads(text)
        for key, text in details.items()
        if key.startswith(prefix)
    }
    return canonical(found) if found else ""


def _line(filing: Filing) -> str:
    return canonical(document(filing), sort_keys=False)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


_TEMPLATE = Path(__file__).with_name("form_page.html.jinja")

HEADINGS = {
    "title": ("Public-security filing", "公安联网备案"),
    "site": ("Site", "域名"),
    "empty": ("not filed", "未填写"),
    "none": ("none on record", "无"),
    "findings": ("Findings", "核查结果"),
    "on": ("As of", "截至"),
}
"""The headings of the printable page in English and Chinese."""


@dataclass(frozen=True, slots=True)
class FormLine:
    """A field of the form with its filed detail, in Chinese and in English."""

    zh: str
    en: str
    key: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class FormItem:
    """A server or a document, with its parts."""

    label: str
    lines: Sequence[FormLine]


@dataclass(frozen=True, slots=True)
class FormPart:
    """A section of the page; `items` is None for a section without servers or documents."""

    zh: str
    en: str
    lines: Sequence[FormLine]
    items: Sequence[FormItem] | None


def form_page(site: str, details: Details, *, on: str, findings: Sequence[str] = ()) -> str:
    """The printable page of a site's filing on the day `on`; `findings` are sentences about it.

    Missing details are shown as empty fields, so the page shows what must still be filed.
    """
    return page_template.load(_TEMPLATE).render(
        h=HEADINGS,
        site=site_name.in_full(site),
        on=on,
        parts=form_parts(details),
        findings=findings,
    )


def form_parts(details: Details) -> list[FormPart]:
    """The sections of the form, with the filed details."""
    items = {SERVERS: SERVER, DOCUMENTS: DOCUMENT}
    return [
        FormPart(
            section.zh,
            section.en,
            [_form_line(field, details.get(field.key, "")) for field in section.fields],
            _form_items(details, items[section.key]) if section.key in items else None,
        )
        for section in form.SECTIONS
    ]


def _form_items(details: Details, prefix: str) -> list[FormItem]:
    found = []
    for key in sorted(key for key in details if key.startswith(prefix)):
        parts = json.loads(details[key])
        lines = [_form_line(field, parts.get(field.key, "")) for field in form.PARTS[prefix]]
        found.append(FormItem(key.removeprefix(prefix), lines))
    return found


def _form_line(field: Field, text: str) -> FormLine:
    zh, en = field.shown(text)
    return FormLine(field.zh, field.en, field.key, zh, en)
