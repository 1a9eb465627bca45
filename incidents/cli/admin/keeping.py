"""The keeping of accounts: who does it, and their way to those of a database or a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from incidents import clock
from incidents.accounts import identity as roles
from incidents.cli import reauthentication
from incidents.errors import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from incidents.accounts.identity import Identity
    from incidents.cli.run import Run
    from incidents.client.accounts import RemoteKeeper
    from incidents.client.house import RemoteHouse
    from incidents.contract.documents.accounts import (
        Account,
        NewToken,
        OpenSession,
        Refused,
        SignIn,
        Token,
    )
    from incidents.desk.own_stream import By


T = TypeVar("T")


class Keeper:
    """The accounts and tokens of the database, kept on record by somebody.

    All acts raise as those of `desk.accounts` and `desk.tokens` do, which each of them is.
    """

    def __init__(self, run: Run, by: By | None = None) -> None:
        self._run = run
        self._by = by

    @property
    def came_in(self) -> bool:
        """Whether who keeps them has signed in for it."""
        return self._by is not None and self._by.came_in

    def accounts(self) -> list[Account]:
        """All accounts, by their handles."""
        from incidents.views import accounts

        with self._run.local.reading() as connection:
            return accounts.accounts(connection)

    def account(self, handle: str) -> Account:
        """One account, as it stands now.

        Raises:
            UnknownAccountError: naming it.
        """
        from incidents.accounts.identity import is_handle
        from incidents.desk.accounts import UnknownAccountError
        from incidents.store import accounts
        from incidents.views import accounts as views

        with self._run.local.reading() as connection:
            found = accounts.account(connection, handle) if is_handle(handle) else None
            if found is None:
                raise UnknownAccountError(handle=handle)
            return views.account(connection, found)

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
        from incidents.accounts import access_settings, secrets
        from incidents.desk import accounts as acts

        hash_, wait = secrets.hash_of(new, handle), access_settings.second_after()
        seal = self._run.local.seal
        self._do(
            lambda c, by, now: acts.set_password(
                c, by, handle, hash_, now, second_after=wait, seal=seal
            )
        )

    def tokens(self, of: str | None) -> list[Token]:
        """The tokens of an account, of all without one; the newest first."""
        from incidents.desk.accounts import check_handle
        from incidents.views import accounts

        handles = None if of is None else [check_handle(of)]
        with self._run.local.reading() as connection:
            return accounts.tokens(connection, handles)

    def make_token(self, handle: str, days: int, acts: Sequence[str] | None) -> NewToken:
        """A new token, with its `secret`, which is kept nowhere."""
        from incidents.accounts import secrets
        from incidents.desk import tokens
        from incidents.views.accounts import token_document

        secret, seal = secrets.random_token(), self._run.local.seal
        made = self._do(
            lambda c, by, now: tokens.make_token(
                c, by, handle, secret, now, days=days, acts=acts, seal=seal
            )
        )
        return {**token_document(made), "secret": secret}

    def revoke(self, token: str) -> bool:
        """Let a token be worth nothing; whether that changed anything."""
        from incidents.desk import tokens

        return self._do(lambda c, by, now: tokens.revoke_token(c, by, token, now))

    def sessions(self, of: str | None) -> list[OpenSession]:
        """The sessions of an account that are open, of all without one; the newest first."""
        from incidents.desk.accounts import check_handle
        from incidents.views.accounts import session_document

        found = self._run.local.open_sessions.of(None if of is None else check_handle(of))
        return [session_document(each) for each in found]

    def end_session(self, session: str) -> None:
        """End a session."""
        assert self._by is not None
        self._run.local.open_sessions.end(session, self._by.person)

    def sign_ins(
        self, *, of: str | None, failed: bool, since: datetime | None, limit: int
    ) -> list[SignIn]:
        """The log of who came in and who was not let in, the newest first."""
        from incidents.views.accounts import sign_ins

        with self._run.local.reading() as connection:
            found = sign_ins(connection, limit=limit, handle=of, failed=failed, since=since)
        return list(found["items"])

    def refusals(self, *, of: str | None, since: datetime | None, limit: int) -> list[Refused]:
        """Who was not let do what, counted by the day, those with the newest first."""
        from incidents.views.accounts import sign_in_refusals

        with self._run.local.reading() as connection:
            return sign_in_refusals(connection, limit=limit, handle=of, since=since)

    def _do(self, act: Callable[[Connection, By, Callable[[], datetime]], T]) -> T:
        by = self._by
        assert by is not None
        return self._run.local.desk.on_record(lambda connection: act(connection, by, clock.now))


KEEP = "keep_accounts"


class NotAllowedError(RefusedError):
    """{by} is {role} here, and may keep no accounts but their own: an administrator may"""


def looking(run: Run) -> Keeper | RemoteKeeper:
    """The accounts, for who only looks."""
    return Keeper(run) if run.remote is None else run.remote.keeper


def insist_on_account(run: Run, handle: str | None) -> None:
    """See that an account that nothing was found of is one, as far as they may know.

    Raises:
        UnknownAccountError, ProblemError: naming it.
    """
    if handle is not None and (run.remote is None or run.remote.keeper.sees_all):
        looking(run).account(handle)


@contextmanager
def acting(
    run: Run, act: str, file: Path | None, *, own: str | None = None
) -> Iterator[Keeper | RemoteKeeper]:
    """The accounts, for who does that act of `accounts.identity` about them; about the account
    `own`, if it may be one's own.

    At a database they sign in as soon as an administrator has a password. Over a server they do for
    what no token does, and where there is none, or a file is named.

    Raises:
        NotAllowedError: if their role is not for it.
        PasswordNeededError, SignInError, BlockedError, ProblemError: see `reauthentication.proved`.
    """
    server = run.remote
    if server is None:
        yield Keeper(run, _who(run, file, own))
    elif act in roles.IN_PERSON or file is not None or not server.has_token:
        with reauthentication.in_session(server, file, reauthentication.OWN_PASSWORD_OPTION):
            yield server.keeper
    else:
        yield server.keeper


def owner_of(run: Run, token: str) -> str | None:
    """Whose token that is; None if it is nobody's, and over a server if it is not one's own."""
    if run.remote is not None:
        return _own_there(run.remote, token)
    from incidents.store import accounts as stored

    with run.local.reading() as connection:
        found = stored.token_of_id(connection, token)
    return None if found is None else found.handle


def of_session(run: Run, session: str) -> tuple[str, str | None]:
    """Which act it is to end that session, and whose it is, as far as this side knows."""
    server = run.remote
    if server is None:
        return "own_account", run.local.open_sessions.owner_of(session)
    if not server.has_token:
        return "own_account", None
    own = server.keeper.sessions(server.signs_in)
    return ("own_account" if any(each["id"] == session for each in own) else KEEP), None


def _own_there(server: RemoteHouse, token: str) -> str | None:
    if not server.has_token:
        return None
    mine = (each["id"] for each in server.keeper.tokens(server.person))
    return server.person if token in mine else None


def _who(run: Run, file: Path | None, own: str | None) -> By:
    from incidents.desk.own_stream import By
    from incidents.store import accounts

    with run.local.reading() as connection:
        guarded = bool(accounts.guards(connection))
    if guarded:
        _check(run, reauthentication.sign_in(run, file, reauthentication.OWN_PASSWORD_OPTION), own)
    return By(person=run.settings.person, login=run.settings.login, came_in=guarded)


def _check(run: Run, identity: Identity, own: str | None) -> None:
    """See that their role is for it; that it is not is counted."""
    from incidents.accounts.identity import is_handle
    from incidents.desk import accounts as acts
    from incidents.desk.own_stream import By

    act = "own_account" if own == identity.handle else KEEP
    why = identity.why_not(act, clock.now())
    if why is None:
        return
    by = By(person=identity.handle, login=run.settings.login)
    about = own if own is not None and is_handle(own) else None
    run.local.desk.on_record(lambda c: acts.refuse(c, by, clock.now, act=act, why=why, about=about))
    raise NotAllowedError(by=identity.handle, role=identity.role)
