"""The causes: why a file is no history, or a line of it cannot be used, by their codes."""

from __future__ import annotations

from typing import Any

from incidents.errors import Cause

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
    """The cause of that code."""
    return Cause.of(f"history_{code}", CAUSES[code], **facts)
