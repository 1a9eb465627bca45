"""Personal text: what the references in rows and documents stand for, looked up in one query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection

from incidents.machine import filing
from incidents.store.record import entries

D = TypeVar("D")

# Where documents and events hold references; `digest` and `policy` look alike and are none.
_FIELDS = frozenset(
    {"email", "evidence", "name", "note", "person", "phone", "reason", "text"}
).union(filing.SEALED_FIELDS)
_REFERENCE = "sha256:"


def personal_texts(connection: Connection, refs: Iterable[str | None]) -> dict[str, str]:
    """What those references stand for; erased ones are left out."""
    wanted = {ref for ref in refs if ref is not None}
    return entries.values(connection, wanted) if wanted else {}


def reveal_texts(connection: Connection, documents: list[D]) -> list[D]:
    """The documents with the text in place of each reference, null where it has been erased."""
    return texts_revealed(documents, personal_texts(connection, text_refs(documents)))


def texts_revealed(documents: list[D], found: Mapping[str, str]) -> list[D]:
    """The same, when it is known what the references stand for."""
    return [_revealed(document, found) for document in documents]


def text_refs(value: Any) -> list[str]:
    """The references that a document, or a list of them, holds at any depth."""
    found: list[str] = []
    _collect(value, "", found)
    return found


# A batch's answer has a hundred thousand values, nearly all of which are plain strings.
def _collect(value: Any, field: str, into: list[str]) -> None:
    if isinstance(value, str):
        if _is_reference(value, field):
            into.append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if inner is not None:
                _collect(inner, name, into)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, field, into)


def _revealed(value: Any, found: Mapping[str, str], field: str = "") -> Any:
    if isinstance(value, str):
        return found.get(value) if _is_reference(value, field) else value
    if isinstance(value, dict):
        return {
            name: inner if inner is None else _revealed(inner, found, name)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_revealed(inner, found, field) for inner in value]
    return value


def _is_reference(value: str, field: str) -> bool:
    own = value.startswith(_REFERENCE)
    return own and (field in _FIELDS or field.startswith(filing.SERVER))
