"""The published schemas of XARF: what is wrong with a report by the schema of its version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from typing import Any

MAX_PROBLEMS = 10
_LONGEST = 200
_MAIN = {"v3": "xarf-v3-legacy.json", "v4": "xarf-v4-master.json"}


def problems(report: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, at most ten things; empty for a valid report.

    Without the library for schemas (incidents[inbox]) nothing is checked.
    """
    try:
        validator = _validator("v4" if "xarf_version" in report else "v3")
    except ImportError:
        return []
    try:
        found = list(islice(validator.iter_errors(report), MAX_PROBLEMS))
    except ValueError as error:
        # Nested deeper than the library follows, or with half a character in it.
        return [f"report: {error}"[:_LONGEST]]
    return [
        f"{'/'.join(map(str, each.instance_path)) or 'report'}: {each.message}"[:_LONGEST]
        for each in found
    ]


def load() -> None:
    """Load the schemas."""
    for each in _MAIN:
        problems({"xarf_version": ""} if each == "v4" else {})


@cache
def _validator(version: str) -> Any:
    """The validator of reports of that version."""
    from jsonschema_rs import Draft202012Validator, Registry

    schemas = list(_schemas(version))
    [main] = [each for each in schemas if each["$id"].endswith(f"/{_MAIN[version]}")]
    # It describes a mapping, and is not itself a schema.
    main.get("$defs", {}).pop("v3_to_v4_mapping", None)
    return Draft202012Validator(main, registry=Registry([(each["$id"], each) for each in schemas]))


def _schemas(version: str) -> Iterator[dict[str, Any]]:
    for file in _files(files(__name__).joinpath(version)):
        yield json.loads(file.read_text("utf-8"))


def _files(folder: Traversable) -> Iterator[Traversable]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _files(each)
        elif each.name.endswith(".json"):
            yield each
