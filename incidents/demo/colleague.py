"""The colleague of a visitor: violations keep coming in, and half of the calls are somebody else's.

Each is on a site of its own, so that the visitor alone decides what becomes of the others.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count, cycle, product

from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.values import inputs, site_name

HANDLE = "operator-2"
FIRST, EACH = timedelta(minutes=12), timedelta(minutes=40)
"""When the first violation comes in, and how long until the next one."""

_CLAIMS, _REACHES = timedelta(minutes=4), timedelta(minutes=17)
_NAMES = ("lotus", "harbour", "江南", "maple", "comet", "云上", "lantern", "jade")
_KINDS = ("shop", "club", "studio", "market", "forum", "news")
_FOUND = (("gambling", "win"), ("phishing", "login"), ("spam", "offers"), ("fraud", "pay"))


class Colleague:
    """A colleague at a desk, who works whenever `work` is called; `clock` is in UTC."""

    def __init__(self, desk: Desk, clock: Callable[[], datetime], login: str) -> None:
        self._desk, self._clock, self._login = desk, clock, login
        self._next_at = clock() + FIRST
        self._sites = cycle(f"{name}-{kind}.example" for kind, name in product(_KINDS, _NAMES))
        self._found, self._violations = cycle(_FOUND), count()
        self._waiting: list[tuple[datetime, int, str, c.Command]] = []
        self._numbers = count()

    def work(self) -> None:
        """Do what is to be done by now; what the database cannot take now is left out."""
        now = self._clock()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, site, command = heapq.heappop(self._waiting)
            self._do(site, command)
        if now >= self._next_at:
            self._next_at = now + EACH
            self._log(now)

    def _log(self, now: datetime) -> None:
        n, site = next(self._violations), next(self._sites)
        category, path = next(self._found)
        name, read = site_name.read(site), inputs.urls([f"https://{site}/{path}"])
        phone = f"+86 10 5555 01{n % 100:02}"
        self._do(name, c.AddSite(by=HANDLE, phone=phone))
        log = c.Log(by=HANDLE, urls=read.urls, written=read.written, category=category, again=True)
        self._do(name, log)
        if n % 2:
            claims = c.ClaimItem(by=HANDLE, item="1")
            reaches = c.RecordContact(by=HANDLE, incident=None, outcome=c.REACHED)
            for after, command in ((_CLAIMS, claims), (_REACHES, reaches)):
                heapq.heappush(self._waiting, (now + after, next(self._numbers), name, command))

    def _do(self, site: str, command: c.Command) -> None:
        """Do an act; a visitor may have done something else, so that it is refused."""
        with suppress(DatabaseError):
            self._desk.submit(
                [Envelope(site=site, command=command, login=self._login, signed_in=True)]
            )
