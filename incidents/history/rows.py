"""The rows of a history file, CSV or JSON Lines, each with the reason if it cannot be used."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

from incidents.errors import FAILED, Cause, IncidentsError
from incidents.values import parsing

CAUSES: dict[str, str] = {
    "empty": "it is empty; a history is CSV with a header, or JSON Lines",
    "file_not_utf8": "it is not UTF-8; save it as UTF-8 first",
    "array": "it is one JSON array; write JSON Lines, one object a line",
    "long_line": "a line has more than {limit} characters: is it a history?",
    "column_twice": "the column {column} is there twice",
    "no_column": "there is no column {columns}; {has}",
    "not_csv": "it is not CSV ({error})",
    "no_header": "it has no header",
    "line_not_utf8": "{value} is not UTF-8",
    "not_json": "{value} is not JSON ({error})",
    "no_object": "{value} is not a JSON object",
    "no_text": "{column} is {value}; write it as a text",
    "half": "{column} is {value}, which is half a character",
    "not_utf8": "{column} is {value}, which is not UTF-8",
    "fields": "it has {found} fields, but the header names {named}: {value}",
    "missing": "{column} is missing; {has}",
    "value": "{column}: {message}",
    "no_time": "{column} is {value}, which is no time; write 2026-03-01T02:50:00Z or"
    " 2026-03-01 02:50",
    "no_such_time": "{column}: {message}",
    "year": "{column} is {value}; write a year from 1970 to 2999",
    "long": "{column} is {value}, {found} characters, and {limit} are the most",
    "control": "{column} holds {character}; take it out",
    "outcome": "contact is {value}; write one of {known}, or leave it empty",
    "no_outcome": "contact_at is {value}, but contact is empty; write what came of the call:"
    " {known}",
    "order": "{column} is {at}, before the violation itself, {occurred_at}",
}


def cause(code: str, **facts: Any) -> Cause:
    """Return the cause with that code."""
    return Cause.of(f"history_{code}", CAUSES[code], **facts)


SHOWN_CHARACTERS = 80

# A URLhaus feed begins with comments; the last one is its header.
_COMMENT = "#"
_IN_A_COMMENTED_HEADER = "dateadded"


class HistoryError(IncidentsError):
    """{where}: {detail}"""

    exit_status: ClassVar[int] = FAILED

    def __init__(self, file: str, detail: str, *, line: int | None = None) -> None:
        where = file if line is None else f"{file}, line {line}"
        super().__init__(None, where=where, file=file, line=line, detail=detail)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its non-empty columns with their values.

    `odd`: the JSON columns whose value is not text, as JSON.
    """

    line: int
    fields: dict[str, str]
    odd: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, with the reason: the value, and what is required."""

    line: int
    detail: str


HeaderCheck = Callable[[Sequence[str]], str | None]
"""A function that checks the columns of a CSV file, and returns what is wrong or None."""


def read(lines: Iterable[str], file: str, header_problem: HeaderCheck) -> Iterator[Row | BadLine]:
    """Read the rows of `lines` (each with its line end, in UTF-8), in order, without blank lines.

    The first line determines the format: JSON Lines begin with a brace. Bytes that are not UTF-8
    must be decoded with Python's `surrogateescape`.

    Raises:
        HistoryError: if the lines are neither CSV nor JSON Lines.
    """
    rest = iter(lines)
    for before, line in enumerate(rest):
        if line.strip():
            return _rows_from(before, line, rest, _Header(file, header_problem))
    raise HistoryError(file, cause("empty"))


def shown(value: object) -> str:
    """Quote a value in a sentence, shortened if it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return repr(text)


def _rows_from(
    before: int, first: str, rest: Iterator[str], header: _Header
) -> Iterator[Row | BadLine]:
    file, lines = header.file, chain((first,), rest)
    if _not_utf8(first):
        raise HistoryError(file, cause("file_not_utf8"), line=before + 1)
    match first.lstrip()[0]:
        case "{":
            return _json_lines(before, lines)
        case "[":
            raise HistoryError(file, cause("array"), line=before + 1)
        case _:
            return _csv(before, lines, header)


def _not_utf8(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _filled(columns: Iterable[str], values: Iterable[str | None]) -> dict[str, str]:
    pairs = zip(columns, values, strict=True)
    return {name: value.strip() for name, value in pairs if value is not None and value.strip()}


# JSON Lines.


def _json_lines(before: int, lines: Iterable[str]) -> Iterator[Row | BadLine]:
    for number, line in enumerate(lines, start=before + 1):
        if line.strip():
            yield _json_row(number, line.strip())


def _json_row(number: int, text: str) -> Row | BadLine:
    if _not_utf8(text):
        return BadLine(number, cause("line_not_utf8", value=shown(text)))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return BadLine(
            number, cause("not_json", value=shown(text), error=parsing.json_problem(error))
        )
    if not isinstance(found, dict):
        return BadLine(number, cause("no_object", value=shown(text)))
    texts: dict[str, str] = {}
    odd: dict[str, str] = {}
    for column, value in found.items():
        if isinstance(value, str):
            if _not_utf8(value):
                return BadLine(number, cause("half", column=column, value=shown(value)))
            texts[column] = value
        elif value is not None:
            odd[column] = json.dumps(value)[:80]
    return Row(number, _filled(texts, texts.values()), odd or None)


# CSV.


@dataclass(frozen=True, slots=True)
class _Header:
    """A header row, which is refused if its columns are not those of a history."""

    file: str
    header_problem: HeaderCheck

    def columns(self, fields: Sequence[str], line: int) -> list[str]:
        columns = [field.strip().lower() for field in fields]
        times = Counter(columns)
        twice = next((name for name in columns if name and times[name] > 1), None)
        wrong = (
            self.header_problem(columns) if twice is None else cause("column_twice", column=twice)
        )
        if wrong is not None:
            raise HistoryError(self.file, wrong, line=line)
        return columns


def _csv(before: int, lines: Iterator[str], header: _Header) -> Iterator[Row | BadLine]:
    before, commented, lines = _after_comments(before, lines)
    # Strict: otherwise an unclosed quote would silently swallow the rest of the file.
    reader = csv.reader(lines, strict=True)
    columns = None if commented is None else header.columns(commented.split(","), before)
    while True:
        line = before + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            why = cause("not_csv", error=parsing.csv_problem(error))
            if columns is None:
                raise HistoryError(header.file, why, line=line) from error
            yield BadLine(line, why)
            continue
        if columns is None:
            columns = header.columns(fields, line)
        elif any(field.strip() for field in fields):
            yield _csv_row(line, columns, fields)
    if columns is None:
        raise HistoryError(header.file, cause("no_header"))


def _after_comments(before: int, lines: Iterator[str]) -> tuple[int, str | None, Iterator[str]]:
    """Skip comments; return their number, the header if it was a comment, and the other lines."""
    last = ""
    for line in lines:
        if not line.startswith(_COMMENT):
            header = last.strip("# \r\n")
            found = header if _IN_A_COMMENTED_HEADER in header.split(",") else None
            return before, found, chain((line,), lines)
        before, last = before + 1, line
    return before, None, lines


def _csv_row(line: int, columns: list[str], fields: list[str]) -> Row | BadLine:
    if len(fields) != len(columns):
        found, named = len(fields), len(columns)
        why = cause("fields", found=found, named=named, value=shown(",".join(fields)))
        return BadLine(line, why)
    for column, value in zip(columns, fields, strict=True):
        if _not_utf8(value):
            return BadLine(line, cause("not_utf8", column=column, value=shown(value)))
    return Row(line, _filled(columns, fields))
