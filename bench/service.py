"""The service that is measured: a real `incidents serve`, and the accounts that come in there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.bodies import Body
from bench.program import INCIDENTS, environment
from bench.register import desk_of
from incidents import clock
from incidents.accounts import secrets, serve_key
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.serve_key import Seal
from incidents.api.authentication import CSRF, CSRF_HEADER
from incidents.app import App
from incidents.desk import Desk, accounts, tokens
from incidents.desk.own_stream import Actor
from incidents.settings import sources
from incidents.store.database import engine as engines

_ADMIN = Actor(person="bench", login="bench")
_COOKIE = "__Host-incidents"


@contextmanager
def serving(url: str, journal: Path, workers: int | None = 1) -> Iterator[int]:
    """While it lasts, a server with that database listens on the port; it tells `journal` the rest.

    It has so many workers; None: as many as it has by default.

    Raises:
        RuntimeError: if it does not start.
    """
    chosen = [] if workers is None else ["--workers", str(workers)]
    with journal.open("wb") as log:
        server = subprocess.Popen(
            [*INCIDENTS, "serve", "--port", "0", "--db", url, *chosen],
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


class Sending:
    """Requests of many accounts to a server that this process has started, and what each costs."""

    def __init__(self, http: httpx.Client, desk: Desk, authenticator: Authenticator) -> None:
        self._http, self._desk, self._authenticator = http, desk, authenticator
        self._people = count(1)
        [self._server] = [folder for folder in Path("/proc").glob("[0-9]*") if _is_server(folder)]

    def description(self) -> Mapping[str, Any]:
        """The server's OpenAPI document."""
        found: Mapping[str, Any] = self._http.get(
            "/openapi.json", headers=self._session("viewer-0", "viewer")
        ).json()
        return found

    def spent_s(self, body: Body) -> tuple[float, float]:
        """Processor seconds for that request, sent by a new account: of the server itself, and of
        what it has started for it.

        Raises:
            RuntimeError: if it is not done, and was to be.
        """
        session = self._session(f"person-{next(self._people)}", body.role)
        headers = {**session, "Content-Type": body.kind}
        before = self._used_s()
        answer = self._http.request(
            body.method, body.path, content=body.content, headers=headers
        )  # fmt: skip
        own, started = (now - then for now, then in zip(self._used_s(), before, strict=True))
        if body.done and answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{body.label}: {answer.status_code} {answer.text[:300]}")
        return own, started

    def _session(self, handle: str, role: str) -> dict[str, str]:
        _add(self._desk, handle, role)
        cookie = self._authenticator.begin(handle).cookie
        return {"Cookie": f"{_COOKIE}={cookie}", CSRF_HEADER: secrets.form_token(cookie, CSRF)}

    def _used_s(self) -> tuple[float, float]:
        own, own_system, started, started_system = map(int, _fields(self._server)[11:15])
        ticks = os.sysconf("SC_CLK_TCK")
        return (own + own_system) / ticks, (started + started_system) / ticks


@contextmanager
def sending(url: str, port: int) -> Iterator[Sending]:
    """While it lasts, people of that database ask the server on that port."""
    engine, server = engines.create(url), f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=server, timeout=600) as http, desk_of(url) as desk:
            yield Sending(http, desk, Authenticator(engine, clock.now, seal_of(url)))
    finally:
        engine.dispose()


def _is_server(folder: Path) -> bool:
    try:
        parent = int(_fields(folder)[1])
        return parent == os.getpid() and b"serve" in (folder / "cmdline").read_bytes()
    except (OSError, IndexError):
        return False


def _fields(folder: Path) -> list[str]:
    """What a process is, behind its name (proc_pid_stat(5))."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def seal_of(url: str) -> Seal:
    """By what the server of that database knows who may come in, before its first start too."""
    app = App(sources.load(db=url))
    try:
        file = serve_key.key_file(app.settings)
        tokens.begin_sealing(app.engine, app.desk, file, _ADMIN, clock.now)
        return app.seal
    finally:
        app.close()


def token(url: str, handle: str, role: str = "operator") -> dict[str, str]:
    """A new account of that role, and the header of a token of its own."""
    # The seal first: beginning it is a transaction of its own, and SQLite has one writer.
    secret, seal = secrets.random_token(), seal_of(url)
    with desk_of(url) as desk:
        _add(desk, handle, role)
        desk.on_record(
            lambda connection: tokens.make_token(
                connection, _ADMIN, handle, secret, clock.now, days=3, seal=seal
            )
        )
    return {"Authorization": f"Bearer {secret}"}


def sessions(url: str, handles: list[str], each: int = 1) -> list[dict[str, str]]:
    """New accounts of operators, and for each so many headers of a session of its own."""
    engine = engines.create(url)
    with desk_of(url) as desk:
        authenticator = Authenticator(engine, clock.now, seal_of(url))
        for handle in handles:
            _add(desk, handle, "operator")
        found = [
            {"Cookie": f"{_COOKIE}={authenticator.begin(handle).cookie}"}
            for handle in handles
            for _ in range(each)
        ]
    engine.dispose()
    return found


def _add(desk: Desk, handle: str, role: str) -> None:
    desk.on_record(lambda connection: accounts.make(connection, _ADMIN, handle, role, clock.now))
