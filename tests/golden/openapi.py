"""The API's description: `openapi.json` as lines, what programs read apart from wording."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from incidents.app import App
from incidents.settings import sources
from incidents.web import app as web_app
from tests.api.openapi_check import openapi_document
from tests.databases import sqlite_folder

Path = tuple[str, ...]
Line = tuple[Path, str]

WORDS = frozenset({"description", "summary", "title"})
NAMING = frozenset(
    {"paths", "schemas", "properties", "$defs", "responses", "content", "headers", "parameters"}
)
"""Below these a key is a name that somebody has given; elsewhere it is OpenAPI's own."""
WHOLE = frozenset({"schema", "items", "additionalProperties"})
"""One line holds all of what stands below these."""
WHOLE_EACH = {("properties",), ("parameters",)}
"""And all of each thing below these."""


def files() -> dict[str, str]:
    """The golden files of the API's description."""
    structure, wording = _parted(document(), names=False)
    return {
        "openapi.txt": _grouped(_lines((), structure)),
        "openapi.words.txt": _grouped(_sentences((), wording)),
    }


def document() -> dict[str, Any]:
    """The description as a server gives it."""
    with sqlite_folder() as databases, databases.at_head() as url:
        app = App(sources.load(db=url))
        try:
            found: dict[str, Any] = openapi_document(web_app.create(app))
        finally:
            app.close()
    return found


def _parted(value: Any, *, names: bool) -> tuple[Any, Any]:
    """Split the parts for programs from those for people, each in its place."""
    if isinstance(value, list):
        parts = [_parted(each, names=False) for each in value]
        return [each for each, _ in parts], {str(at): said for at, (_, said) in enumerate(parts)}
    if not isinstance(value, dict):
        return value, None
    structure, wording = {}, {}
    for key, each in sorted(value.items()):
        if key in WORDS and not names and isinstance(each, str):
            wording[key] = each
        elif key == "parameters":
            named = {f"{one['in']} {one['name']}": one for one in each}
            assert len(named) == len(each), named
            structure[key], wording[key] = _parted(named, names=True)
        else:
            free = sorted(each) if key == "required" and isinstance(each, list) else each
            structure[key], wording[key] = _parted(free, names=key in NAMING and not names)
    return structure, wording


def _lines(where: Path, value: Any) -> Iterator[Line]:
    """A line for each thing that has a name."""
    is_whole = bool(where) and (where[-1] in WHOLE or where[-2:-1] in WHOLE_EACH)
    if isinstance(value, dict) and value and not is_whole:
        for key, each in value.items():
            yield from _lines((*where, key), each)
    else:
        yield where, json.dumps(value, ensure_ascii=False, sort_keys=True)


def _sentences(where: Path, value: Any) -> Iterator[Line]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _sentences((*where, key), each)
    elif value is not None:
        yield where, json.dumps(value, ensure_ascii=False)


def _grouped(lines: Iterable[Line]) -> str:
    """The lines below the operation or the schema that they are of."""
    text, before = "", ""
    for where, value in lines:
        if where[0] == "paths":
            of, rest = f"{where[2].upper()} {where[1]}", where[3:]
        elif where[:2] == ("components", "schemas"):
            of, rest = f"schema {where[2]}", where[3:]
        else:
            of, rest = where[0], where[1:]
        text += f"{of}\n" if of != before else ""
        text += f"    {' > '.join(rest)} {value}\n"
        before = of
    return text
