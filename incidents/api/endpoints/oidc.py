"""Sign-in at an OpenID Connect provider: the redirect to it, and the return with a session.

Unlike the session's cookie, the cookie with the pending request is sent even when the browser comes
from another site. The answer is a page that continues automatically, because a browser would not
send the new session cookie after a redirect from another site.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from html import escape
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from incidents.accounts.discovery import ProviderError
from incidents.accounts.oidc import (
    ANSWER_WITHIN,
    LoginRequest,
    Oidc,
    ProviderWordError,
    UnknownSubjectError,
)
from incidents.accounts.sign_in_log import UNKNOWN_NAME
from incidents.api import problems
from incidents.api.authentication import is_from_elsewhere, signed_in
from incidents.api.caller import address_of
from incidents.api.endpoints.session import begin
from incidents.api.operation import JSON, PREFIX
from incidents.log import logger
from incidents.store.accounts import sign_ins
from incidents.values.json_object import JSONObject
from incidents.values.peer_address import is_loopback

routes = APIRouter(prefix=PREFIX, default_response_class=JSON, include_in_schema=False)
"""The browser's routes for the sign-in; they are not part of the OpenAPI document."""

QUESTION = "__Host-incidents-oidc"
PATH = "/session/oidc"
_ONWARD, _SIGN_IN = "/", "/sign-in"
_MOST = 4_000

_log = logger("api")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={to}">
<title>incidents</title></head><body><p><a href="{to}">incidents</a></p></body></html>
"""


@routes.get(PATH)
def ask(request: Request) -> Response:
    """Redirect to the provider to sign in; a link from another site leads to the sign-in form."""
    provider = _provider(request)
    if is_from_elsewhere(request):
        # Otherwise a person signed in at the provider would be signed in here without asking.
        return RedirectResponse(_SIGN_IN, status_code=303, headers={"Cache-Control": "no-store"})
    with _answering():
        url, question = provider.start(_back(request))
    return _sent(url, question, None)


@routes.get(f"{PATH}/proof")
def ask_again(request: Request) -> Response:
    """Redirect to the provider to confirm your identity."""
    found = signed_in(request)
    with _answering():
        url, question = _provider(request).start(_back(request), again=found.identity.handle)
    return _sent(url, question, hashlib.sha256(found.cookie.encode()).hexdigest())


@routes.get(f"{PATH}/answer")
def answer(request: Request) -> Response:
    """Receive the answer of the provider: start a session and go to the console."""
    provider, kept = _provider(request), _kept(request.cookies.get(QUESTION, ""))
    if kept is None:
        raise problems.problem(
            HTTPStatus.BAD_REQUEST, "nothing_asked", "no sign-in is in progress here: start again"
        )
    question, before = kept
    authenticator, place = request.app.state.authenticator, address_of(request)
    try:
        with _answering():
            word = provider.finish(question, request.query_params)
    except UnknownSubjectError as error:
        authenticator.log.record_unknown("provider", place, error.name)
        raise
    except ProviderWordError as error:
        # Anybody can invent any number of these: a log line for each would fill the disk.
        detail = str(error.facts["detail"])
        authenticator.log.count(
            sign_ins.Refusal(UNKNOWN_NAME, place, "sign_in", error.name, detail)
        )
        raise
    new = authenticator.begin(word.handle, word.proved_at, place=place)
    if before is not None:
        authenticator.end(before)
    page = HTMLResponse(
        _PAGE.format(to=escape(_ONWARD)),
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
    begin(request, page, new)
    page.delete_cookie(QUESTION, path="/", secure=True, httponly=True, samesite="lax")
    return page


@contextmanager
def _answering() -> Iterator[None]:
    """Report the provider's errors as errors of the provider, not as faults of this program."""
    try:
        yield
    except ProviderError as error:
        _log.error("the provider is unavailable", detail=error.facts["detail"])
        raise problems.problem(
            HTTPStatus.BAD_GATEWAY,
            "provider",
            "the sign-in provider is unavailable: try again",
            headers={"Retry-After": "5"},
        ) from error


def _provider(request: Request) -> Oidc:
    found: Oidc | None = request.app.state.oidc
    if found is None:
        raise problems.problem(
            HTTPStatus.NOT_FOUND,
            "no_provider",
            "this desk has no sign-in provider: see [oidc] in its settings",
        )
    return found


def _back(request: Request) -> str:
    """The redirect URI, which must be registered at the provider."""
    own = request.url
    scheme = own.scheme if is_loopback(own.hostname) else "https"
    return f"{scheme}://{own.netloc}{request.scope.get('root_path', '')}{PREFIX}{PATH}/answer"


def _sent(url: str, question: LoginRequest, before: str | None) -> Response:
    sent = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
    words = json.dumps(asdict(question) | {"before": before}, separators=(",", ":"))
    sent.set_cookie(
        QUESTION, base64.urlsafe_b64encode(words.encode()).decode(), path="/", secure=True,
        httponly=True, samesite="lax", max_age=int(ANSWER_WITHIN.total_seconds()),
    )  # fmt: skip
    return sent


def _kept(cookie: str) -> tuple[LoginRequest, bytes | None] | None:
    """Read the sign-in request and the digest of the earlier session from the cookie.

    None if this program did not set the cookie.
    """
    try:
        words: JSONObject = json.loads(base64.urlsafe_b64decode(cookie[:_MOST]))
        before = words.pop("before")
        question = LoginRequest(**words)
        if not all(isinstance(each, str) or each is None for each in words.values()):
            return None
        return question, None if before is None else bytes.fromhex(before)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
