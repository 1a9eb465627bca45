"""The page of one's own account: the password and the sessions."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from incidents.accounts import access_settings, secrets
from incidents.accounts.second_factor import FactorNeededError
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import factor_step, messages, rendering
from incidents.console.flash import Flash, set_flash
from incidents.console.forms import NEW_PASSWORD, SAME_PASSWORD, TICKET
from incidents.console.pages.admin import account_acts
from incidents.console.request_context import RequestContext, SignedIn
from incidents.console.submission import Submitted
from incidents.desk import accounts as desk_accounts
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import accounts as stored_accounts
from incidents.store.accounts import factors
from incidents.views import accounts

router = APIRouter()

PAGE = "/account"


@router.get(PAGE)
def show(here: SignedIn) -> Response:
    """Show the person's own account, tokens, second factors and sessions."""
    return _page(here)


@router.get("/sessions")
def old_page() -> Response:
    """Redirect to the page of the account, which has the sessions."""
    return RedirectResponse(PAGE, status_code=303, headers=rendering.HEADERS)


@router.post(f"{PAGE}/sessions/{{session}}/end")
def end_session(desk: Submitted, session: str) -> Response:
    """End another session of the same person."""
    if desk.app.open_sessions.owner_of(session) != desk.by:
        return desk.back(PAGE, Flash("refused", desk.reader.say("sessions.gone")))
    desk.app.open_sessions.end(session, desk.by)
    return desk.back(PAGE, Flash("done", desk.reader.say("sessions.ended")))


@router.post(f"{PAGE}/password")
def change_password(desk: Submitted) -> Response:
    """Set another password, after the old one; the person's other sessions end."""
    new, say = desk.form.password(NEW_PASSWORD) or "", desk.reader.say
    if desk.form.password(TICKET) is not None or isinstance(desk.unproved, FactorNeededError):
        # Passwords are never kept for a second step: they are entered again after it.
        desk.authorise("set_password")
        return desk.back(PAGE, Flash("done", say("password.confirmed")))
    if desk.unproved is not None or not desk.has_proved:
        # Also a moment after the sign-in: an open browser alone sets no password.
        name = "sign_in" if desk.unproved is None else desk.unproved.name
        return _page(desk, wrong=desk.reader.word("prove", name))
    if new != desk.form.password(SAME_PASSWORD):
        return _page(desk, wrong=say("password.differ"))
    try:
        hash_, wait = secrets.hash_password(new, desk.by), access_settings.second_after()
        account_acts.on_record(
            desk,
            "set_password",
            lambda c, by, now: desk_accounts.set_password(
                c, by, desk.by, hash_, now, second_after=wait, seal=desk.app.seal
            ),
        )
    except (InputError, RefusedError) as error:
        return _page(desk, wrong=messages.of_error(desk.reader, error).words)
    visit = desk.authenticator.begin(desk.by, place=address_of(desk.request), how="password")
    answer = desk.back(PAGE)
    session.begin(desk.request, answer, visit)
    return set_flash(answer, Flash("done", say("password.changed")))


def _page(who: RequestContext, *, wrong: str | None = None) -> Response:
    with who.timed(latest=True) as (connection, here):
        own = stored_accounts.account(connection, who.by)
        account = None if own is None else accounts.account(connection, own)
        tokens = accounts.tokens(connection, [who.by])
        own_factors = factors.of(connection, who.by)
    sessions = here.app.open_sessions.of(here.by)
    return here.page(
        "admin/my_account", status=422 if wrong else 200, account=account, wrong=wrong,
        factors=[each for each in own_factors if each.kind != factors.RECOVERY],
        codes=sum(each.kind == factors.RECOVERY for each in own_factors),
        tokens=tokens, acts=account_acts.acts_of(who.identity.role),
        sessions=[accounts.session_document(each, here.identity.session) for each in sessions],
        least=secrets.MIN_CHARACTERS, most=secrets.MAX_CHARACTERS,
        key_host=factor_step.other_key_host(here),
    )  # fmt: skip
