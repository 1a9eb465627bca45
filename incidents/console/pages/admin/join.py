"""The page that an invitation's link opens: the person chooses a password, and is signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from incidents import clock
from incidents.accounts import access_settings, secrets
from incidents.api import authentication
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import messages, rendering, request_context
from incidents.console.forms import NEW_PASSWORD, SAME_PASSWORD, NotAllowedError
from incidents.console.pages.sign_in import Form
from incidents.desk import invitations
from incidents.desk.invitations import InvitationOverError
from incidents.errors import InputError, RefusedError
from incidents.views.accounts import INVITATION_PATH

router = APIRouter()

_PATH = INVITATION_PATH + "{secret}"


@router.get(_PATH)
def show(request: Request, secret: str) -> Response:
    """Show who is invited, and ask for a password; opening the link does not use it."""
    return _page(request, secret)


@router.post(_PATH)
def accept(request: Request, secret: str, form: Form) -> Response:
    """Set the password that the person chose, and sign them in, unless a factor is asked for."""
    if authentication.is_from_elsewhere(request):
        raise NotAllowedError("form", "csrf")
    reader, app = request_context.reader(request), request.app.state.app
    new = form.password(NEW_PASSWORD) or ""
    if new != form.password(SAME_PASSWORD):
        return _page(request, secret, wrong=reader.say("password.differ"))
    try:
        with app.reading() as connection:
            # Hashing takes time on purpose: not for a link that does not work.
            _, account = invitations.opened(connection, secret, clock.now(), app.seal)
        hash_, wait = secrets.hash_password(new, account.handle), access_settings.second_after()
        handle = app.desk.on_record(
            lambda c: invitations.accept(
                c, secret, hash_, clock.now, second_after=wait, seal=app.seal
            )
        )
    except InvitationOverError:
        return _page(request, secret)
    except (InputError, RefusedError) as error:
        return _page(request, secret, wrong=messages.error_text(reader, error))
    if request.app.state.authenticator.factors.are_asked_for(handle):
        # A link that replaces a forgotten password is no way around the second factor.
        return _page(request, secret, done=True)
    visit = request.app.state.authenticator.begin(
        handle, how="invitation", place=address_of(request)
    )
    answer = RedirectResponse("/", status_code=303, headers=rendering.HEADERS)
    session.begin(request, answer, visit)
    return answer


def _page(
    request: Request, secret: str, *, wrong: str | None = None, done: bool = False
) -> Response:
    reader, app = request_context.reader(request), request.app.state.app
    path = f"{INVITATION_PATH}{secret}"
    account, until, status = None, None, 422 if wrong else 200
    try:
        with app.reading() as connection:
            found, account = invitations.opened(connection, secret, clock.now(), app.seal)
        until = found.expires_at
    except InvitationOverError:
        status = 200 if done else 404
    return rendering.response(
        "admin/join", reader, status=status, path=path, account=account, until=until, wrong=wrong,
        done=done,
        least=secrets.MIN_CHARACTERS, most=secrets.MAX_CHARACTERS,
        here="/sign-in" if account is None else path, me=None, csrf="", flash=None,
        may=lambda _action: False,
    )  # fmt: skip
