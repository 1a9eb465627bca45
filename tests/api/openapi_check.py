"""Each answer of the API held against its description, whatever a test asks for."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from openapi_schema_validator import OAS31Validator


def checked_against_description(app: FastAPI) -> Any:
    """A hook for a client: an answer that is not as described fails the test that has asked."""
    return lambda response: _hold(app, response)


def _hold(app: FastAPI, response: httpx.Response) -> None:
    document = openapi_document(app)
    response.read()
    assert response.headers.get("x-content-type-options") == "nosniff", response.request.url
    policy = response.headers.get("content-security-policy", "")
    assert policy.startswith("default-src 'none'"), response.request.url
    assert "frame-ancestors 'none'" in policy, response.request.url
    path, method = response.request.url.path, response.request.method.lower()
    for template, methods in document["paths"].items():
        if method in methods and _pattern(template).fullmatch(path):
            _check(document, methods[method], response, f"{method} {template}")
            return


_KNOWN: list[Any] = []
_VALIDATORS: dict[tuple[str, str, str], OAS31Validator] = {}


def openapi_document(app: FastAPI) -> Any:
    """The OpenAPI document, the same for every desk, which takes a second to make."""
    if not _KNOWN:
        _KNOWN.append(app.openapi())
    return _KNOWN[0]


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", template))


def _check(document: Any, told: Any, response: httpx.Response, where: str) -> None:
    answers, status = told["responses"], str(response.status_code)
    assert status in answers, f"{where} answers {status}: {response.text}"
    if not response.content and not answers[status].get("content"):
        return
    kind = response.headers.get("content-type", "").partition(";")[0]
    content = answers[status].get("content", {})
    assert kind in content, f"{where} answers {status} as {kind!r}, not {sorted(content)}"
    if not kind.endswith("json") or kind == "application/x-ndjson":
        return
    wrong = [
        error.message
        for error in _validator(document, content, (where, status, kind)).iter_errors(
            response.json()
        )
    ]
    assert not wrong, f"{where} answers {status}: {wrong[:3]}"


def _validator(document: Any, content: Any, of: tuple[str, str, str]) -> OAS31Validator:
    if of not in _VALIDATORS:
        schema = {**content[of[2]]["schema"], "components": document["components"]}
        _VALIDATORS[of] = OAS31Validator(schema)
    return _VALIDATORS[of]
