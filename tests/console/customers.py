"""Customers at the page of an incident: their links, and what they ask over HTTP."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import count
from typing import Any
from urllib.parse import quote_plus, urlsplit

from anyio.from_thread import BlockingPortal

from incidents import clock, views
from incidents.app import App
from incidents.clock import read_rfc3339
from incidents.contract.documents.queue import QueueItem
from incidents.contract.documents.sites import IncidentOfSite, Line
from incidents.notices.customer_link import Incident, Links
from tests.patience import PATIENCE_S
from tests.served_desk import ConsoleDesk

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
    def read(self) -> str:
        """The page without the marks in a line: of times, and of the desk's number."""
        return unmarked(self.text)

    @property
    def parts(self) -> Parts:
        return Parts.of(self.text)


def unmarked(text: str) -> str:
    return re.sub(r'<(span class="time"|a class="call"[^>]*)>([^<]*)</(span|a)>', r"\2", text)


@dataclass
class Parts(HTMLParser):
    """The parts of a page: its tags with their attributes, and the visible text."""

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


class Customers(ConsoleDesk):
    """A desk, and its customers, who ask by their links."""

    def __init__(self, app: App, portal: BlockingPortal) -> None:
        super().__init__(app, portal)
        self._names: Iterator[int] = count(1)

    def logged(self, *, ago: timedelta = timedelta(0), **fields: Any) -> Incident:
        """A violation on a site of its own, recorded so long ago."""
        incident = self.violation(f"s{next(self._names)}.example", ago=ago, **fields)
        site_id, n = incident.split("-")
        return int(site_id), int(n)

    def incident(self, incident: Incident) -> IncidentOfSite:
        with self.app.reading() as connection:
            found: IncidentOfSite = views.incident(connection, incident)
        return found

    def due(self, incident: Incident) -> datetime:
        """By when somebody must be reached; its clock runs."""
        due = self.incident(incident)["contact_due"]
        assert due is not None
        return read_rfc3339(due)

    def story(self, incident: Incident) -> list[Line]:
        with self.app.reading() as connection:
            return list(views.timeline(connection, *incident, now=clock.now()))

    def items(self, incident: Incident) -> dict[str, QueueItem]:
        """The items of the queue for the incident's site, by id."""
        with self.app.reading() as connection:
            found = views.queue(connection, clock.now(), limit=1_000)["items"]
        return {i["id"]: i for i in found if i["id"].split("-")[0] == str(incident[0])}

    def get(self, incident: Incident, method: str = "GET") -> Page:
        return self.ask(path(incident), method)

    def say(self, incident: Incident, remark: str = "") -> Page:
        return self.post(path(incident), f"remark={quote_plus(remark)}".encode())

    def post(self, at: str, body: bytes, content_type: str = FORM) -> Page:
        return self.ask(at, "POST", body, {"Content-Type": content_type})

    def ask(
        self, at: str, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Page:
        return ask(self.url, at, method, body, headers)


def ask(
    url: str, at: str, method: str = "GET", body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Page:  # fmt: skip
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.request(method, at, body, headers or {})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Page(answer.status, named, answer.read())
    finally:
        connection.close()


def path(
    incident: Incident, *, since: datetime | None = None, links: Links = LINKS, revoked: int = 0
) -> str:
    """The path of the incident's page, by a link that was given out at `since`."""
    return urlsplit(links.address(incident, since or clock.now(), revoked)).path
