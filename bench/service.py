"""The service that is measured: a real `incidents serve`, and the accounts that come in there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.program import INCIDENTS, environment
from bench.register import desk_of
from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.door import Door
from incidents.desk import Desk, accounts, tokens
from incidents.desk.account_act import By
from incidents.store import engine as engines

_ADMIN = By(person="bench", login="bench")
_COOKIE = "__Host-incidents"


@contextmanager
def serving(url: str, journal: Path) -> Iterator[int]:
    """While it lasts, a server with that database listens on the port; it tells `journal` the rest.

    Raises:
        RuntimeError: if it does not start.
    """
    with journal.open("wb") as log:
        server = subprocess.Popen(
            [*INCIDENTS, "serve", "--port", "0", "--db", url],
            stdout=subprocess.PIPE, stderr=log, env=environment(),
        )  # fmt: skip
        try:
            assert server.stdout is not None
            port = urlsplit(server.stdout.readline().decode().strip()).port
            if port is None:
                raise RuntimeError(f"no server: {journal.read_text(encoding='utf-8')}")
            yield port
        finally:
            server.terminate()
            server.wait()


def token(url: str, handle: str, role: str = "operator") -> dict[str, str]:
    """A new account of that role, and the header of a token of its own."""
    secret = secrets.random_token()
    with desk_of(url) as desk:
        _add(desk, handle, role)
        desk.on_record(
            lambda connection: tokens.make(connection, _ADMIN, handle, secret, clock.now, days=3)
        )
    return {"Authorization": f"Bearer {secret}"}


def sessions(url: str, handles: list[str], each: int = 1) -> list[dict[str, str]]:
    """New accounts of operators, and for each so many headers of a session of its own."""
    engine = engines.create(url)
    with desk_of(url) as desk:
        door = Door(engine, clock.now)
        for handle in handles:
            _add(desk, handle, "operator")
        found = [
            {"Cookie": f"{_COOKIE}={door.begin(handle).cookie}"}
            for handle in handles
            for _ in range(each)
        ]
    engine.dispose()
    return found


def _add(desk: Desk, handle: str, role: str) -> None:
    desk.on_record(lambda connection: accounts.make(connection, _ADMIN, handle, role, clock.now))
