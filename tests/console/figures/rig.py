"""Somebody at the console's pages of figures: with a client, or in a browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import uvicorn
from freezegun import freeze_time
from starlette.testclient import TestClient

from incidents import clock
from incidents.accounts import secrets
from incidents.api import entrance
from incidents.console import sitting
from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.api.rig import BASE, Rig

HOSTILE = "<script>document.title='taken'</script>\"'&"
LONG = "违反互联网信息内容管理规定并且名称特别特别长的一个类别" * 3
CATEGORIES = (
    "赌博",
    "gambling",
    LONG,
    HOSTILE,
    "色情",
    "phishing",
    "malware",
    "谣言",
    "drugs",
    None,
)


class Visitor:
    """Somebody who has signed in, and sends the console's own forms."""

    def __init__(self, rig: Rig, role: str, language: str = "en") -> None:
        handle = f"{role}-1"
        if not _has_account(rig, handle):
            rig.account(handle, role)
        self.visit = rig.app.state.door.begin(handle)
        self.csrf = secrets.of_session(self.visit.cookie, entrance.CSRF)
        self.client = TestClient(rig.app, base_url=BASE, follow_redirects=False)
        self.client.cookies.set(entrance.COOKIE, self.visit.cookie)
        self.client.cookies.set(sitting.LANGUAGE_COOKIE, language)
        self.client.headers["accept"] = "text/html"

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params=params or None)

    def post(self, path: str, fields: dict[str, Any] | None = None, **files: Any) -> Any:
        """Sends a form; a file is its name and its bytes, or a list of such."""
        sent = [
            (name, each)
            for name, given in files.items()
            for each in (given if isinstance(given, list) else [given])
        ]
        data = {"csrf": self.csrf, **(fields or {})}
        return self.client.post(path, data=data, files=sent or None)


def _has_account(rig: Rig, handle: str) -> bool:
    from incidents.store import accounts

    with rig.house.reading() as connection:
        return accounts.account(connection, handle) is not None


def do(rig: Rig, command: c.Command, site: str) -> None:
    [answer] = rig.house.desk.submit([Envelope(site=site, command=command, login="desk1")])
    assert answer.refusal is None, answer.refusal


def a_month(
    rig: Rig, *, sites: int = 8, seed: int = 1, categories: Sequence[Any] = CATEGORIES
) -> None:
    """Thirty days at the desk, up to a moment ago."""
    random, now = Random(seed), clock.now()
    names = [f"s{n}.example" for n in range(sites)]
    begin = now - timedelta(days=29)
    with freeze_time(begin, ignore=["_pytest"]) as frozen:
        for name in names:
            do(rig, c.AddSite(by="li"), name)
        logged = dict.fromkeys(names, 0)
        for name in ("often.example", "late.example"):
            do(rig, c.AddSite(by="li"), name)
        for _ in range(3):
            do(rig, c.Log(by="li"), "often.example")
        while clock.now() < now - timedelta(hours=8):
            name = random.choice(names)
            command = c.Log(by=random.choice(["li", "wang"]), category=random.choice(categories))
            do(rig, command, name)
            logged[name] += 1
            if random.random() < 0.8:
                frozen.tick(timedelta(seconds=random.randint(30, 3_500)))
                contact = c.RecordContact(by="li", incident=logged[name], outcome="reached")
                do(rig, contact, name)
            frozen.tick(timedelta(seconds=random.randint(300, 30_000)))
            elapse(rig)
        do(rig, c.Log(by="li"), "late.example")
        frozen.tick(timedelta(seconds=3_607))
        elapse(rig)


def elapse(rig: Rig) -> None:
    """All that is due."""
    while rig.house.desk.elapse():
        pass


class Loop(asyncio.SelectorEventLoop):
    """One that goes on by the real time, whatever another thread has frozen meanwhile."""

    def time(self) -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)


@contextmanager
def listening(rig: Rig) -> Iterator[str]:
    """The address at which the application is served meanwhile."""
    config = uvicorn.Config(
        rig.app,
        port=0,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        loop=f"{__name__}:{Loop.__name__}",
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: Any = None) -> None:
            # Of a page that is open still, the news have no end of their own.
            rig.app.state.changes.stop()
            await super().shutdown(sockets)

    server = Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        [socket] = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
