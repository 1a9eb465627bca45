"""The accounts over HTTP, with their roles, passwords and tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, TypeVar, cast

from fastapi import Query
from pydantic import Field
from sqlalchemy import Connection

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.access_settings import second_after
from incidents.accounts.identity import is_handle
from incidents.api import bodies, problems
from incidents.api.authentication import Key, ReadCaller
from incidents.api.caller import Caller
from incidents.api.operation import operation, router
from incidents.contract.documents import accounts as account_documents
from incidents.desk import accounts as desk_accounts
from incidents.desk import factors, invitations, tokens
from incidents.desk.own_stream import Actor, IdempotencyKey
from incidents.store.accounts import accounts as stored_accounts
from incidents.views import accounts as account_views

routes = router("accounts")

T = TypeVar("T")

_MOST = 1_000


class NewAccount(bodies.Form):
    """The account to create."""

    handle: str = Field(max_length=100)
    role: str = Field(max_length=100)


class Change(bodies.Form):
    """Changes to an account; omitted fields stay unchanged."""

    role: str | None = Field(None, max_length=100)
    disabled: bool | None = None


class Password(bodies.Form):
    """A new password."""

    password: str = Field(max_length=_MOST)


class NewInvitation(bodies.Form):
    """The person to invite; `role`: the role of the new account."""

    handle: str = Field(max_length=100)
    role: str | None = Field(None, max_length=100)


class NewToken(bodies.Form):
    """A new token; by default for your own account."""

    handle: str | None = Field(None, max_length=100)
    days: int
    acts: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Actions that the token allows. Default: all actions of the account.",
    )


Handle = Annotated[str | None, Query(max_length=100, description="Only this account.")]


@routes.get("/accounts", **operation("see_accounts", account_documents.Accounts))
def list_accounts(by: ReadCaller) -> account_documents.Accounts:
    """List all accounts."""
    with by.app.reading() as connection:
        return {"items": account_views.accounts(connection)}


@routes.post(
    "/accounts", **operation("keep_accounts", account_documents.Account, status=201, acting=True)
)
def make(by: ReadCaller, new: NewAccount, key: Key = None) -> account_documents.Account:
    """Create an account. To sign in, it needs a password or a token, which you give it next."""
    once = _once(by, key, "make_account", new)

    def action(
        connection: Connection, who: Actor, now: Callable[[], datetime]
    ) -> account_documents.Account:
        kept = once.before(connection)
        if kept is not None:
            return cast("account_documents.Account", kept)
        made = desk_accounts.make(connection, who, new.handle, new.role, now)
        answer = account_views.account(connection, made)
        once.keep(connection, answer, made.made_at)
        return answer

    return _do(by, action)


@routes.get("/accounts/{handle}", **operation("own_account", account_documents.Account))
def show(by: ReadCaller, handle: str) -> account_documents.Account:
    """Show an account."""
    by.needs_account(handle, "see_accounts")
    return _account(by, handle)


@routes.patch(
    "/accounts/{handle}", **operation("keep_accounts", account_documents.Account, acting=True)
)
def change(by: ReadCaller, handle: str, change: Change) -> account_documents.Account:
    """Change the role of an account, or disable or enable it.

    The change applies to its sessions and tokens at once.
    """

    def action(connection: Connection, who: Actor, now: Callable[[], datetime]) -> None:
        if change.role is not None:
            desk_accounts.give_role(connection, who, handle, change.role, now)
        if change.disabled is not None:
            switch = desk_accounts.disable if change.disabled else desk_accounts.enable
            switch(connection, who, handle, now)

    _do(by, action)
    return _account(by, handle)


@routes.put("/accounts/{handle}/password", **operation("set_password", status=204, acting=True))
def set_password(by: ReadCaller, handle: str, new: Password) -> None:
    """Set a new password for an account.

    All sessions of the account end, including the one that makes this request.
    """
    by.needs_account(handle)
    hash_ = secrets.hash_password(new.password, handle)
    wait, seal = second_after(), by.app.seal
    _do(
        by,
        lambda c, who, now: desk_accounts.set_password(
            c, who, handle, hash_, now, second_after=wait, seal=seal
        ),
    )


@routes.delete("/accounts/{handle}/factors", **operation("keep_accounts", status=204, acting=True))
def reset_factors(by: ReadCaller, handle: str) -> None:
    """Remove all second factors of an account whose owner has lost them.

    The person then signs in with the password alone, and adds new ones in the console.
    """
    _do(by, lambda c, who, now: factors.reset(c, who, handle, now))


@routes.get("/tokens", **operation("own_account", account_documents.Tokens))
def list_tokens(
    by: ReadCaller,
    handle: Annotated[str | None, Query(max_length=100)] = None,
    everybodys: Annotated[bool, Query(alias="all")] = False,
) -> account_documents.Tokens:
    """List your own tokens, the tokens of one account, or all tokens, without their secrets."""
    of = by.by if handle is None else handle
    by.needs_account(None if everybodys else of, "see_accounts")
    handles = None if everybodys else [of] if is_handle(of) else []
    with by.app.reading() as connection:
        return {"items": account_views.tokens(connection, handles)}


@routes.post(
    "/tokens", **operation("make_token", account_documents.NewToken, status=201, acting=True)
)
def make_token(by: ReadCaller, new: NewToken, key: Key = None) -> account_documents.NewToken:
    """Create a token; only this answer contains the token's `secret`.

    The secret is not stored. The same request with the same Idempotency-Key creates no other token
    and does not return the secret again; the response is 409, and `token` names the token. Revoke
    that token, and create a new one with a new key.
    """
    handle = by.by if new.handle is None else new.handle
    by.needs_account(handle)
    once, secret = _once(by, key, "make_token", new), secrets.random_token()

    def action(
        connection: Connection, who: Actor, now: Callable[[], datetime]
    ) -> account_documents.NewToken:
        kept = once.before(connection)
        if kept is not None:
            token = kept["token"]
            raise problems.problem(
                HTTPStatus.CONFLICT,
                "token_made",
                "this key has already created a token, and only that answer had its secret: if you"
                f" did not receive it, DELETE /api/v1/tokens/{token} and create another token under"
                " another key",
                token=token,
            )
        made = tokens.make_token(
            connection, who, handle, secret, now, days=new.days, acts=new.acts, seal=by.app.seal
        )  # fmt: skip
        once.keep(connection, {"token": made.id}, made.made_at)
        return {**account_views.token_document(made), "secret": secret}

    return _do(by, action)


@routes.delete("/tokens/{token}", **operation("own_account", status=204, acting=True))
def revoke(by: ReadCaller, token: str) -> None:
    """Revoke a token at once: your own or, if you confirm your password, another account's."""
    with by.app.reading() as connection:
        found = stored_accounts.token_of_id(connection, token)
    by.needs_account(None if found is None else found.handle)
    _do(by, lambda c, who, now: tokens.revoke_token(c, who, token, now))


