"""A CSV file (RFC 4180) as rows: its delimiter is found in its header, and its size has limits."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TextIO

from incidents.errors import Cause
from incidents.filing.lists.table_row import MAX_ROWS, Header, Row, TableError, Wrong, cause
from incidents.values import misread

MAX_LINE = 1 << 20
"""So many characters a line has at most."""

MAX_FIELD = csv.field_size_limit()
DELIMITERS = (",", ";", "\t")


class CsvTable:
    """The columns of a CSV file, and its rows, which come as they are read.

    Raises:
        TableError: if it has no header; and from `rows`, where the file cannot be followed any
            more, naming the line: a quote that is never closed would swallow all that comes.
    """

    def __init__(self, text: TextIO, file: str) -> None:
        self._file = file
        before, first, lines = _beginning(_lines(text, file), file)
        self.delimiter = _delimiter(first)
        # Strict, since what is not quoted as RFC 4180 says was cut into other cells than is meant.
        self._reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        self._before = before
        number = before + 1
        try:
            names = next(self._reader)
        except csv.Error as error:
            raise TableError(file, self._refusal(number, error), row=number) from error
        self._header = Header(names, file, number)
        self.columns = self._header.columns

    def rows(self) -> Iterator[Row]:
        """The rows that are not empty."""
        reader, before, row = self._reader, self._before, self._header.row
        for _ in range(MAX_ROWS):
            number = before + reader.line_num + 1
            try:
                found = row(number, next(reader))
            except StopIteration:
                return
            except csv.Error as error:
                found = Row(number, {}, (Wrong("", "", self._refusal(number, error)),))
            if found is not None:
                yield found
        if next(reader, None) is not None:
            raise TableError(self._file, cause("rows", limit=f"{MAX_ROWS:,}"))

    def _refusal(self, number: int, error: csv.Error) -> Cause:
        """What is wrong with one row; raises TableError if nothing behind it can be trusted."""
        if misread.is_field_too_long(error):
            why = cause("unclosed", limit=f"{MAX_FIELD:,}")
            raise TableError(self._file, why, row=number) from error
        if misread.is_never_closed(error):
            raise TableError(self._file, cause("unclosed_to_end"), row=number) from error
        return cause("not_csv", error=misread.of_csv(error))


def _beginning(lines: Iterator[str], file: str) -> tuple[int, str, Iterable[str]]:
    """How many blank lines come before the first other one, that line, and all from it on."""
    for before, line in enumerate(lines):
        if line.strip():
            return before, line, chain((line,), lines)
    raise TableError(file, cause("empty"))


def _delimiter(header: str) -> str:
    """The delimiter that a header has most of, outside quotes; a comma if it has none."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _lines(text: TextIO, file: str) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise TableError(file, cause("long_line", limit=f"{MAX_LINE:,}"), row=number)
            yield line
    except UnicodeDecodeError as error:
        raise TableError(file, cause("changed"), row=number + 1) from error
