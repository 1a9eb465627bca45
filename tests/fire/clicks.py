"""Clicks: buttons of the console that are pressed twice, and answers that are lost on their way.

Several operators record calls at one `incidents serve`, as the console's script sends them: each
press of one call under one key, and again until it is answered. Some presses come at the same
moment, of some the answer is not waited for, and the server is killed or stopped meanwhile. At the
end the record has each call once that somebody was told is done, and none that nobody made.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from incidents import views
from incidents.accounts import secrets
from incidents.api import authentication
from incidents.console.flash import FLASH_COOKIE as SAID
from incidents.store.cases import sites
from tests.acceptance.daemons import incidents
from tests.api.rig import PASSWORD
from tests.databases import postgresql_server, sqlite_folder
from tests.patience import PATIENCE_S
from tests.served_desk import ConsoleDesk, open_desk
from tests.served_process import ServerProcess, server_process

UNIT = "calls"
CALLS, KILLS, PAUSES = 1_000, 5, 10
OPERATORS = 4

_SITES_OF_ONE = 5
_OUTCOMES = ("no-answer", "left-message", "wrong-number", "bounced")
_LOST, _TWICE = 0.3, 0.5
_MOST_TRIES = 2_000
_BETWEEN_TRIES_S, _PAUSED_S, _LOSES_AFTER_S = 0.05, 0.3, 0.03

Call = tuple[str, str, str | None]
"""An incident, the outcome, and the note that only this call has, where its form has one."""


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Run one seeded piece of the long run, with an odd seed on SQLite, else on PostgreSQL.

    Raises:
        AssertionError: with the calls that are missing or there twice, and the seed.
    """
    on_sqlite = seed % 2 == 1
    with (
        sqlite_folder() if on_sqlite else postgresql_server() as databases,
        databases.at_head() as url,
    ):
        figures = storm(seed, url, folder, CALLS, kills=KILLS, pauses=PAUSES)
    kind = "SQLite" if on_sqlite else "PostgreSQL"
    return figures + Counter({f"{UNIT} on {kind}": figures[UNIT]})


def storm(
    seed: int, url: str, folder: Path, calls: int, *, kills: int, pauses: int
) -> Counter[str]:
    """Make calls on that database while its server is killed and stopped; raises as `chunk`."""
    with open_desk(url, folder, as_=ConsoleDesk) as desk, server_process(url, folder) as server:
        own = [_sites(desk, n) for n in range(OPERATORS)]
        handle = desk.have_account("li")
        operators = [
            Operator(desk, server, handle, sites, random.Random(f"clicks {seed} {n}"))
            for n, sites in enumerate(own)
        ]
        for operator in operators:
            operator.sign_in()
        _work(operators, server, calls, random.Random(f"clicks {seed}"), kills, pauses)
        made = sum((operator.done for operator in operators), Counter[Call]())
        found = judged(made, _recorded(desk, [site for each in own for site in each]))
    assert not found, f"seed {seed}: {found}"
    incidents(url, "audit", "replay")
    figures = sum((operator.figures for operator in operators), Counter[str]())
    return figures + Counter({UNIT: made.total(), "kills": kills, "pauses": pauses})


def judged(made: Counter[Call], recorded: Counter[Call]) -> list[str]:
    """The calls that are on record more or less often than they were acknowledged."""
    return [
        f"{call}: told {made[call]} times, on record {recorded[call]} times"
        for call in sorted({*made, *recorded}, key=str)
        if made[call] != recorded[call]
    ]


