"""A customer list: the rows of a table, each with changes to the filing of one site.

An empty cell changes nothing. Nothing is dropped silently: an unreadable cell becomes a problem of
its row, with the field, the text, and advice; a list with an unknown column is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from incidents.errors import BadSiteNameError, Cause
from incidents.filing import form
from incidents.filing.form import DOCUMENTS, SERVERS, SITE
from incidents.filing.lists import customer_value
from incidents.filing.lists.table_file import JSON, TableFile
from incidents.filing.lists.table_row import Row, TableError, cause, shown
from incidents.filing.lists.text_table import NameIndex
from incidents.machine import filing
from incidents.machine.filing import DOCUMENT, MAX_ITEMS, SERVER
from incidents.values import site_name

ALL_OF = {SERVERS: SERVER, DOCUMENTS: DOCUMENT}
"""The columns that hold all servers, or all documents, of a site, by their labels."""

_MAX_KNOWN, _SHORT = 4_096, 32
_MAX_NEAREST = 100
"""The maximum number of unknown columns compared with known columns: each comparison takes a
millisecond."""
# Most names need no conversion.
_PLAIN = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,20}")
_MAX_PLAIN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem in a row: the column and field (empty for the whole row), the text, and the reason.

    The reason includes advice. A long text is cut.
    """

    column: str
    field: str
    value: str
    detail: Cause

    def __str__(self) -> str:
        where = f"{self.field or self.column}: " if self.field or self.column else ""
        return f"{where}{self.value!r}: {self.detail}" if self.value else f"{where}{self.detail}"


class Customer(NamedTuple):
    """A row of the list: the site's canonical name, and the changes to its details.

    A row with a problem must not be used, although `changes` has the readable cells.
    """

    row: int
    site: str | None
    changes: dict[str, str]
    problems: tuple[Problem, ...] = ()


class _Column:
    """A column: of a whole detail, of one `part` of an item, or (without `read`) of all items.

    A text of one line with at most `limit` characters is kept unchanged. `known`: a cache for
    repeated values such as codes and days.
    """

    __slots__ = ("key", "known", "limit", "name", "part", "read")

    def __init__(
        self, name: str, key: str, read: customer_value.Read | None, part: str = ""
    ) -> None:
        self.name, self.key, self.read, self.part = name, key, read, part
        self.limit = customer_value.limit(key) if key in form.FIELD_OF else 0
        self.known: dict[str, str] = {}


class CustomerList:
    """The customers in a table, in the order of its rows.

    `ignore`: leave out unknown columns; their names are in `ignored`.

    Raises:
        TableError: for an unknown column, naming the nearest known one, unless ignored; for two
            columns with one field; and if there is no column for the site.
    """

    def __init__(self, table: TableFile, *, ignore: bool = False) -> None:
        self._table = table
        self._ignore = ignore
        self.ignored: dict[str, None] = {}
        self._columns: dict[str, _Column] = {}
        self._unknown: dict[str, Cause] = {}
        self._seen = NameIndex()
        if table.kind != JSON:
            self._read_columns(table)

    def customers(self) -> Iterator[Customer]:
        """Each row, with its problems; raises TableError if the table does.

        A repeated site is a problem, because the result would otherwise depend on the order of
        rows.
        """
        for row in self._table.rows:
            yield self._customer(row)

    def _read_columns(self, table: TableFile) -> None:
        keys: dict[tuple[str, str], str] = {}
        for name in table.columns:
            column = _column(name)
            if isinstance(column, Cause):
                if not self._ignore:
                    raise TableError(table.file, column)
                self.ignored[name] = None
                continue
            what = (column.key, column.part)
            if what in keys:
                why = cause("same_column", column=keys[what], other=name, field=column.key)
                raise TableError(table.file, why)
            keys[what] = name
            self._columns[name] = column
        if (SITE, "") not in keys:
            raise TableError(table.file, cause("no_site"))

    def _customer(self, row: Row) -> Customer:
        reading = _RowReader()
        for wrong in row.wrong:
            if not self._is_ignored(wrong.column):
                reading.problem(wrong.column, "", wrong.value, wrong.detail)
        columns, changes = self._columns, reading.changes
        for name, text in row.cells.items():
            column = columns.get(name)
            if column is None:
                if self._is_ignored(name):
                    continue
                found = self._found(name)
                if isinstance(found, Cause):
                    reading.problem(name, "", text, found)
                    continue
                column = found
            if len(text) <= column.limit and text.isprintable():
                changes[column.key] = text
            elif text in column.known:
                changes[column.key] = column.known[text]
            else:
                reading.cell(column, text)
        reading.finish()
        site = self._site(changes.pop(SITE, None), row, reading)
        return Customer(row.number, site, changes, tuple(reading.problems))

    def _is_ignored(self, name: str) -> bool:
        """Return whether the column is ignored; a column without a name is not counted."""
        if not self._ignore or not name or name in self._columns:
            return False
        if name not in self.ignored:
            if isinstance(_column(name, nearest=False), _Column):
                return False
            if len(self.ignored) < _MAX_KNOWN:
                self.ignored[name] = None
        return True

    def _found(self, name: str) -> _Column | Cause:
        if name in self._unknown:
            return self._unknown[name]
        column = _column(name, nearest=len(self._unknown) < _MAX_NEAREST)
        if isinstance(column, Cause):
            if len(self._unknown) < _MAX_NEAREST:
                self._unknown[name] = column
        elif len(self._columns) < _MAX_KNOWN:
            self._columns[name] = column
        return column

    def _site(self, site: str | None, row: Row, reading: _RowReader) -> str | None:
        if site is None:
            if all(problem.field != SITE for problem in reading.problems):
                reading.problem(SITE, SITE, "", cause("site_missing"))
            return None
        before = self._seen.first(site, row.number)
        if before != row.number:
            reading.problem(SITE, SITE, site, cause("site_twice", row=before))
        return site


