"""The pages of accounts: all of them, the invitations, and one account with what it may do."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from incidents.accounts import secrets
from incidents.accounts.identity import ROLES, is_handle
from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.pages.admin import account_acts
from incidents.console.pages.admin.account_acts import KEEP
from incidents.console.request_context import RequestContext, needs, signed_in_context
from incidents.console.submission import Submission, Submitted
from incidents.desk import accounts as desk_accounts
from incidents.desk import invitations
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import factors
from incidents.values.peer_address import is_loopback
from incidents.views import accounts

router = APIRouter()

PAGE = "/admin/accounts"


def _administrator(
    here: Annotated[RequestContext, Depends(signed_in_context)],
) -> RequestContext:
    here.needs("see_accounts")
    return here


Administrator = Annotated[RequestContext, Depends(_administrator)]


@router.get(PAGE)
def show(here: Administrator) -> Response:
    """List the accounts and the open invitations, with the forms for new ones."""
    return _list(here)


@router.post(f"{PAGE}/invite", dependencies=needs(KEEP))
def invite(desk: Submitted) -> Response:
    """Invite somebody, and show the link once."""
    handle, role = (desk.form.text(name) for name in ("handle", "role"))
    secret = secrets.random_secret()
    try:
        made = account_acts.on_record(
            desk,
            KEEP,
            lambda c, by, now: invitations.invite(
                c, by, handle or "", role, now, secret=secret, seal=desk.app.seal
            ),
        )
    except (InputError, RefusedError) as error:
        return _list(desk, flash=messages.of_error(desk.reader, error))
    link = f"{origin(desk.request)}{accounts.INVITATION_PATH}{secret}"
    return desk.page("admin/invited", handle=made.handle, until=made.expires_at, link=link)


@router.post(f"{PAGE}/invitations/{{invitation}}/revoke", dependencies=needs(KEEP))
def revoke_invitation(desk: Submitted, invitation: str) -> Response:
    """Revoke an invitation."""
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: invitations.revoke(c, by, invitation, now),
        _page_of_form(desk), "accounts.uninvited",
    )  # fmt: skip


@router.get(f"{PAGE}/{{handle}}")
def show_one(here: Administrator, handle: str) -> Response:
    """Show one account, with its sessions and invitations."""
    return _one(here, handle)


@router.post(f"{PAGE}/{{handle}}/role", dependencies=needs(KEEP))
def give_role(desk: Submitted, handle: str) -> Response:
    """Give the account another role."""
    role = desk.form.text("role") or ""
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: desk_accounts.give_role(c, by, handle, role, now),
        at(handle), "accounts.role_given", handle=handle, role=role,
    )  # fmt: skip


@router.post(f"{PAGE}/{{handle}}/disable", dependencies=needs(KEEP))
def disable(desk: Submitted, handle: str) -> Response:
    """Disable the account."""
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: desk_accounts.disable(c, by, handle, now),
        at(handle), "accounts.disabled", handle=handle,
    )  # fmt: skip


@router.post(f"{PAGE}/{{handle}}/enable", dependencies=needs(KEEP))
def enable(desk: Submitted, handle: str) -> Response:
    """Enable the account again."""
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: desk_accounts.enable(c, by, handle, now),
        at(handle), "accounts.enabled", handle=handle,
    )  # fmt: skip


@router.post(f"{PAGE}/{{handle}}/sign-out", dependencies=needs(KEEP))
def sign_out(desk: Submitted, handle: str) -> Response:
    """End one session of the account, or all of them."""
    desk.authorise(KEEP)
    session, open_sessions = desk.form.text("session"), desk.app.open_sessions
    own = {each.id for each in open_sessions.of(handle)} if is_handle(handle) else set()
    for each in own if session is None else own & {session}:
        open_sessions.end(each, desk.by)
    return desk.back(at(handle), Flash("done", desk.reader.say("sessions.ended")))


def at(handle: str) -> str:
    """The path of the account's page."""
    return f"{PAGE}/{handle if is_handle(handle) else ''}".rstrip("/")


def origin(request: Request) -> str:
    """The address at which this console was asked, for a link that somebody else opens."""
    # Behind a proxy, the request itself comes by http.
    own = urlsplit(str(request.url))
    return f"{own.scheme if is_loopback(own.hostname) else 'https'}://{own.netloc}"


def _page_of_form(desk: Submission) -> str:
    return at(desk.form.text("of") or "")


def _list(who: RequestContext, *, flash: Flash | None = None) -> Response:
    with who.timed(latest=True) as (connection, here):
        found = accounts.accounts(connection)
        invited = accounts.invitations(connection, here.reader.now)
    return here.page(
        "admin/accounts", status=422 if flash else 200, flash=flash, accounts=found,
        roles_to_give=ROLES,
        invitations=[each for each in invited if each["state"] == "open"], typed=here.typed,
    )  # fmt: skip


def _one(who: RequestContext, handle: str) -> Response:
    with who.timed(latest=True) as (connection, here):
        found = desk_accounts.known(connection, handle)
        document = accounts.account(connection, found)
        invited = accounts.invitations(connection, here.reader.now, handle)
        tokens = accounts.tokens(connection, [handle])
        own_factors = factors.of(connection, handle)
        is_last = desk_accounts.is_last_administrator(connection, found)
    sessions = here.app.open_sessions.of(handle)
    return here.page(
        "admin/account", account=document, roles_to_give=ROLES, path=at(handle),
        sessions=[accounts.session_document(each, here.identity.session) for each in sessions],
        factors=[each for each in own_factors if each.kind != factors.RECOVERY],
        codes=sum(each.kind == factors.RECOVERY for each in own_factors),
        invitations=invited, tokens=tokens, acts=account_acts.acts_of(found.role),
        not_now=here.reader.say("accounts.last", handle=handle) if is_last else None,
    )  # fmt: skip
