"""The console's sign-in: sign in, sign out, and switch the language."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError
from incidents.accounts.second_factor import FactorNeededError
from incidents.accounts.security_keys import Answer, WrongFactorError
from incidents.accounts.sign_in_ticket import TICKET_FOR
from incidents.accounts.throttle import BlockedError
from incidents.api import authentication
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import rendering, request_context
from incidents.console.factor_step import factor_step
from incidents.console.forms import NotAllowedError, SentForm, anonymous_form
from incidents.console.languages import LANGUAGES
from incidents.console.submission import Submitted

router = APIRouter()

FACTOR = "/sign-in/factor"
TICKET = "__Host-incidents-ticket"
"""The cookie of somebody whose password was right, until they give the second factor."""

Form = Annotated[SentForm, Depends(anonymous_form)]


@router.get("/sign-in")
def show(request: Request, to: str = "/") -> Response:
    """Show the sign-in form; redirect a person who is already signed in."""
    if authentication.visitor(request) is not None:
        return RedirectResponse(own(to), status_code=303, headers=rendering.HEADERS)
    return page(request, to)


@router.post("/sign-in")
def sign_in(request: Request, form: Form) -> Response:
    """Sign in a person who filled in the console's own form."""
    if authentication.is_from_elsewhere(request):
        # Another site's page would have them work here under a name that is not theirs.
        raise NotAllowedError("form", "csrf")
    to, handle = form.text("to") or "/", form.text("handle") or ""
    try:
        visit = request.app.state.authenticator.sign_in(
            handle, form.password() or "", address_of(request), session.browser(request)
        )
    except FactorNeededError as error:
        place = f"{FACTOR}?{urlencode({'to': own(to)})}"
        answer = RedirectResponse(place, status_code=303, headers=rendering.HEADERS)
        _set_ticket(answer, error.ticket)
        return answer
    except SignInError:
        return page(request, to, handle=handle, wrong="sign_in.wrong", status=401)
    except BlockedError as error:
        wait_s = error.facts["wait_s"]
        return page(request, to, handle=handle, wrong="sign_in.blocked", status=429, wait_s=wait_s)
    answer = RedirectResponse(own(to), status_code=303, headers=rendering.HEADERS)
    session.begin(request, answer, visit)
    return answer


@router.get(FACTOR)
def ask_for_factor(request: Request, to: str = "/") -> Response:
    """Ask somebody whose password was right for their second factor."""
    return _factor_form(request, to)


@router.post(FACTOR)
def check_factor(request: Request, form: Form) -> Response:
    """Sign in a person whose password was right, by their second factor."""
    if authentication.is_from_elsewhere(request):
        raise NotAllowedError("form", "csrf")
    to, given = form.text("to") or "/", Answer(form.text("code"), form.text("credential"))
    if given.code is None and given.credential is None:
        return _factor_form(request, to, wrong="factors.wrong_code", status=422)
    try:
        visit = request.app.state.authenticator.finish(
            request.cookies.get(TICKET, ""), given, address_of(request), session.browser(request)
        )
    except WrongFactorError:
        return _factor_form(request, to, wrong="factors.wrong_code", status=401)
    except SignInError:
        return _factor_form(request, to)
    except BlockedError as error:
        wait_s = error.facts["wait_s"]
        return _factor_form(request, to, wrong="sign_in.blocked", status=429, wait_s=wait_s)
    answer = RedirectResponse(own(to), status_code=303, headers=rendering.HEADERS)
    session.begin(request, answer, visit)
    _set_ticket(answer, "")
    return answer


@router.post("/sign-out")
def sign_out(desk: Submitted) -> Response:
    """End the session, in the browser and on the server."""
    desk.authenticator.sign_out(desk.visit.cookie)
    answer = RedirectResponse("/sign-in", status_code=303, headers=rendering.HEADERS)
    session.forget(answer)
    return answer


@router.post("/language")
def language(form: Form) -> Response:
    """Switch the language of the browser; the account has no language."""
    wanted, to = form.text("language"), form.text("to") or "/"
    answer = RedirectResponse(own(to), status_code=303, headers=rendering.HEADERS)
    if wanted in LANGUAGES:
        answer.set_cookie(
            request_context.LANGUAGE_COOKIE, wanted, max_age=365 * 86_400, path="/", secure=True,
            httponly=True, samesite="strict",
        )  # fmt: skip
    return answer


def own(to: str) -> str:
    """Return the path if it belongs to this console, otherwise the path of its first page."""
    # With one slash before it, it names no other host; browsers take a backslash for a slash.
    is_own = to.startswith("/") and not to.startswith("//") and "\\" not in to
    return to if is_own and to.isprintable() else "/"


def page(
    request: Request, to: str, *, handle: str = "", wrong: str | None = None, status: int = 200,
    wait_s: int = 0,
) -> Response:  # fmt: skip
    """Return the sign-in page, which leads to the path `to`; `wrong`: the key of a message."""
    reader = request_context.reader(request)
    told = None if wrong is None else reader.say(wrong, wait_s=wait_s)
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    return rendering.response(
        "sign_in", reader, status=status, headers=headers, to=own(to), handle=handle[:100],
        wrong=told, here=own(to), me=None, csrf="",
        provider=request.app.state.oidc is not None, flash=None, may=lambda _action: False,
    )  # fmt: skip


def _set_ticket(answer: Response, ticket: str) -> None:
    answer.set_cookie(
        TICKET, ticket, path="/", secure=True, httponly=True, samesite="strict",
        max_age=int(TICKET_FOR.total_seconds()) if ticket else 0,
    )  # fmt: skip


def _factor_form(
    request: Request, to: str, *, wrong: str | None = None, status: int = 200, wait_s: int = 0
) -> Response:
    authenticator: Authenticator = request.app.state.authenticator
    step = factor_step(authenticator, request.cookies.get(TICKET, ""))
    if step is None:
        return page(request, to, wrong="factors.too_late", status=401)
    reader = request_context.reader(request)
    told = None if wrong is None else reader.say(wrong, wait_s=wait_s)
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    return rendering.response(
        "admin/sign_in_factor", reader, status=status, headers=headers, to=own(to), wrong=told,
        step=step,
        here=f"{FACTOR}?{urlencode({'to': own(to)})}", me=None, csrf="", flash=None,
        may=lambda _action: False,
    )  # fmt: skip
