"""The trouble: a page for each way in which something cannot be done, saying what to do then."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from incidents.accounts.seal import ServeKeyReplacedError
from incidents.api import entrance
from incidents.clock import rfc3339
from incidents.console import form_cache, messages, request_context, writing
from incidents.console.flash import Said
from incidents.console.forms import FormTooLargeError, HeldError
from incidents.console.hindrances import (
    BeyondQuotaError,
    NotLetError,
    ProveAgainError,
    SignedOutError,
)
from incidents.console.request_context import Sitting
from incidents.errors import DatabaseError, IncidentsError, InputError, RefusedError
from incidents.log import logger
from incidents.values import site_name

_log = logger("console")


def add_to(app: FastAPI) -> None:
    """Has these pages answer for whatever is raised there."""
    app.add_exception_handler(SignedOutError, _signed_out)
    app.add_exception_handler(NotLetError, _not_let)
    app.add_exception_handler(ProveAgainError, _prove_again)
    app.add_exception_handler(HeldError, _held)
    app.add_exception_handler(BeyondQuotaError, _beyond_quota)
    app.add_exception_handler(FormTooLargeError, lambda r, _: _page(r, 413, "too_large"))
    app.add_exception_handler(RequestValidationError, lambda r, _: _page(r, 422, "unreadable"))
    app.add_exception_handler(IncidentsError, _own_error)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def _signed_out(request: Request, _: Exception) -> Response:
    if "HX-Request" in request.headers:
        # What is fetched into a page that is open: the whole page goes to the form, and back.
        to = _sign_in(_open_page(request))
        return Response(status_code=401, headers={**writing.HEADERS, "HX-Redirect": to})
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return _page(request, 401, "signed_out")
    to = _sign_in(request_context.place_of(request))
    return RedirectResponse(to, status_code=303, headers=writing.HEADERS)


def _open_page(request: Request) -> str:
    """Where the page is that fetches something."""
    try:
        found = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return "/"
    return found.path + (f"?{found.query}" if found.query else "")


def _sign_in(place: str) -> str:
    """The form, and from there to that place."""
    return "/sign-in" if place in ("", "/") else f"/sign-in?to={quote(place)}"


def _not_let(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotLetError)
    reader = request_context.reader(request)
    act = reader.word("act", error.act)
    why = reader.say(f"not_let.{error.why}", act=act)
    return _page(request, 403, "not_let", why=why)


def _prove_again(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProveAgainError)
    reader, here = request_context.reader(request), _sitting(request)
    wrong = error.wrong and reader.word("prove", error.wrong)
    status = 403 if error.wrong else 200
    fields = error.given.fields
    place = "/" if here is None else form_cache.place(request, here.by, fields, _form_of(request))
    return _write(
        request, here, "prove", status, fields=fields, wrong=wrong, place=place,
        files=error.given.has_files,
        act=error.act, site=error.site and site_name.shown(error.site),
        action=request.url.path, provider=request.app.state.oidc is not None,
    )  # fmt: skip


def _form_of(request: Request) -> str | None:
    """Which form of its page was sent."""
    page, path = form_cache.page_of(request.url.path), request.url.path
    return path.removeprefix(page).strip("/") or None


def _held(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeldError)
    when, path = request_context.reader(request).when, request.url.path
    return _write(
        request, _sitting(request), "ask", 409, fields=error.given.fields, action=path,
        holders=[(claim.by, when(rfc3339(claim.at))) for claim in error.held],
        back="/" if path.startswith("/queue/") else path.rpartition("/")[0],
    )  # fmt: skip


def _beyond_quota(request: Request, error: Exception) -> Response:
    """In the page that is open it is told, where all stands that was typed; else it is kept."""
    assert isinstance(error, BeyondQuotaError)
    facts, given = error.facts, error.given
    headers = {"Retry-After": str(facts["wait_s"])}
    reader = request_context.reader(request)
    why = reader.say("trouble.too_many_acts.why", **facts)
    if "HX-Request" in request.headers:
        return _aloud(request, 429, "too_many_acts", why, headers)
    here, fields = _sitting(request), given.fields
    place = "/" if here is None else form_cache.place(request, here.by, fields, _form_of(request))
    return _write(
        request, here, "too_many_acts", 429, headers=headers, place=place, why=why, fields=fields,
        files=given.has_files, action=request.url.path,
    )  # fmt: skip


def _own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, IncidentsError)
    if isinstance(error, ServeKeyReplacedError):
        _log.error(error.message, error=error)
        return _page(request, 503, error.name)
    if isinstance(error, DatabaseError):
        _log.error("the database does not do its part", error=error)
        return _page(request, 503, "database", headers={"Retry-After": "5"})
    if isinstance(error, InputError | RefusedError):
        status = 404 if error.name.startswith("unknown_") else 422
        kind = "not_found" if status == 404 else "unreadable"
        why = messages.refused_in_words(request_context.reader(request), error)
        return _page(request, status, kind, why=why)
    _log.error("a page failed", error=error)
    return _page(request, 500, "fault")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {404: "not_found", 405: "wrong_method", 413: "too_large"}
    kind = kinds.get(error.status_code, "unreadable")
    return _page(request, error.status_code, kind, headers=error.headers)


def _fault(request: Request, _: Exception) -> Response:
    return _page(request, 500, "fault")


def _page(
    request: Request, status: int, kind: str, *, why: str | None = None, headers: Any = None
) -> Response:
    try:
        here = _sitting(request)
    except DatabaseError:
        here = None
    if "HX-Request" in request.headers:
        return _aloud(request, status, kind, why, headers)
    return _write(
        request, here, "trouble", status, headers=headers, kind=kind, why=why, code=status
    )


def _aloud(request: Request, status: int, kind: str, why: str | None, headers: Any) -> Response:
    """Told in the page that is open, of which nothing is replaced."""
    reader = request_context.reader(request)
    told = f"{why or reader.say(f'trouble.{kind}')} {reader.say(f'trouble.{kind}.then')}"
    there = {
        "HX-Retarget": "#said", "HX-Reswap": "innerHTML", "HX-Reselect": "unset", **(headers or {}),
    }  # fmt: skip
    said = Said("refused", told)
    return writing.response("aloud", reader, status=status, headers=there, said=said)


def _sitting(request: Request) -> Sitting | None:
    state = request.app.state
    visit = entrance.visitor(state.door, request)
    if visit is None:
        return None
    return Sitting(
        request,
        state.house,
        state.door,
        visit,
        request_context.reader(request),
        state.changes.position,
    )


def _write(
    request: Request, here: Sitting | None, template: str, status: int, *,
    headers: Any = None, place: str | None = None, **facts: Any,
) -> Response:  # fmt: skip
    known: dict[str, Any] = (
        {"me": None, "csrf": "", "may": lambda _act: False, "here": "/"}
        if here is None
        else here.known
    )
    if place is not None:
        known["here"] = known["place"] = place
    return writing.response(
        template, request_context.reader(request), status=status, headers=headers, said=None,
        **known, **facts,
    )  # fmt: skip
