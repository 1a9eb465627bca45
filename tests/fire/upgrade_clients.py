"""The clients of a version: they act over its server and by its command line, in threads.

Adding a site and logging a violation on it take turns. Each act is written down before it is sent,
and its answer after. A client ends at the first act that its version does not do.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.fire.ledger import Intent, Ledger, acknowledgement
from tests.fire.versions import Version
from tests.patience import PATIENCE_S, until

HANDLE = "ada"
"""The account of all clients."""
OVER_THE_SERVER = 2

_THOUGHT_S = 0.8


class RefusedError(Exception):
    """A version did not do its part."""


@dataclass(slots=True)
class Clients:
    """Clients whose names begin with `name`; `port` is that of the server, and may be changed."""

    name: str
    version: Version
    env: Mapping[str, str]
    token: str
    port: int
    ledger: Ledger = field(default_factory=Ledger)
    refusals: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    # Plain HTTP: certificates would cost a second of each client's.
    _http: httpx.Client = field(
        default_factory=lambda: httpx.Client(verify=False, timeout=PATIENCE_S)
    )
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let them all begin."""
        ways = [self._over_the_server] * OVER_THE_SERVER + [self._by_command_line, self._reads]
        for n, way in enumerate(ways):
            name = f"{self.name}-{n}"
            self.done[name] = 0
            self._threads.append(threading.Thread(target=self._works, args=(way, name)))
        for thread in self._threads:
            thread.start()

    def act(self, times: int) -> None:
        """Wait until each has acted so often over the server since, or once, or one was refused."""
        often = self._over_servers
        self._until_done({n: times if n in often else 1 for n in self.done})

    def act_over_the_server(self, times: int) -> None:
        """Wait for those alone that act over the server."""
        self._until_done(dict.fromkeys(self._over_servers, times))

    @property
    def _over_servers(self) -> list[str]:
        return [f"{self.name}-{n}" for n in range(OVER_THE_SERVER)]

    def _until_done(self, more: Mapping[str, int]) -> None:
        wanted = {name: self.done[name] + times for name, times in more.items()}
        until(
            lambda: self.refusals or all(self.done[n] >= wanted[n] for n in wanted),
            f"each of {wanted} has acted, of {self.done}",
        )

    def moves(self, version: Version, port: int) -> None:
        """Take them to another version; nothing of theirs is then in the other one's hand."""
        self.version, self.port = version, port
        self.act(1)

    def stop(self) -> None:
        """Let them all end after the act in hand."""
        self._stopping.set()
        self.join()

    def close(self) -> None:
        """Let them all end, and their connections."""
        self.stop()
        self._http.close()

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _works(self, way: Callable[[str], None], name: str) -> None:
        thought = random.Random()
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                way(name)
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.done[name] += 1
                time.sleep(thought.random() * _THOUGHT_S)
        except Exception as error:  # noqa: BLE001 - told in the main thread
            self.refusals.append(f"{name}: {error!r}")

    def _next(self, name: str) -> Intent:
        n = self.done[name]
        kind = "incident_logged" if n % 2 else "site_added"
        site = f"{name}-{n // 2}.example"
        intent = Intent(key=f"{name}-{n}", site=site, actor=HANDLE, kind=kind)
        self.ledger.intend(intent)
        return intent

    def _over_the_server(self, name: str) -> None:
        self.send(self._next(name))

    def send(self, intent: Intent) -> None:
        """Send one act to the server, and write its answer down.

        Raises:
            RefusedError: if it is not done.
        """
        site = intent.site
        path, body = (
            ("sites", {"site": site})
            if intent.kind == "site_added"
            else (f"sites/{site}/incidents", {"urls": [f"https://{site}/x"]})
        )
        key = {"Idempotency-Key": intent.key}
        answer = self._asked("POST", f"/api/v1/{path}", json=body, headers=key)
        self.ledger.acknowledge(acknowledgement(intent.key, answer.json(), None))

    def _by_command_line(self, name: str) -> None:
        intent = self._next(name)
        words = ["site", "add"] if intent.kind == "site_added" else ["log"]
        done = self.version.run(
            [*words, intent.site, "--key", intent.key, "--as", HANDLE, "--json"], self.env
        )
        if done.returncode:
            raise RefusedError(done.stderr)
        document = json.loads(done.stdout)
        self.ledger.acknowledge(acknowledgement(intent.key, document, None))

    def _reads(self, _name: str) -> None:
        for path in ("/api/v1/queue", "/api/v1/sites", "/readyz"):
            self._asked("GET", path)

    def _asked(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        answer = self._http.request(
            method, f"http://127.0.0.1:{self.port}{path}",
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})}, **more,
        )  # fmt: skip
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer
