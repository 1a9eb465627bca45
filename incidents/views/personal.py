"""Personal text: what the references in rows and documents stand for, looked up in one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection

from incidents.machine import filing
from incidents.store import sealed

Document = dict[str, Any]

# Where documents and events hold references; `digest` and `policy` look alike and are none.
_FIELDS = frozenset(
    {"email", "evidence", "name", "note", "person", "phone", "reason", "text"}
).union(filing.SEALED_FIELDS)
_REFERENCE = "sha256:"


def texts(connection: Connection, refs: Iterable[str | None]) -> dict[str, str]:
    """What those references stand for; erased ones are left out."""
    wanted = {ref for ref in refs if ref is not None}
    return sealed.values(connection, wanted) if wanted else {}


def reveal(connection: Connection, documents: list[Document]) -> list[Document]:
    """The documents with the text in place of each reference, null where it has been erased."""
    found = texts(connection, (ref for document in documents for ref in refs(document)))
    return [_revealed(document, found) for document in documents]


def refs(value: Any, field: str = "") -> Iterator[str]:
    """The references that a document holds, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from refs(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from refs(inner, field)
    elif _is_reference(value, field):
        yield value


def _revealed(value: Any, found: dict[str, str], field: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _revealed(inner, found, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(inner, found, field) for inner in value]
    return found.get(value) if _is_reference(value, field) else value


def _is_reference(value: Any, field: str) -> bool:
    own = field in _FIELDS or field.startswith(filing.SERVER)
    return own and isinstance(value, str) and value.startswith(_REFERENCE)