@dataclass
class Operator:
    """Somebody with a browser, who works on sites of their own."""

    desk: ConsoleDesk
    server: ServerProcess
    handle: str
    sites: Sequence[int]
    chance: random.Random
    done: Counter[Call] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    _cookie: str = ""

    def call(self, n: int) -> None:
        """Record one call, in as many tries as it takes.

        Raises:
            AssertionError: if two answers to it differ, or none comes.
        """
        site = self.chance.choice(self.sites)
        outcome = self.chance.choice(_OUTCOMES)
        note = f"call {n} of {self.sites[0]}" if self.chance.random() < 0.5 else None
        with self.desk.app.reading() as connection:
            seen = sites.entry_counts(connection, [site])[site]
        fields = {"outcome": outcome, "seen": str(seen), "key": f"{self.chance.getrandbits(128):x}"}
        path = f"/queue/{site}-1/contact"
        if note is not None:
            path, fields["note"] = f"/incidents/{site}-1/contact", note
        tones = self._press(path, fields)
        assert tones == {"done"}, (path, fields, tones)
        self.done[f"{site}-1", outcome, note] += 1

    def sign_in(self) -> None:
        """Before there is any trouble."""
        given = {"handle": self.handle, "password": PASSWORD, "to": "/"}
        with self._request("/sign-in", given) as answer:
            assert answer is not None
            found = SimpleCookie("; ".join(answer.headers.get_all("Set-Cookie", [])))
        self._cookie = found[authentication.COOKIE].value

    def _press(self, path: str, fields: dict[str, str]) -> set[str]:
        """The outcomes reported by the answers that came."""
        twice = self.chance.random() < _TWICE
        lost = [self.chance.random() < _LOST for _ in range(2 if twice else 1)]
        self.figures["double clicks"] += twice
        self.figures["answers not waited for"] += sum(lost)
        with ThreadPoolExecutor(len(lost)) as hands:
            told = list(hands.map(lambda loses: self._send(path, fields, loses=loses), lost))
        for _ in range(_MOST_TRIES):
            if any(told):
                break
            time.sleep(_BETWEEN_TRIES_S)
            self.figures["retries"] += 1
            told.append(self._send(path, fields, loses=False))
        return {each for each in told if each is not None}

    def _send(self, path: str, fields: dict[str, str], *, loses: bool) -> str | None:
        """The tone of the answer; None if it did not come, or is none of the console's."""
        try:
            own = {**fields, "csrf": secrets.form_token(self._cookie, authentication.CSRF)}
            with self._request(path, own, loses=loses) as answer:
                if answer is None or answer.status >= 500:
                    return None
                said = SimpleCookie("; ".join(answer.headers.get_all("Set-Cookie", []))).get(SAID)
                assert said is not None, (answer.status, answer.read())
                return str(json.loads(base64.urlsafe_b64decode(said.value))[0])
        except (OSError, HTTPException):
            return None

    @contextmanager
    def _request(
        self, path: str, fields: dict[str, str], *, loses: bool = False
    ) -> Iterator[HTTPResponse | None]:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html",
            "Cookie": f"{authentication.COOKIE}={self._cookie}",
        }  # fmt: skip
        try:
            connection.request("POST", path, urlencode(fields), headers)
            if loses:
                time.sleep(random.random() * _LOSES_AFTER_S)
            yield None if loses else connection.getresponse()
        finally:
            connection.close()


def _work(
    operators: Sequence[Operator], server: ServerProcess, calls: int, chance: random.Random,
    kills: int, pauses: int,
) -> None:  # fmt: skip
    """All work at once; the server is killed and stopped as the calls go on."""
    numbers, turn = iter(range(calls)), threading.Lock()
    made = 0
    troubles = ["kill"] * kills + ["pause"] * pauses
    chance.shuffle(troubles)

    def work(operator: Operator) -> None:
        nonlocal made
        while True:
            with turn:
                n = next(numbers, None)
            if n is None:
                return
            operator.call(n)
            with turn:
                made += 1

    with ThreadPoolExecutor(len(operators)) as threads:
        working = [threads.submit(work, operator) for operator in operators]
        for k, trouble in enumerate(troubles, start=1):
            while made < calls * k // (len(troubles) + 1) and not all(w.done() for w in working):
                time.sleep(0.01)
            if trouble == "kill":
                server.kill()
                server.start()
            else:
                with server.stopped():
                    time.sleep(_PAUSED_S)
        for each in working:
            each.result()


def _sites(desk: ConsoleDesk, n: int) -> list[int]:
    ids = [desk.violation(f"clicks-{n}-{m}.example") for m in range(_SITES_OF_ONE)]
    return [int(each.partition("-")[0]) for each in ids]


def _recorded(desk: ConsoleDesk, of: Sequence[int]) -> Counter[Call]:
    with desk.app.reading() as connection:
        return Counter(
            (f"{site}-1", each["outcome"], each["note"])
            for site in of
            for each in views.incident(connection, (site, 1))["contacts"]
        )
