"""The keeping of accounts: who does it, and their way to those of a database or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.accounts import identity as roles
from incidents.cli import reauthentication

if TYPE_CHECKING:
    from incidents.cli.admin.keeper import Keeper
    from incidents.cli.run import Run
    from incidents.client.accounts import RemoteKeeper
    from incidents.client.house import RemoteHouse


KEEP = "keep_accounts"


def looking(run: Run) -> Keeper | RemoteKeeper:
    """The accounts, for who only looks."""
    if run.remote is not None:
        return run.remote.keeper
    from incidents.cli.admin.keeper import Keeper

    return Keeper(run)


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
        from incidents.cli.admin.keeper import Keeper, signed_in

        yield Keeper(run, signed_in(run, file, KEEP, own))
    elif act in roles.IN_PERSON or file is not None or not server.has_token:
        with reauthentication.in_session(server, file, reauthentication.OWN_PASSWORD_OPTION):
            yield server.keeper
    else:
        yield server.keeper


def owner_of(run: Run, token: str) -> str | None:
    """Whose token that is; None if it is nobody's, and over a server if it is not one's own."""
    if run.remote is not None:
        return _own_there(run.remote, token)
    from incidents.cli.admin.keeper import Keeper

    return Keeper(run).owner_of(token)


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
