"""A real process that serves the customers' pages, and a desk on the same database."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

from freezegun import freeze_time
from sqlalchemy import Engine, func, select

from incidents import clock, views
from incidents.customer_link import Incident
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.notices.customer_settings import Links
from incidents.store.engine import create, reading
from incidents.store.tables import entries

SECRET = "0123456789abcdef" * 2
BEFORE = "fedcba9876543210" * 2
LINKS = Links(base_url="https://desk.host.example", secrets=(SECRET,))
OFFICE = (
    'desk_name = "示例主机"\ndesk_phone = "+86 10 5555 0100"\ndesk_mail = "desk@host.example"\n'
)
CUSTOMER = f'''
[customer]
base_url = "{LINKS.base_url}"
secret = "{SECRET}"
previous_secret = "{BEFORE}"
'''
SETTINGS = f"[notices]\n{OFFICE}{CUSTOMER}"
FORM = "application/x-www-form-urlencoded"
PATIENCE_S = 60.0

_CONSOLE = "import sys; from incidents.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Page:
    """An answer as a browser gets it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def parts(self) -> Parts:
        return Parts.of(self.text)


@dataclass
class Parts(HTMLParser):
    """What a page consists of: its tags with their attributes, and the text that is seen."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    style: str = ""
    _inside: str = ""

    @classmethod
    def of(cls, text: str) -> Parts:
        found = cls()
        found.feed(text)
        return found

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += data
        else:
            self.seen.append(data)

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@dataclass
class Served:
    """The desk of one database, and the process that serves its pages."""

    url: str
    engine: Engine
    log: Path
    process: subprocess.Popen[str]
    names: Iterator[int] = field(default_factory=lambda: count(1))

    def do(self, site: str | int, command: c.Command, *, at: datetime | None = None) -> Any:
        """An act at the desk; its document."""
        desk = Desk(self.engine, own_clock=True)
        with freeze_time(at or clock.now(), ignore=["_pytest"]):
            [answer] = desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal is None, answer.refusal
        return answer.document

    def logged(self, *, ago: timedelta = timedelta(0), **fields: Any) -> Incident:
        """A violation on a site of its own, recorded so long ago."""
        site, at = f"s{next(self.names)}.example", clock.now() - ago
        self.do(site, c.AddSite(by="operator-1", person="张三"), at=at)
        document = self.do(site, c.Log(by="operator-1", **fields), at=at)
        site_id, n = document["incident"]["id"].split("-")
        return int(site_id), int(n)

    def incident(self, incident: Incident) -> dict[str, Any]:
        with reading(self.engine) as connection:
            found: dict[str, Any] = views.incident(connection, incident)
        return found

    def story(self, incident: Incident) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            return list(views.timeline(connection, *incident, now=clock.now()))

    def items(self, incident: Incident) -> dict[str, dict[str, Any]]:
        """What the queue has of the incident's site, by its id."""
        with reading(self.engine) as connection:
            found = views.queue(connection, clock.now(), limit=1_000)["items"]
        return {i["id"]: i for i in found if i["id"].split("-")[0] == str(incident[0])}

    def entries(self) -> int:
        with reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(entries)) or 0

    def get(self, incident: Incident, method: str = "GET") -> Page:
        return self.ask(path(incident), method)

    def say(self, incident: Incident, remark: str = "") -> Page:
        return self.post(path(incident), f"remark={quote_plus(remark)}".encode())

    def post(self, at: str, body: bytes, content_type: str = FORM) -> Page:
        return self.ask(at, "POST", body, {"Content-Type": content_type})

    def ask(
        self, at: str, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Page:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
        try:
            connection.request(method, at, body, headers or {})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Page(answer.status, named, answer.read())
        finally:
            connection.close()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(PATIENCE_S)


def path(incident: Incident, *, since: datetime | None = None, links: Links = LINKS) -> str:
    """Where the page of the incident is, by a link that was given out at `since`."""
    return urlsplit(links.to(incident, since or clock.now())).path


def command(*options: str) -> list[str]:
    return [sys.executable, "-c", _CONSOLE, "serve", *options]


def environment(db: str, folder: Path, settings: str = SETTINGS) -> dict[str, str]:
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    return {**os.environ, "INCIDENTS_DB": db, "INCIDENTS_CONFIG": str(folder / "config.toml")}


@contextmanager
def serving(db: str, folder: Path, settings: str = SETTINGS) -> Iterator[Served]:
    """Runs `incidents serve` on that database until the `with` block ends."""
    log, engine = folder / "serve.log", create(db)
    with log.open("w") as errors:
        process = subprocess.Popen(
            command("--port", "0"), env=environment(db, folder, settings),
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://"), log.read_text()
        yield Served(url, engine, log, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        engine.dispose()
