"""The keeping of accounts: who does it, and their way to the desk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from incidents import clock
from incidents.cli import password
from incidents.errors import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from incidents.accounts.identity import Identity
    from incidents.cli.run import Run
    from incidents.desk.accounts import By

T = TypeVar("T")


class NotAllowedError(RefusedError):
    """{by} is {role} here, and may keep no accounts but their own"""


def who(run: Run, file: Path | None, *, own: str | None = None) -> By:
    """Who does an act about accounts, about the account `own` if it may be one's own.

    As soon as an administrator has a password, they sign in, with the password in `file`.

    Raises:
        NotAllowedError: if their role is not for it.
        PasswordNeededError, SignInError, BlockedError: see `password.sign_in`.
    """
    from incidents.desk.accounts import By
    from incidents.store import accounts

    with run.house.reading() as connection:
        guarded = bool(accounts.guards(connection))
    if guarded:
        _check(run, password.sign_in(run, file, password.OWN), own)
    return By(person=run.settings.person, login=run.settings.login, came_in=guarded)


def do(run: Run, act: Callable[[Connection, Callable[[], datetime]], T]) -> T:
    """Does it, on record; raises as the act does."""
    return run.house.desk.on_record(lambda connection: act(connection, clock.now))


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
    do(run, lambda c, now: acts.refuse(c, by, now, act=act, why=why, about=about))
    raise NotAllowedError(by=identity.handle, role=identity.role)


def known(run: Run, handle: str) -> None:
    """See that there is such an account, before anybody is asked for a password.

    Raises:
        UnknownAccountError: naming it.
    """
    from incidents.desk.accounts import UnknownAccountError, is_handle
    from incidents.store import accounts

    with run.house.reading() as connection:
        if not is_handle(handle) or accounts.account(connection, handle) is None:
            raise UnknownAccountError(handle=handle)
