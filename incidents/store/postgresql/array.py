"""The array: the values of a column as one parameter, in one of PostgreSQL's own notations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from struct import Struct
from typing import Any

import orjson

from incidents.store.postgresql.pipeline import Binary

_TEXT, _BYTEA = 25, 17
# The number of dimensions, whether there are nulls, the type's OID, the length, the first index.
_HEAD = Struct("!iiIii").pack
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)


def array(values: Sequence[Any]) -> str | Binary:
    """The array of those values: numbers, truth values, aware times, texts, bytes, and None.

    In braces PostgreSQL reads JSON's notation of all but bytes, and of texts with an escape.
    """
    first = next((value for value in values if value is not None), None)
    if isinstance(first, str) and '"' in first:
        return _texts(values)
    if isinstance(first, bytes):
        return _binary(_BYTEA, values)
    text = orjson.dumps(values, default=datetime.isoformat)
    return _texts(values) if b"\\" in text else "{" + text[1:-1].decode() + "}"


def _texts(values: Sequence[str | None]) -> Binary:
    return _binary(_TEXT, [None if value is None else value.encode() for value in values])


def _binary(kind: int, values: Sequence[bytes | None]) -> Binary:
    parts = [_HEAD(1, 1, kind, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (_LENGTH(len(value)), value)
    return Binary(b"".join(parts))
