"""The plain request: an action as programs send it most, read without the framework.

The framework takes longer to gather the parameters of an action than the desk to decide it. A
request with a token, a JSON object and at most an idempotency key is read here; of any other, and
of one that is wrong in any way, the framework says what is wrong.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from incidents.api.authentication import MAX_KEY
from incidents.api.caller import Caller

MAX_TARGET = 300
"""The maximum length of a target in a path."""

_KEY = b"idempotency-key"
_OTHER_PARAMETERS = frozenset({b"if-match", b"idempotency-key-for"})
_JSON = b"application/json"


async def read(request: Request, form: type[BaseModel]) -> dict[str, Any] | None:
    """Return the arguments of an action's endpoint; None if the request is no plain one.

    The caller must have been authenticated.
    """
    scope = request.scope
    headers = dict(scope["headers"])
    # A header that is there twice is none to be read here.
    if scope["query_string"] or len(headers) < len(scope["headers"]):
        return None
    if headers.get(b"content-type") != _JSON or not _OTHER_PARAMETERS.isdisjoint(headers):
        return None
    [(kind, to)] = request.path_params.items()
    key = headers.get(_KEY)
    if len(to) > MAX_TARGET or (key is not None and not 1 <= len(key) <= MAX_KEY):
        return None
    try:
        given = json.loads(await request.body())
        if not isinstance(given, dict):
            return None
        words = form.model_validate(given)
    except (ValidationError, ValueError, RecursionError):
        return None
    by: Caller = request.state.caller
    named = replace(by, key=key if key is None else key.decode("latin-1"))
    return {"by": named, "request": request, kind: to, "words": words}
