"""The accounts and tokens of a local database.

For those of a server, see `client.accounts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from incidents import clock
from incidents.accounts import access_settings, secrets
from incidents.accounts.identity import Identity, is_handle
from incidents.cli import reauthentication
from incidents.desk import accounts, factors, invitations, own_stream, tokens
from incidents.desk.own_stream import Actor
from incidents.errors import RefusedError
from incidents.store.accounts import accounts as stored_accounts
from incidents.views import accounts as account_views

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from incidents.cli.run import Run
    from incidents.contract.documents.accounts import (
        Account,
        Invitation,
        NewInvitation,
        NewToken,
        OpenSession,
        Refused,
        SignIn,
        Token,
    )


T = TypeVar("T")


class NotAllowedError(RefusedError):
    """{by} has the role {role} and can manage only their own account: ask an administrator"""


class AccountAdmin:
    """The accounts and tokens of the database; each change goes on record with its author.

    Each method calls the function of the same name in `desk.accounts` or `desk.tokens`, and raises
    the same errors.
    """

    def __init__(self, run: Run, by: Actor | None = None) -> None:
        self._run = run
        self._by = by

    @property
    def signed_in(self) -> bool:
        """Whether the administrator has signed in for this command."""
        return self._by is not None and self._by.signed_in

    def accounts(self) -> list[Account]:
        """All accounts, by handle."""
        with self._run.local.reading() as connection:
            return account_views.accounts(connection)

    def account(self, handle: str) -> Account:
        """Return one account.

        Raises:
            UnknownAccountError: if there is no such account.
        """
        with self._run.local.reading() as connection:
            found = stored_accounts.account(connection, handle) if is_handle(handle) else None
            if found is None:
                raise accounts.UnknownAccountError(handle=handle)
            return account_views.account(connection, found)

    def make(self, handle: str, role: str) -> None:
        """Add an account."""
        self._do(lambda c, by, now: accounts.make(c, by, handle, role, now))

    def make_first(self, handle: str, hash_: str) -> bool:
        """Add an administrator with a password, from its hash, if there are no accounts yet.

        Return whether there were none.
        """
        wait, seal = access_settings.second_after(), self._run.local.seal

        def make(c: Connection, by: Actor, now: Callable[[], datetime]) -> bool:
            # Somebody else may have been faster, while this person was asked.
            own_stream.locked(c)
            if stored_accounts.any_exist(c):
                return False
            accounts.make(c, by, handle, "administrator", now)
            accounts.set_password(c, by, handle, hash_, now, second_after=wait, seal=seal)
            return True

        return self._do(make)

    def give_role(self, handle: str, role: str) -> bool:
        """Give an account another role; return whether that changed anything."""
        return self._do(lambda c, by, now: accounts.give_role(c, by, handle, role, now))

    def disable(self, handle: str) -> bool:
        """Disable an account; return whether that changed anything."""
        return self._do(lambda c, by, now: accounts.disable(c, by, handle, now))

    def enable(self, handle: str) -> bool:
        """Enable a disabled account; return whether that changed anything."""
        return self._do(lambda c, by, now: accounts.enable(c, by, handle, now))

    def set_password(self, handle: str, new: str) -> None:
        """Set a new password; all sessions of the account end."""
        hash_, wait = secrets.hash_password(new, handle), access_settings.second_after()
        seal = self._run.local.seal
        self._do(
            lambda c, by, now: accounts.set_password(
                c, by, handle, hash_, now, second_after=wait, seal=seal
            )
        )

    def reset_factors(self, handle: str) -> bool:
        """Remove all second factors of an account; return whether there were any."""
        return self._do(lambda c, by, now: factors.reset(c, by, handle, now))

    def tokens(self, of: str | None) -> list[Token]:
        """The tokens of an account, or of all accounts, newest first."""
        handles = None if of is None else [accounts.check_handle(of)]
        with self._run.local.reading() as connection:
            return account_views.tokens(connection, handles)

    def make_token(self, handle: str, days: int, acts: Sequence[str] | None) -> NewToken:
        """Make a token, and return it with its `secret`, which is not stored."""
        secret, seal = secrets.random_token(), self._run.local.seal
        made = self._do(
            lambda c, by, now: tokens.make_token(
                c, by, handle, secret, now, days=days, acts=acts, seal=seal
            )
        )
        return {**account_views.token_document(made), "secret": secret}

    def invite(self, handle: str, role: str | None) -> NewInvitation:
        """Invite somebody to choose a password; the result contains the `path` of the link."""
        secret, seal = secrets.random_secret(), self._run.local.seal
        made = self._do(
            lambda c, by, now: invitations.invite(
                c, by, handle, role, now, secret=secret, seal=seal
            )
        )
        role = self.account(handle)["role"]
        return account_views.new_invitation(made, role, secret, made.made_at)

    def invitations(self, of: str | None) -> list[Invitation]:
        """The invitations of an account, or of all, newest first."""
        handle = None if of is None else accounts.check_handle(of)
        with self._run.local.reading() as connection:
            return account_views.invitations(connection, clock.now(), handle)

    def revoke_invitation(self, invitation: str) -> bool:
        """Revoke an invitation; return whether that changed anything."""
        return self._do(lambda c, by, now: invitations.revoke(c, by, invitation, now))

    def owner_of(self, token: str) -> str | None:
        """Return the owner of a token; None if there is no such token."""
        with self._run.local.reading() as connection:
            found = stored_accounts.token_of_id(connection, token)
        return None if found is None else found.handle

    def revoke(self, token: str) -> bool:
        """Revoke a token; return whether that changed anything."""
        return self._do(lambda c, by, now: tokens.revoke_token(c, by, token, now))

    def sessions(self, of: str | None) -> list[OpenSession]:
        """The open sessions of an account, or of all accounts, newest first."""
        found = self._run.local.open_sessions.of(None if of is None else accounts.check_handle(of))
        return [account_views.session_document(each) for each in found]

    def end_session(self, session: str) -> None:
        """End a session."""
        assert self._by is not None
        self._run.local.open_sessions.end(session, self._by.person)

    def sign_ins(
        self, *, of: str | None, failed: bool, since: datetime | None, limit: int
    ) -> list[SignIn]:
        """The log of sign-ins and failed sign-ins, newest first."""
        with self._run.local.reading() as connection:
            found = account_views.sign_ins(
                connection, limit=limit, handle=of, failed=failed, since=since
            )
        return list(found["items"])

    def refusals(self, *, of: str | None, since: datetime | None, limit: int) -> list[Refused]:
        """The refused sign-ins and actions, counted by day, newest first."""
        with self._run.local.reading() as connection:
            return account_views.sign_in_refusals(connection, limit=limit, handle=of, since=since)

    def _do(self, action: Callable[[Connection, Actor, Callable[[], datetime]], T]) -> T:
        by = self._by
        assert by is not None
        return self._run.local.desk.on_record(lambda connection: action(connection, by, clock.now))


def signed_in(run: Run, file: Path | None, action: str, own: str | None) -> Actor:
    """Sign in the administrator, if an administrator has a password.

    `own`: the account that a person may change as their own.

    Raises:
        NotAllowedError: if the person's role does not allow the action.
        PasswordNeededError, SignInError, BlockedError: see `reauthentication.sign_in`.
    """
    with run.local.reading() as connection:
        guarded = bool(stored_accounts.password_admins(connection))
    if guarded:
        who = reauthentication.sign_in(run, file, reauthentication.OWN_PASSWORD_OPTION)
        _check(run, who, "own_account" if own == who.handle else action, own)
    return Actor(person=run.settings.person, login=run.settings.login, signed_in=guarded)


def _check(run: Run, identity: Identity, action: str, own: str | None) -> None:
    """Check that the person's role allows the action; a refusal is counted."""
    why = identity.denial(action, clock.machine_now())
    if why is None:
        return
    by = Actor(person=identity.handle, login=run.settings.login)
    about = own if own is not None and is_handle(own) else None
    run.local.desk.on_record(
        lambda c: accounts.refuse(c, by, clock.now, action=action, why=why, about=about)
    )
    raise NotAllowedError(by=identity.handle, role=identity.role)
