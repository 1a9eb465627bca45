"""The pages for what goes wrong: one for each kind of failure that a page of the console raises."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from incidents.accounts.identity import ROLES, ROLES_OF_ACTION
from incidents.accounts.second_factor import FactorNeededError
from incidents.accounts.serve_key import ServeKeyReplacedError
from incidents.api import authentication
from incidents.clock import rfc3339
from incidents.console import (
    forms,
    kept_form,
    messages,
    rendering,
    request_context,
)
from incidents.console.factor_step import factor_step
from incidents.console.flash import Flash
from incidents.console.forms import (
    ClaimedError,
    FormTooLargeError,
    NotAllowedError,
    QuotaExceededError,
    ReauthenticationError,
    SentForm,
    SignedOutError,
)
from incidents.console.pages.admin import (
    my_account,
)
from incidents.console.request_context import RequestContext, context_if_signed_in
from incidents.errors import (
    DatabaseError,
    IncidentsError,
    InputError,
    RefusedError,
    RevealDeniedError,
    SealedContentError,
    SealedReasonError,
)
from incidents.log import logger
from incidents.store.database.replica import ReplicaReadError
from incidents.values import site_name

_log = logger("console")


def _signed_out(request: Request, _: SignedOutError) -> Response:
    if "HX-Request" in request.headers:
        # What is fetched into a page that is open: the whole page goes to the form, and back.
        to = _sign_in(_open_page(request))
        return Response(status_code=401, headers={**rendering.HEADERS, "HX-Redirect": to})
    if request.method != "GET" or not _wants_page(request):
        return _page(request, 401, "signed_out")
    to = _sign_in(request_context.place_of(request))
    return RedirectResponse(to, status_code=303, headers=rendering.HEADERS)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _open_page(request: Request) -> str:
    """The path of the open page that sent a fetch request."""
    try:
        found = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return "/"
    return found.path + (f"?{found.query}" if found.query else "")


def _sign_in(place: str) -> str:
    """The path of the sign-in form, which returns to `place` after the sign-in."""
    return "/sign-in" if place in ("", "/") else f"/sign-in?to={quote(place)}"


def _not_allowed(request: Request, error: NotAllowedError) -> Response:
    if error.why == "factor_demanded" and request.method == "GET":
        if "HX-Request" in request.headers:
            headers = {**rendering.HEADERS, "HX-Redirect": my_account.PAGE}
            return Response(status_code=403, headers=headers)
        # Not what a script asks for, such as a stream, which can show no page.
        if _wants_page(request):
            return RedirectResponse(my_account.PAGE, status_code=303, headers=rendering.HEADERS)
    if error.why == "csrf":
        return _page(request, 403, "stale_form", again=kept_form.page_of_form(request.url.path))
    opens = request.method in authentication.SAFE
    reader = request_context.reader(request)
    if error.why == "role":
        named = [each for each in ROLES if each in ROLES_OF_ACTION[error.action]]
        roles = [reader.word("role", each) for each in named]
        why = reader.say(f"not_let.role.{'page' if opens else 'act'}", roles=roles)
    else:
        why = reader.say(f"not_let.{error.why}")
    return _page(request, 403, "not_let_page" if opens else "not_let", why=why)


def _reauthenticate(request: Request, error: ReauthenticationError) -> Response:
    wrong, ticket = error.wrong, error.form.password(forms.TICKET)
    if isinstance(wrong, FactorNeededError):
        # The password was right, and the second step follows.
        ticket, wrong = wrong.ticket, None
    step = None if ticket is None else factor_step(request.app.state.authenticator, ticket)
    is_late = ticket is not None and step is None
    name = "too_late" if is_late else None if wrong is None else wrong.name
    told = None if name is None else request_context.reader(request).word("prove", name)
    return _page_with_form(
        request, error.form, "reauthenticate", 403 if told else 200, wrong=told, act=error.action,
        site=error.site and site_name.shown(error.site), step=step, ticket=ticket,
        provider=request.app.state.oidc is not None,
    )  # fmt: skip


def _claimed(request: Request, error: ClaimedError) -> Response:
    when, path = request_context.reader(request).when, request.url.path
    return _error_page(
        request, context_if_signed_in(request), "queue/claimed", 409, fields=error.form.fields,
        action=path, holders=[(claim.by, when(rfc3339(claim.at))) for claim in error.held],
        back="/" if path.startswith("/queue/") else path.rpartition("/")[0],
    )  # fmt: skip


def _quota_exceeded(request: Request, error: QuotaExceededError) -> Response:
    """Report a used-up quota.

    An open page keeps its input; otherwise the input is kept for the form's page.
    """
    headers = {"Retry-After": str(error.facts["wait_s"])}
    why = request_context.reader(request).say("trouble.too_many_acts.why", **error.facts)
    if "HX-Request" in request.headers:
        return _in_open_page(request, 429, "too_many_acts", why, headers)
    return _page_with_form(request, error.form, "too_many_acts", 429, headers=headers, why=why)


def _own_error(request: Request, error: IncidentsError) -> Response:
    if isinstance(error, ServeKeyReplacedError):
        _log.error(error.message, error=error)
        return _page(request, 503, error.name)
    if isinstance(error, ReplicaReadError) and request.method == "GET":
        # The replica rests now: the same page comes from the primary.
        to = f"{request.url.path}?{request.url.query}".rstrip("?")
        return RedirectResponse(to, status_code=303, headers=rendering.HEADERS)
    if isinstance(error, DatabaseError):
        _log.error("the database is unavailable", error=error)
        return _page(request, 503, "database", headers={"Retry-After": "5"})
    if isinstance(error, SealedContentError | SealedReasonError | RevealDeniedError):
        why = messages.error_text(request_context.reader(request), error)
        return _page(request, 403, "sealed", why=why)
    if isinstance(error, InputError | RefusedError):
        unknown = error.name.startswith("unknown_")
        status, kind = (404, "not_found") if unknown else (422, "unreadable")
        why = messages.error_text(request_context.reader(request), error)
        return _page(request, status, kind, why=why)
    _log.error("a page failed", error=error)
    return _page(request, 500, "fault")


def _http(request: Request, error: HTTPException) -> Response:
    kinds = {404: "not_found", 405: "wrong_method", 413: "too_large"}
    kind = kinds.get(error.status_code, "unreadable")
    return _page(request, error.status_code, kind, headers=error.headers)


ERROR_PAGES: dict[int | type[Exception], Any] = {
    SignedOutError: _signed_out,
    NotAllowedError: _not_allowed,
    ReauthenticationError: _reauthenticate,
    ClaimedError: _claimed,
    QuotaExceededError: _quota_exceeded,
    FormTooLargeError: lambda request, _: _page(request, 413, "too_large"),
    RequestValidationError: lambda request, _: _page(request, 422, "unreadable"),
    IncidentsError: _own_error,
    HTTPException: _http,
    Exception: lambda request, _: _page(request, 500, "fault"),
}
"""The handlers for exceptions that the console's pages raise."""


