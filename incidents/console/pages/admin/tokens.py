"""The tokens of programs: one's own, those of an account, and all of them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.accounts import secrets
from incidents.console import messages
from incidents.console.pages.admin import account_acts, accounts, my_account
from incidents.console.pages.admin.account_acts import KEEP
from incidents.console.pages.admin.accounts import Administrator
from incidents.console.request_context import needs
from incidents.console.submission import Submission, Submitted
from incidents.desk import tokens
from incidents.desk.tokens import BadExpiryError
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import accounts as stored_accounts
from incidents.views import accounts as account_views

router = APIRouter()

PAGE = "/admin/tokens"


@router.get(PAGE)
def show(here: Administrator) -> Response:
    """List the tokens of all accounts."""
    with here.timed(latest=True) as (connection, timed):
        found = account_views.tokens(connection)
    return timed.page("admin/tokens", tokens=found)


@router.post(f"{PAGE}/{{token}}/revoke", dependencies=needs(KEEP))
def revoke(desk: Submitted, token: str) -> Response:
    """Revoke the token of somebody else."""
    to = accounts.at(desk.form.text("of") or "") if desk.form.text("of") else PAGE
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: tokens.revoke_token(c, by, token, now),
        to, "tokens.revoked", token=token[:40],
    )  # fmt: skip


@router.post(f"{accounts.PAGE}/{{handle}}/tokens/make", dependencies=needs(KEEP))
def make(desk: Submitted, handle: str) -> Response:
    """Make a token for a program of somebody else, and show it once."""
    return _make(desk, KEEP, handle, accounts.at(handle))


@router.post(f"{my_account.PAGE}/tokens/make", dependencies=needs("make_token"))
def make_own(desk: Submitted) -> Response:
    """Make a token for a program of one's own, and show it once."""
    return _make(desk, "make_token", desk.by, my_account.PAGE)


@router.post(f"{my_account.PAGE}/tokens/{{token}}/revoke")
def revoke_own(desk: Submitted, token: str) -> Response:
    """Revoke a token of one's own."""
    with desk.reading() as connection:
        found = stored_accounts.token_of_id(connection, token)
    is_own = found is not None and found.handle == desk.by
    return account_acts.answered(
        desk, "own_account" if is_own else KEEP,
        lambda c, by, now: tokens.revoke_token(c, by, token, now),
        my_account.PAGE, "tokens.revoked", token=token[:40],
    )  # fmt: skip


def _make(desk: Submission, action: str, handle: str, back: str) -> Response:
    secret = secrets.random_token()
    try:
        days, acts = _days(desk.form.text("days") or ""), _chosen(desk)
        made = account_acts.on_record(
            desk,
            action,
            lambda c, by, now: tokens.make_token(
                c, by, handle, secret, now, days=days, acts=acts, seal=desk.app.seal
            ),
        )
    except (InputError, RefusedError) as error:
        return desk.back(back, messages.of_error(desk.reader, error))
    return desk.page(
        "admin/token_made", token=account_views.token_document(made), secret=secret, back=back
    )


def _chosen(desk: Submission) -> list[str] | None:
    """The only actions of the token; None for all that the role allows.

    Raises InputError if neither is clear: no action is chosen, or actions beside "all".
    """
    acts = desk.form.texts("act")
    if (desk.form.text("scope") == "all") == bool(acts):
        raise InputError(desk.reader.say("tokens.no_acts"))
    return acts or None


def _days(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise BadExpiryError(days=typed[:20], most=tokens.MAX_DAYS)
    return int(typed)
