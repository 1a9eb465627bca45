"""The presence: while somebody acts in person, they have signed in, at the database or a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents.accounts import identity
from incidents.cli import password
from incidents.cli.password import OPTION
from incidents.contract.action import name_of
from incidents.errors import InputError, RefusedError

if TYPE_CHECKING:
    from incidents.accounts.authenticator import Door
    from incidents.accounts.identity import Identity
    from incidents.cli.run import Run
    from incidents.client.house import RemoteHouse
    from incidents.machine.commands import Command
    from incidents.machine.policy import Policy


class NoAccountError(RefusedError):
    """{handle} has no account here: name yours with --as"""


@contextmanager
def proved(
    run: Run, command: Command, file: Path | None, policy: Policy | None = None
) -> Iterator[bool]:
    """The presence for a command, by that policy or the active one; raises as `in_person` does."""

    def takes_two() -> bool:
        from incidents.desk import access

        return access.takes_two(command, policy or run.house.desk.policy())

    with in_person(run, name_of(type(command)), file, takes_two) as signed_in:
        yield signed_in


@contextmanager
def in_person(
    run: Run, act: str, file: Path | None, is_asked_for: Callable[[], bool]
) -> Iterator[bool]:
    """While it lasts, who acts has signed in, if that act needs it here; whether they have.

    Over a server it is needed for what no token does (see `accounts.identity`); in a database, once
    it has accounts, where `is_asked_for` says that the desk asks a sign-in for it. A password that
    is given all the same is looked at: who names a wrong one is told so.

    Raises:
        PasswordNeededError: if nobody can be asked.
        InputError: if one is given where nobody has one.
        SignInError, BlockedError, ProblemError: if it is not their password, or not now.
    """
    if run.remote is None:
        has_accounts = _has_accounts(run)
        if file is not None and not has_accounts:
            raise InputError(f"{OPTION} says nothing here: the database has no accounts")
        signs_in = file is not None or (has_accounts and is_asked_for())
        if signs_in:
            sign_in(run, file)
        yield signs_in
    elif act in identity.IN_PERSON:
        with in_session(run.remote, file):
            yield True
    else:
        yield False


@contextmanager
def in_session(server: RemoteHouse, file: Path | None, option: str = OPTION) -> Iterator[None]:
    """While it lasts, who acts is in a session of the server; `option` is what names the file.

    Raises:
        PasswordNeededError, ProblemError: as `proved` does.
    """
    question = f"Password of {server.signs_in}: "

    def ask() -> str:
        return password.read(file, question, option)

    # What standard input has given it does not give again.
    with server.signed_in(ask(), None if file == password.STDIN else ask):
        yield


def sign_in(run: Run, file: Path | None, option: str = OPTION) -> Identity:
    """Who acts at the database, having proved who they are, for this one act.

    Raises:
        NoAccountError: if nobody was named, and the login name is no account.
        PasswordNeededError: if nobody can be asked.
        SignInError, BlockedError: see `Door.identify`.
    """
    handle = run.settings.person
    if not run.settings.named and not _is_account(run, handle):
        raise NoAccountError(handle=handle)
    given = password.read(file, f"Password of {handle}: ", option)
    return _door(run).identify(handle, given, _terminal(run))


def second(run: Run, handle: str, file: Path | None) -> Any:
    """A second person, `handle`, for the one act of who acts, as the desk takes them: at the
    database their name, once they have proved it; for a server what it lets them in by.

    Raises:
        PasswordNeededError: if nobody can be asked.
        SecondSignInError, BlockedError: see `Door.identify_second`.
    """
    given = password.read(file, f"Password of {handle}: ", password.SECOND)
    if run.remote is not None:
        return {"handle": handle, "password": given}
    return _door(run).identify_second(
        handle, given, _terminal(run), beside=run.settings.person, at_terminal=True
    )


def _door(run: Run) -> Door:
    from incidents import clock
    from incidents.accounts.authenticator import Door

    return Door(run.local.engine, clock.now, run.local.seal)


def _terminal(run: Run) -> str:
    return f"the terminal of {run.settings.login}"


def _is_account(run: Run, handle: str) -> bool:
    from incidents.store.accounts import accounts

    with run.local.reading() as connection:
        return accounts.account(connection, handle) is not None


def _has_accounts(run: Run) -> bool:
    from incidents.store.accounts import accounts

    with run.local.reading() as connection:
        return accounts.any_there(connection)
