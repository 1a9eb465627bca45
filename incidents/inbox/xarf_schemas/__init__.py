"""The published schemas of XARF: what is wrong with a report by the schema of its version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

MAX_PROBLEMS = 10
_LONGEST = 200


def problems(report: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, at most ten things; empty for a valid report.

    Without the library for schemas (incidents[inbox]) nothing is checked.
    """
    try:
        version = "v4" if "xarf_version" in report else "v3"
        validator = _validator(version, _kind(version, report))
    except ImportError:
        return []
    found = []
    for error in validator.iter_errors(report):
        where = "/".join(map(str, error.absolute_path)) or "report"
        found.append(f"{where}: {error.message}"[:_LONGEST])
        if len(found) == MAX_PROBLEMS:
            break
    return found


def load() -> None:
    """Load the schemas."""
    problems({})


_Kind = tuple[str, str]
"""The category and the type of a report."""


def _kind(version: str, report: Mapping[str, Any]) -> _Kind | None:
    """The kind of the report, if the schema has conditions for it."""
    kind = report.get("category"), report.get("type")
    is_named = all(isinstance(each, str) for each in kind) and kind in _kinds(version)
    return kind if is_named else None  # type: ignore[return-value]  # both are text


@cache
def _kinds(version: str) -> frozenset[_Kind | None]:
    return frozenset(map(_condition, _schemas(version)[0].get("allOf", ()))) - {None}


def _condition(part: Mapping[str, Any]) -> _Kind | None:
    """The kind of report that this part of the schema is for; None if it is for others too."""
    match part:
        case {"else": _}:
            return None
        case {
            "if": {"properties": {"category": {"const": str(one)}, "type": {"const": str(other)}}},
            "then": _,
        }:
            return one, other
    return None


@cache
def _validator(version: str, kind: _Kind | None) -> Any:
    """The validator of reports of that kind, without the conditions for other kinds.

    There are some thirty, and each is tried on each report.
    """
    from jsonschema import Draft202012Validator, validators

    main, registry = _schemas(version)
    if kind is not None:
        conditions = [(each, _condition(each)) for each in main["allOf"]]
        own = [
            each if own is None else each["then"] for each, own in conditions if own in (None, kind)
        ]
        main = {**main, "allOf": own}
    kind_of_validator: Any = validators.extend(Draft202012Validator, {"properties": _properties})
    return kind_of_validator(main, registry=registry)


def _properties(
    validator: Any, properties: Mapping[str, Any], found: Any, _: Mapping[str, Any]
) -> Iterator[Any]:
    """The keyword `properties`, as the library has it: what is wrong with them."""
    if isinstance(found, dict):
        for name, own in properties.items():
            if name in found and not _is_plainly_met(validator, own, found[name]):
                yield from validator.descend(found[name], own, path=name, schema_path=name)


_PLAIN = {
    "type", "const", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "format",
    "description", "title", "examples", "default",
}  # fmt: skip


def _is_plainly_met(validator: Any, schema: Any, value: Any) -> bool:
    """Whether a value meets a schema that has no others in it.

    For those the library makes a validator each time, which takes ten times as long.
    """
    return isinstance(schema, dict) and _PLAIN.issuperset(schema) and not any(
        True
        for keyword, stated in schema.items()
        if (rule := validator.VALIDATORS.get(keyword)) is not None
        for _ in rule(validator, stated, value, schema) or ()
    )  # fmt: skip


@cache
def _schemas(version: str) -> tuple[dict[str, Any], Any]:
    """The main schema of that version, and the registry of all."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    folder = files(__name__)
    schemas = [json.loads(each.read_text("utf-8")) for each in _files(folder.joinpath(version))]
    for schema in schemas:
        # All have the same one. It would bring back the library's own `properties`.
        del schema["$schema"]
    registry: Any = Registry().with_resources(
        (schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas
    )
    name = "xarf-v4-master.json" if version == "v4" else "xarf-v3-legacy.json"
    [main] = [each for each in schemas if each["$id"].endswith(f"/{name}")]
    return main, registry


def _files(folder: Traversable) -> list[Traversable]:
    found = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _files(each)
        elif each.name.endswith(".json"):
            found.append(each)
    return found
