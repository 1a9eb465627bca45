"""The console's sign-in: sign in, sign out, and switch the language.

The page of sessions and of the sign-in log is here too.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from incidents.accounts.authenticator import SignInError
from incidents.accounts.throttle import BlockedError
from incidents.api import authentication
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import rendering, request_context
from incidents.console.forms import NotAllowedError, SentForm, anonymous_form
from incidents.console.languages import LANGUAGES
from incidents.console.rendering import Flash
from incidents.console.request_context import Viewer
from incidents.console.submission import Submitted
from incidents.views import accounts

router = APIRouter()

MOST = 100
"""The maximum number of sign-ins shown, the newest first."""

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
    except SignInError:
        return page(request, to, handle=handle, wrong="sign_in.wrong", status=401)
    except BlockedError as error:
        wait_s = error.facts["wait_s"]
        return page(request, to, handle=handle, wrong="sign_in.blocked", status=429, wait_s=wait_s)
    answer = RedirectResponse(own(to), status_code=303, headers=rendering.HEADERS)
    session.begin(request, answer, visit)
    return answer


@router.post("/sign-out")
def sign_out(desk: Submitted) -> Response:
    """End the session, in the browser and on the server."""
    desk.authenticator.sign_out(desk.visit.cookie)
    answer = RedirectResponse("/sign-in", status_code=303, headers=rendering.HEADERS)
    session.forget(answer)
    return answer


@router.get("/sessions")
def show_sessions(here: Viewer) -> Response:
    """Show the person's own sessions; administrators also see sign-ins and refusals."""
    own = here.app.open_sessions.of(here.by)
    found = [accounts.session_document(each, here.identity.session) for each in own]
    sign_ins, refusals = [], []
    if here.identity.may("see_sign_ins"):
        with here.app.reading() as connection:
            sign_ins = accounts.sign_ins(connection, limit=MOST)["items"]
            refusals = accounts.sign_in_refusals(connection, limit=MOST)
    return here.page("sessions", sessions=found, sign_ins=sign_ins, refusals=refusals, most=MOST)


@router.post("/sessions/{session}/end")
def end_session(desk: Submitted, session: str) -> Response:
    """End another session of the same person."""
    if desk.app.open_sessions.owner_of(session) != desk.by:
        return desk.back("/sessions", Flash("refused", desk.reader.say("sessions.gone")))
    desk.app.open_sessions.end(session, desk.by)
    return desk.back("/sessions", Flash("done", desk.reader.say("sessions.ended")))


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
