"""The misread: why data from outside cannot be read, in words of this program's own.

Python's words name its classes and functions, and change from one of its releases to the next.
"""

from __future__ import annotations

import csv
import json


class MisreadError(ValueError):
    """Data that is not what it must be; the message is a sentence of this program's."""


def of_json(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that `json` could not read."""
    if isinstance(error, MisreadError):
        return str(error)
    if isinstance(error, UnicodeError):
        return "it is no UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"the error is at {line}character {error.colno}"
    # What int() says of more digits than it takes.
    return "a number in it is too long"


def of_csv(error: csv.Error | UnicodeDecodeError) -> str:
    """What is wrong with a text that `csv` could not read, strictly."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    if is_field_too_long(error):
        return f"a field has more than {csv.field_size_limit():,} characters"
    if is_never_closed(error):
        return "a quote is never closed"
    return "a quote or a line end stands where none may be"


def is_field_too_long(error: csv.Error) -> bool:
    """Whether `csv` gave up in the middle of a field."""
    return "field limit" in str(error)


def is_never_closed(error: csv.Error) -> bool:
    """Whether the text ended within quotes."""
    return "end of data" in str(error)