class _RowReader:
    """A reader that collects the parsed content of a row."""

    __slots__ = ("_parts", "changes", "problems")

    def __init__(self) -> None:
        self.changes: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._parts: dict[str, dict[str, str]] = {}

    def problem(self, column: str, field: str, text: str, why: Cause) -> None:
        self.problems.append(Problem(column=column, field=field, value=shown(text), detail=why))

    def cell(self, column: _Column, text: str) -> None:
        """Read a cell, or record its problem."""
        try:
            if column.read is None or column.part:
                self.of_item(column, text)
                return
            self.changes[column.key] = value = column.read(text)
        except customer_value.UnreadableValueError as error:
            field = f"{column.key}.{column.part}" if column.part else column.key
            self.problem(column.name, field, text, error.why)
            return
        # Sites do not repeat, so they are not cached.
        if len(text) <= _SHORT and len(column.known) < _MAX_KNOWN and column.key != SITE:
            column.known[text] = value

    def of_item(self, column: _Column, text: str) -> None:
        """Read one part of a server or a document, or a cell with all of them."""
        if column.read is not None:
            part = column.read(text)
            self._parts.setdefault(column.key, {})[column.part] = part
            return
        for key, whole in customer_value.read_items(ALL_OF[column.key], text).items():
            if not filing.is_known(key):
                raise customer_value.UnreadableValueError(
                    cause("label", label=key.partition(".")[2][:60])
                )
            self._keep(column.name, key, whole)

    def finish(self) -> None:
        """Add the items whose parts are in separate columns, and check the number of items."""
        for key, parts in self._parts.items():
            prefix = f"{key.partition('.')[0]}."
            try:
                self._keep(key, key, customer_value.read_parts(prefix, parts))
            except customer_value.UnreadableValueError as error:
                self.problem(key, key, "", error.why)
        for name, prefix in ALL_OF.items() if len(self.changes) > MAX_ITEMS else ():
            found = sum(key.startswith(prefix) for key in self.changes)
            if found > MAX_ITEMS:
                self.problem(name, name, "", cause("items", found=found, limit=MAX_ITEMS))

    def _keep(self, column: str, key: str, whole: str) -> None:
        if key in self.changes:
            self.problem(column, key, "", cause("item_twice"))
        self.changes[key] = whole


def _column(name: str, *, nearest: bool = True) -> _Column | Cause:
    """The column of that name, or the reason why it is unknown; with `nearest`, a suggestion."""
    normalized = form.normalize(name)
    key = form.key_of_label(name)
    if key is not None:
        return _Column(name, key, _site if key == SITE else customer_value.reader(key))
    if normalized in ALL_OF:
        return _Column(name, normalized, None)
    prefix = next((prefix for prefix in ALL_OF.values() if normalized.startswith(prefix)), None)
    if prefix is None:
        near = _nearest(normalized) if nearest else ""
        return cause("unknown_column", column=shown(name), nearest=near)
    label, _, part = normalized.removeprefix(prefix).partition(".")
    key = f"{prefix}{label}"
    if not filing.is_known(key):
        return cause("label", label=shown(label))
    if not part:
        return _Column(name, key, lambda text: customer_value.read_item(prefix, text))
    read = customer_value.part_reader(prefix, part)
    if read is None:
        known = customer_value.part_names(prefix)
        return cause("item_field", part=shown(part), known=known)
    return _Column(name, key, read, part)


def _site(text: str) -> str:
    if len(text) <= _MAX_PLAIN and _PLAIN.fullmatch(text):
        return text
    try:
        return site_name.read(text)
    except BadSiteNameError as error:
        raise customer_value.UnreadableValueError(
            cause("site", cause=error.facts["detail"])
        ) from error


def _nearest(label: str) -> str:
    near = form.similar_keys(label, [*map(form.normalize, form.SITE_NAMES), *ALL_OF], most=1)
    if not near:
        return ""
    key = form.LABELS.get(near[0], near[0])
    label = form.FIELD_OF[key].zh if key in form.FIELD_OF else ""
    return f" (did you mean {key}{label and f', {label}'}?)"
