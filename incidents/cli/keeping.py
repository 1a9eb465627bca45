"""The keeping of accounts: who does it, and their way to the accounts of a database or a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from incidents import clock
from incidents.accounts import roles
from incidents.cli import password, presence
from incidents.errors import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from incidents.accounts.identity import Identity
    from incidents.cli.run import Run
    from incidents.client.keeper import RemoteKeeper
    from incidents.desk.accounts import By
    from incidents.words import Document

T = TypeVar("T")


class NotAllowedError(RefusedError):
    """{by} is {role} here, and may keep no accounts but their own"""


class Keeper:
    """The accounts and tokens of the database, kept on record by somebody.

    All acts raise as those of `desk.accounts` do, which each of them is.
    """

    def __init__(self, run: Run, by: By | None = None) -> None:
        self._run = run
        self._by = by

    def accounts(self) -> list[Document]:
        """All accounts, by their handles."""
        from incidents.views import accounts

        with self._run.house.reading() as connection:
            return accounts.accounts(connection)

    def account(self, handle: str) -> Document:
        """One account, as it stands now.

        Raises:
            UnknownAccountError: naming it.
        """
        from incidents.desk.accounts import UnknownAccountError, is_handle
        from incidents.store import accounts
        from incidents.views.accounts import account_document

        with self._run.house.reading() as connection:
            found = accounts.account(connection, handle) if is_handle(handle) else None
        if found is None:
            raise UnknownAccountError(handle=handle)
        return account_document(found)

    def make(self, handle: str, role: str) -> None:
        """Make an account."""
        from incidents.desk import accounts as acts

        self._do(lambda c, by, now: acts.make(c, by, handle, role, now))

    def give_role(self, handle: str, role: str) -> bool:
        """Give an account another role; whether that changed anything."""
        from incidents.desk import accounts as acts

        return self._do(lambda c, by, now: acts.give_role(c, by, handle, role, now))

    def disable(self, handle: str) -> bool:
        """Let nobody come in with it any more; whether that changed anything."""
        from incidents.desk import accounts as acts

        return self._do(lambda c, by, now: acts.disable(c, by, handle, now))

    def enable(self, handle: str) -> bool:
        """Let a disabled account come in again; whether that changed anything."""
        from incidents.desk import accounts as acts

        return self._do(lambda c, by, now: acts.enable(c, by, handle, now))

    def set_password(self, handle: str, new: str) -> None:
        """Give it a new password; all its sessions end."""
        from incidents.accounts import secrets
        from incidents.desk import accounts as acts

        hash_ = secrets.hash_of(new, handle)
        self._do(lambda c, by, now: acts.set_password(c, by, handle, hash_, now))

    def tokens(self, of: str | None) -> list[Document]:
        """The tokens of an account, of all without one; the newest first."""
        from incidents.desk.accounts import check_handle
        from incidents.views import accounts

        handles = None if of is None else [check_handle(of)]
        with self._run.house.reading() as connection:
            return accounts.tokens(connection, handles)

    def make_token(self, handle: str, days: int, acts: Sequence[str] | None) -> Document:
        """A new token, with its `secret`, which is kept nowhere."""
        from incidents.accounts import secrets
        from incidents.desk import accounts
        from incidents.views.accounts import token_document

        secret = secrets.random_token()
        made = self._do(
            lambda c, by, now: accounts.make_token(
                c, by, handle, secret, now, days=days, acts=acts
            )
        )  # fmt: skip
        return token_document(made) | {"secret": secret}

    def revoke(self, token: str) -> bool:
        """Let a token be worth nothing; whether that changed anything."""
        from incidents.desk import accounts

        return self._do(lambda c, by, now: accounts.revoke_token(c, by, token, now))

    def _do(self, act: Callable[[Connection, By, Callable[[], datetime]], T]) -> T:
        by = self._by
        assert by is not None
        return self._run.house.desk.on_record(lambda connection: act(connection, by, clock.now))


def looking(run: Run) -> Keeper | RemoteKeeper:
    """The accounts, for who only looks."""
    return Keeper(run) if run.remote is None else run.remote.keeper


@contextmanager
def acting(
    run: Run, act: str, file: Path | None, *, own: str | None = None
) -> Iterator[Keeper | RemoteKeeper]:
    """The accounts, for who does that act of `accounts.roles` about them; about the account `own`,
    if it may be one's own.

    At a database they sign in as soon as an administrator has a password. Over a server they do for
    what no token does, and where there is none, or a file is named.

    Raises:
        NotAllowedError: if their role is not for it.
        PasswordNeededError, SignInError, BlockedError, ProblemError: see `presence.proved`.
    """
    server = run.remote
    if server is None:
        yield Keeper(run, _who(run, file, own))
    elif act in roles.IN_PERSON or file is not None or not server.has_token:
        with presence.in_session(server, file, password.OWN):
            yield server.keeper
    else:
        yield server.keeper


def owner_of(run: Run, token: str) -> str | None:
    """Whose token that is; None if it is nobody's, or the server's to know."""
    if run.remote is not None:
        return None
    from incidents.desk import accounts
    from incidents.store import accounts as stored

    with run.house.reading() as connection:
        found = stored.token(connection, token) if accounts.is_token_id(token) else None
    return None if found is None else found.handle


def _who(run: Run, file: Path | None, own: str | None) -> By:
    from incidents.desk.accounts import By
    from incidents.store import accounts

    with run.house.reading() as connection:
        guarded = bool(accounts.guards(connection))
    if guarded:
        _check(run, presence.sign_in(run, file, password.OWN), own)
    return By(person=run.settings.person, login=run.settings.login, came_in=guarded)


def _check(run: Run, identity: Identity, own: str | None) -> None:
    """See that their role is for it; that it is not goes on record."""
    from incidents.desk import accounts as acts
    from incidents.desk.accounts import By

    act = "own_account" if own == identity.handle else "keep_accounts"
    why = identity.why_not(act, clock.now())
    if why is None:
        return
    by = By(person=identity.handle, login=run.settings.login)
    about = own if own is not None and acts.is_handle(own) else None
    run.house.desk.on_record(lambda c: acts.refuse(c, by, clock.now, act=act, why=why, about=about))
    raise NotAllowedError(by=identity.handle, role=identity.role)