@routes.get("/invitations", **operation("see_accounts", account_documents.Invitations))
def list_invitations(by: ReadCaller, handle: Handle = None) -> account_documents.Invitations:
    """List the invitations of all accounts, or of one, the newest first."""
    with by.app.reading() as connection:
        return {"items": account_views.invitations(connection, clock.now(), handle)}


@routes.post(
    "/invitations",
    **operation("keep_accounts", account_documents.NewInvitation, status=201, acting=True),
)
def invite(by: ReadCaller, new: NewInvitation) -> account_documents.NewInvitation:
    """Invite somebody to choose a password, for 72 hours; only this answer contains the `path`.

    Creates the account with the `role` if there is none. Earlier invitations of the account end. By
    an invitation, somebody who has forgotten their password can choose another one.
    """
    secret = secrets.random_secret()

    def action(
        connection: Connection, who: Actor, now: Callable[[], datetime]
    ) -> account_documents.NewInvitation:
        made = invitations.invite(
            connection, who, new.handle, new.role, now, secret=secret, seal=by.app.seal
        )
        role = desk_accounts.known(connection, made.handle).role
        return account_views.new_invitation(made, role, secret, made.made_at)

    return _do(by, action)


@routes.delete("/invitations/{invitation}", **operation("keep_accounts", status=204, acting=True))
def revoke_invitation(by: ReadCaller, invitation: str) -> None:
    """Revoke an invitation at once."""
    _do(by, lambda c, who, now: invitations.revoke(c, who, invitation, now))


def _once(by: Caller, key: str | None, action: str, asked: bodies.Form) -> IdempotencyKey:
    return IdempotencyKey(
        key=None if key is None else f"{by.by}:{key}", by=by.by,
        request=json.dumps([action, by.by, asked.model_dump()]), given_key=key,
    )  # fmt: skip


def _do(by: Caller, action: Callable[[Connection, Actor, Callable[[], datetime]], T]) -> T:
    by.take_quota(1)
    who = Actor(person=by.by, login=by.identity.login, signed_in=True)
    return by.app.desk.on_record(lambda connection: action(connection, who, clock.now))


def _account(by: Caller, handle: str) -> account_documents.Account:
    with by.app.reading() as connection:
        found = stored_accounts.account(connection, handle) if is_handle(handle) else None
        if found is None:
            raise desk_accounts.UnknownAccountError(handle=handle)
        return account_views.account(connection, found)
