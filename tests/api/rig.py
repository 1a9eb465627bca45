"""A desk behind its API: accounts, tokens and a client for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from incidents import clock, settings
from incidents.accounts import secrets
from incidents.api import app
from incidents.bootstrap import House
from incidents.desk import accounts
from incidents.desk.accounts import By

PASSWORD = "a horse and a battery"
BASE = "https://desk.host.example"
ADMIN = By(person="admin-1", login="root", came_in=True)


class Rig:
    """One desk's API; `client(role)` is somebody with a token of that role."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app = app.create(house)
        self._handles: dict[str, str] = {}

    def account(self, handle: str, role: str, *, password: bool = False) -> str:
        """A new account."""

        def act(connection: Any) -> None:
            accounts.make(connection, ADMIN, handle, role, clock.now)
            if password:
                hash_ = secrets.hash_of(PASSWORD, handle)
                accounts.set_password(connection, ADMIN, handle, hash_, clock.now)

        self.house.desk.on_record(act)
        return handle

    def token(self, handle: str, acts: list[str] | None = None) -> str:
        """A new token of that account."""
        secret = secrets.random_token()
        self.house.desk.on_record(
            lambda connection: accounts.make_token(
                connection, ADMIN, handle, secret, clock.now, days=30, acts=acts
            )
        )
        return secret

    def nobody(self) -> TestClient:
        """Somebody without anything."""
        return TestClient(self.app, base_url=BASE, raise_server_exceptions=False)

    def client(self, role: str) -> TestClient:
        """Somebody with a token of that role."""
        handle = f"{role}-1"
        if role not in self._handles:
            self._handles[role] = self.token(self.account(handle, role))
        client = self.nobody()
        client.headers["Authorization"] = f"Bearer {self._handles[role]}"
        return client


@contextmanager
def rig(url: str) -> Iterator[Rig]:
    """The API of a desk with that database."""
    house = House(settings.load(db=url))
    try:
        yield Rig(house)
    finally:
        house.close()
