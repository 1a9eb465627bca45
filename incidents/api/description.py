"""The description: the OpenAPI document of all that is offered, and how one is let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from incidents.api import parameters, problems
from incidents.api.entrance import COOKIE, CSRF_HEADER
from incidents.api.operation import ACT, Problem

Document = dict[str, Any]

BEARER, SESSION = "token", "session"
_SCHEMES: Document = {
    BEARER: {"type": "http", "scheme": "bearer", "description": "A token of an account."},
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"A session; what is no GET has its word for forms in {CSRF_HEADER}.",
    },
}
_SCHEMA = "#/components/schemas/{model}"


def add(app: FastAPI) -> None:
    """Puts it in the place of the one that the framework would make."""
    app.openapi = _described(app.openapi)  # type: ignore[method-assign]  # as its makers advise


def _described(plain: Callable[[], Document]) -> Callable[[], Document]:
    made: list[Document] = []

    def describe() -> Document:
        if not made:
            made.append(_completed(plain()))
        return made[0]

    return describe


def _completed(found: Document) -> Document:
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    own = Problem.model_json_schema(ref_template=_SCHEMA)
    schemas |= own.pop("$defs", {}) | {"Problem": own}
    for operations in found["paths"].values():
        for operation in operations.values():
            _complete(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return found


def _complete(operation: Document) -> None:
    told = {problems.MEDIA_TYPE: {"schema": {"$ref": _SCHEMA.format(model="Problem")}}}
    answers = operation["responses"]
    if "422" in answers:
        answers["422"]["content"] = told
    if ACT in operation:
        operation.setdefault("parameters", []).append(parameters.DESCRIBED)
        operation["security"] = [{BEARER: []}, {SESSION: []}]
