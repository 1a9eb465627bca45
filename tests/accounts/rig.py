"""A desk with accounts and its authenticator, whose clock the test moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError
from incidents.accounts.open_sessions import OpenSessions
from incidents.accounts.serve_key import UNSEALED, Seal
from incidents.accounts.throttle import OF_NAME
from incidents.audit.replay import Replay
from incidents.desk import Desk, accounts, tokens
from incidents.desk.own_stream import Actor
from incidents.store.accounts import passwords, sign_ins
from incidents.store.database.engine import reading, writing

PASSWORD = "a horse and a battery"
BY = Actor(person="admin-1", login="root", signed_in=True)
HERE = "192.0.2.7"


class AccountRig:
    """A desk with accounts, whose clock the test moves."""

    def __init__(self, engine: Engine, moved: Any) -> None:
        self.engine, self.moved = engine, moved
        self.desk = Desk(engine)
        self.authenticator = Authenticator(engine, clock.now, UNSEALED)
        self.sessions = OpenSessions(engine, clock.now)

    def make(self, handle: str, role: str = "operator", password: str | None = PASSWORD) -> None:
        def act(connection: Connection) -> None:
            accounts.make(connection, BY, handle, role, clock.now)
            if password is not None:
                hash_ = secrets.hash_password(password, handle)
                accounts.set_password(
                    connection, BY, handle, hash_, clock.now, second_after=accounts.AT_ONCE
                )

        self.desk.on_record(act)

    def token(self, handle: str, days: int = 30, acts: list[str] | None = None) -> tuple[str, str]:
        secret = secrets.random_token()
        made = self.desk.on_record(
            lambda connection: tokens.make_token(
                connection, BY, handle, secret, clock.now, days=days, acts=acts
            )
        )
        return made.id, secret

    def disable(self, handle: str) -> None:
        self.desk.on_record(lambda each: accounts.disable(each, BY, handle, clock.now))

    def log(self) -> list[dict[str, Any]]:
        """The log of sign-ins, the latest first."""
        with reading(self.engine) as connection:
            return [dict(row) for row in sign_ins.page(connection, limit=1_000).rows]

    def refusals(self) -> list[dict[str, Any]]:
        """The counted refused permissions, the latest first."""
        with reading(self.engine) as connection:
            return sign_ins.counted(connection, limit=1_000)

    def findings(self) -> list[object]:
        with reading(self.engine) as connection:
            return list(Replay(connection).findings())


def mistaken(
    rig: AccountRig, times: int, address: str = HERE, browser: str = "", handle: str = "operator-1"
) -> None:
    for _ in range(times):
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(handle, "wrong", address, browser)


def guessed_at_from_everywhere(rig: AccountRig, handle: str = "operator-1") -> None:
    """As many mistakes under that name as are free, from as many places."""
    with writing(rig.engine) as connection:
        passwords.failures(connection, [f"as {handle}"], clock.now())
        passwords.count(connection, f"as {handle}", OF_NAME.free, clock.now())


def set_password(
    rig: AccountRig, handle: str, password: str, *, seal: Seal = UNSEALED,
    second_after: timedelta = accounts.AT_ONCE,
) -> None:  # fmt: skip
    hash_ = secrets.hash_password(password, handle)
    rig.desk.on_record(
        lambda c: accounts.set_password(
            c, BY, handle, hash_, clock.now, second_after=second_after, seal=seal
        )
    )
