"""A desk behind its API: accounts, tokens and a client for each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlalchemy import Connection
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import secrets, serve_key
from incidents.accounts.serve_key import Seal
from incidents.api.authentication import COOKIE, CSRF, CSRF_HEADER
from incidents.app import App
from incidents.desk import accounts, tokens
from incidents.desk.own_stream import Actor
from incidents.settings import sources
from incidents.store.accounts import accounts as stored
from incidents.store.accounts import sign_ins
from incidents.web import app as web_app
from tests.api.openapi_check import checked_against_description, openapi_document

PASSWORD = "a horse and a battery"
BASE = "https://desk.host.example"
ADMIN = Actor(person="admin-1", login="root", signed_in=True)


class Rig:
    """One desk's API; `client(role)` is somebody with a token of that role."""

    def __init__(self, app: App, portal: BlockingPortal) -> None:
        self.app = app
        self.asgi_app = web_app.create(app)
        self.asgi_app.openapi_schema = openapi_document(self.asgi_app)
        # One event loop for all requests of a test, as a server has; not one for each of them.
        self._portal = portal
        self._handles: dict[str, str] = {}
        self._people: set[str] = set()

    @property
    def description(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document: dict[str, Any] = openapi_document(self.asgi_app)
        return document

    def keep_evidence_in(self, folder: Path, *, limit: int) -> None:
        """Keep files there from now on, of `limit` bytes at most."""
        self.app.settings = replace(self.app.settings, evidence=folder, evidence_limit=limit)

    def account(self, handle: str, role: str, *, password: bool = False) -> str:
        """A new account."""

        def act(connection: Any) -> None:
            accounts.make(connection, ADMIN, handle, role, clock.now)
            if password:
                hash_ = secrets.hash_password(PASSWORD, handle)
                accounts.set_password(
                    connection, ADMIN, handle, hash_, clock.now, second_after=accounts.AT_ONCE,
                    seal=self._seal(connection),
                )  # fmt: skip

        self.app.desk.on_record(act)
        return handle

    def token(self, handle: str, acts: list[str] | None = None) -> str:
        """A new token of that account."""
        secret = secrets.random_token()
        self.app.desk.on_record(
            lambda connection: tokens.make_token(
                connection,
                ADMIN,
                handle,
                secret,
                clock.now,
                days=30,
                acts=acts,
                seal=self._seal(connection),
            )
        )
        return secret

    def _seal(self, connection: Connection) -> Seal:
        """The server's own seal, where a real one was started on this database."""
        return serve_key.load_seal(connection, serve_key.key_file(self.app.settings))

    def session_id(self, handle: str) -> str:
        """The id of one more session of that account."""
        return str(self.asgi_app.state.authenticator.begin(handle).identity.session)

    def token_id(self, handle: str) -> str:
        """The id of one more token of that account."""
        self.token(handle)
        with self.app.reading() as connection:
            return str(stored.tokens_of(connection, [handle])[0].id)

    def nobody(self) -> TestClient:
        """Somebody without anything; each answer to anybody is held against the description."""
        client = TestClient(self.asgi_app, base_url=BASE, raise_server_exceptions=False)
        client.portal = self._portal
        client.event_hooks = {
            "request": [],
            "response": [checked_against_description(self.asgi_app)],
        }
        return client

    def client(self, role: str) -> TestClient:
        """Somebody with a token of that role."""
        handle = f"{role}-1"
        if role not in self._handles:
            self._handles[role] = self.token(self.account(handle, role))
        client = self.nobody()
        client.headers["Authorization"] = f"Bearer {self._handles[role]}"
        return client

    def person(self, role: str, name: str = "person") -> TestClient:
        """Somebody of that role in a session, who has just proved who they are."""
        handle = f"{role}-{name}"
        if handle not in self._people:
            self._people.add(self.account(handle, role))
        visit = self.asgi_app.state.authenticator.begin(handle)
        client = self.nobody()
        client.headers["Cookie"] = f"{COOKIE}={visit.cookie}"
        client.headers[CSRF_HEADER] = secrets.form_token(visit.cookie, CSRF)
        return client

    def holder(self, secret: str) -> TestClient:
        """Somebody with that token."""
        client = self.nobody()
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    def refusals(self) -> list[dict[str, Any]]:
        """The denied acts with their counts, the latest first."""
        with self.app.reading() as connection:
            return sign_ins.counted(connection, limit=1_000)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The entries of that kind on record, the earliest first."""
        with self.app.reading() as connection:
            bodies = connection.exec_driver_sql("SELECT body FROM entries ORDER BY id").scalars()
            read = [json.loads(body) for body in bodies]
        return [entry for entry in read if entry["kind"] == kind]


@contextmanager
def rig(url: str) -> Iterator[Rig]:
    """The API of a desk with that database."""
    app = App(sources.load(db=url))
    try:
        with start_blocking_portal() as portal:
            yield Rig(app, portal)
    finally:
        app.close()
