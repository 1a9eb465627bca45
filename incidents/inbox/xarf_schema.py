"""The published schemas of XARF: what is wrong with a report by the schema of its version."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
        validator = _validator("v4" if "xarf_version" in report else "v3")
    except ImportError:
        return []
    found = []
    for error in validator.iter_errors(report):
        where = "/".join(map(str, error.absolute_path)) or "report"
        found.append(f"{where}: {error.message}"[:_LONGEST])
        if len(found) == MAX_PROBLEMS:
            break
    return found


@cache
def _validator(version: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    folder = files("incidents.inbox").joinpath("xarf_schemas")
    schemas = [json.loads(each.read_text("utf-8")) for each in _files(folder.joinpath(version))]
    registry: Any = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    main = "xarf-v4-master.json" if version == "v4" else "xarf-v3-legacy.json"
    [schema] = [each for each in schemas if each["$id"].endswith(f"/{main}")]
    return Draft202012Validator(schema, registry=registry)


def _files(folder: Traversable) -> list[Traversable]:
    found = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _files(each)
        elif each.name.endswith(".json"):
            found.append(each)
    return found