def _page(
    request: Request, status: int, kind: str, *, why: str | None = None, headers: Any = None,
    again: str | None = None,
) -> Response:  # fmt: skip
    try:
        here = context_if_signed_in(request)
    except DatabaseError:
        here = None
    if "HX-Request" in request.headers:
        return _in_open_page(request, status, kind, why, headers)
    if here is None and kind == "not_found":
        kind = "not_found_signed_out"
    return _error_page(
        request,
        here,
        "error",
        status,
        headers=headers,
        kind=kind,
        why=why,
        code=status,
        again=again,
    )


def _in_open_page(
    request: Request, status: int, kind: str, why: str | None, headers: Any
) -> Response:
    """Show the error in the open page, without replacing the page's content."""
    reader = request_context.reader(request)
    told = f"{why or reader.say(f'trouble.{kind}')} {reader.say(f'trouble.{kind}.then')}"
    there = {
        "HX-Retarget": "#said", "HX-Reswap": "innerHTML", "HX-Reselect": "unset", **(headers or {}),
    }  # fmt: skip
    flash = Flash("refused", told)
    return rendering.response("flash_only", reader, status=status, headers=there, flash=flash)


def _page_with_form(
    request: Request, form: SentForm, template: str, status: int, **facts: Any
) -> Response:
    """A page from which the user can resubmit the form.

    The input is also kept for the page that the form belongs to.
    """
    here, path, place = context_if_signed_in(request), request.url.path, "/"
    if here is not None:
        opened = path.removeprefix(kept_form.page_of_form(path)).strip("/") or None
        place = kept_form.keep_sent(request, here.by, form.fields, opened)
    return _error_page(
        request, here, template, status, place=place, fields=form.fields, files=form.has_files,
        action=path, **facts,
    )  # fmt: skip


def _error_page(
    request: Request, here: RequestContext | None, template: str, status: int, *,
    headers: Any = None, place: str | None = None, **facts: Any,
) -> Response:  # fmt: skip
    known: dict[str, object] = (
        {"me": None, "csrf": "", "may": lambda _action: False, "here": "/"}
        if here is None
        else here.known
    )
    if place is not None:
        known["here"] = known["place"] = place
    return rendering.response(
        template, request_context.reader(request), status=status, headers=headers, flash=None,
        **known, **facts,
    )  # fmt: skip
