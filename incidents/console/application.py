"""The pages: the console as one application, beside the API in one process, and a page for each way
in which something cannot be done.

Each page is a module with a `router`; what no page and no path of the API answers to, is answered
here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from incidents.accounts.serve_key import ServeKeyReplacedError
from incidents.api import entrance
from incidents.clock import rfc3339
from incidents.console import changes, messages, request_context, writing
from incidents.console.changes import Changes
from incidents.console.forms import (
    BeyondQuotaError,
    FormTooLargeError,
    HeldError,
    NotLetError,
    ProveAgainError,
    SignedOutError,
)
from incidents.console.pages import (
    audit,
    filing,
    incident,
    log,
    orders,
    overview,
    policy,
    queue,
    search,
    sign_in,
    simulate,
    site,
)
from incidents.console.request_context import Shelf, Sitting
from incidents.console.writing import Said
from incidents.errors import DatabaseError, IncidentsError, InputError, RefusedError
from incidents.log import logger
from incidents.values import site_name

_log = logger("console")

Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router, changes.router, queue.router, site.router, filing.router, log.router,
    incident.router, orders.router, search.router, overview.router, simulate.router, audit.router,
    policy.router,
)  # fmt: skip
_OTHERS = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/.well-known/")


def create(app: FastAPI) -> FastAPI:
    """The console of that application's house and door."""
    console = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    house = app.state.house
    console.state.house, console.state.door = house, app.state.door
    console.state.oidc, console.state.trusted_proxies = app.state.oidc, app.state.trusted_proxies
    console.state.changes = app.state.changes = Changes(lambda: changes.look(house))
    console.state.quota = app.state.quota
    # What these pages keep between two requests.
    console.state.compared, console.state.simulated, console.state.tried = Shelf(), Shelf(), Shelf()
    console.state.kept = Shelf(request_context.MOST_FORMS)
    # One proof of the record runs at a time, whichever way it was asked for.
    console.state.verifying = app.state.verifying
    console.router.routes.append(writing.STATIC_ROUTE)
    for router in ROUTERS:
        # Included, each would be made anew for every application.
        console.router.routes.extend(router.routes)
    _add_error_pages(console)
    return console


def put_beside(app: FastAPI, customers: Asgi | None = None) -> None:
    """Has the console answer to what the API does not, and `customers` to /c/.

    A router's default is asked last, so that a wrong method on a path of the API stays one.
    """
    console, unknown = create(app), app.router.default

    async def default(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_OTHERS):
            await unknown(scope, receive, send)
        elif customers is not None and path.startswith("/c/"):
            await customers(scope, receive, send)
        else:
            await console(scope, receive, send)

    app.router.default = default


def _add_error_pages(app: FastAPI) -> None:
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
    place = (
        "/"
        if here is None
        else request_context.keep_sent(request, here.by, fields, _form_of(request))
    )
    return _write(
        request, here, "prove", status, fields=fields, wrong=wrong, place=place,
        files=error.given.has_files,
        act=error.act, site=error.site and site_name.shown(error.site),
        action=request.url.path, provider=request.app.state.oidc is not None,
    )  # fmt: skip


def _form_of(request: Request) -> str | None:
    """Which form of its page was sent."""
    page, path = request_context.page_of_form(request.url.path), request.url.path
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
    place = (
        "/"
        if here is None
        else request_context.keep_sent(request, here.by, fields, _form_of(request))
    )
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
