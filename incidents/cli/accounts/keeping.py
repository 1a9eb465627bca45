"""The keeping of accounts: who does it, and their way to the accounts of a database or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from incidents import clock
from incidents.accounts import identity as roles
from incidents.cli import reauthentication
from incidents.cli.accounts.admin import Keeper
from incidents.errors import RefusedError

if TYPE_CHECKING:
    from incidents.accounts.identity import Identity
    from incidents.cli.run import Run
    from incidents.client.house import RemoteHouse
    from incidents.client.keeper import RemoteKeeper
    from incidents.desk.account_act import By


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
        PasswordNeededError, SignInError, BlockedError, ProblemError: see `presence.proved`.
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
    from incidents.desk import tokens
    from incidents.store.accounts import tokens as stored

    with run.local.reading() as connection:
        found = stored.of_id(connection, token) if tokens.is_id(token) else None
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
    from incidents.desk.account_act import By
    from incidents.store.accounts import accounts

    with run.local.reading() as connection:
        guarded = bool(accounts.guards(connection))
    if guarded:
        _check(run, reauthentication.sign_in(run, file, reauthentication.OWN_PASSWORD_OPTION), own)
    return By(person=run.settings.person, login=run.settings.login, came_in=guarded)


def _check(run: Run, identity: Identity, own: str | None) -> None:
    """See that their role is for it; that it is not is counted."""
    from incidents.accounts.identity import is_handle
    from incidents.desk import accounts as acts
    from incidents.desk.account_act import By

    act = "own_account" if own == identity.handle else KEEP
    why = identity.why_not(act, clock.now())
    if why is None:
        return
    by = By(person=identity.handle, login=run.settings.login)
    about = own if own is not None and is_handle(own) else None
    run.local.desk.on_record(lambda c: acts.refuse(c, by, clock.now, act=act, why=why, about=about))
    raise NotAllowedError(by=identity.handle, role=identity.role)
