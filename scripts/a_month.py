"""A month at the desk and a morning after it, around the demonstration's day, by real commands.

It is what the console's pictures show. The clock is simulated (see incidents.testing), chance is
seeded: it is the same month each time.
"""

from __future__ import annotations

import heapq
import json
import os
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from incidents.cli import main
from incidents.settings import sources
from incidents.testing import Rehearsal, rehearsal
from scripts import a_day

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
END = datetime.fromisoformat("2026-03-03T10:10:00+08:00")
"""When the morning is looked at."""

_DAYS, _REACHED = 28, 0.86
_BEGIN = END - _DAYS * DAY
_SITES = (
    "news", "forum", "blog", "music", "travel", "games", "novel", "video", "parts", "garden",
    "tea", "photo", "school", "clinic",
)  # fmt: skip
_CATEGORIES = ("gambling", "phishing", "malware", "fraud", "spam")
_SETTINGS = '[acts]\nadapter = "panel"\n[acts.panel]\ntype = "exec"\ncommand = ["/bin/true"]\n'

_MORNING = """
2026-03-02 10:12  incidents police done 1-1
2026-03-02 10:20  incidents log 书店.example --url https://书店.example/a --category gambling
2026-03-02 10:31  incidents contact 书店.example no-answer
2026-03-02 11:20:01  incidents daemon --once
2026-03-02 13:00  incidents log club.example --url https://club.example/odds --category gambling
2026-03-02 14:00:01  incidents daemon --once
2026-03-02 15:10  incidents log wiki.example --url https://wiki.example/login --category phishing
2026-03-02 15:20  incidents contact wiki.example reached
2026-03-02 18:40  incidents log wiki.example --url https://wiki.example/pay --category phishing
2026-03-02 18:52  incidents contact wiki.example reached
2026-03-02 20:05  incidents log wiki.example --url https://wiki.example/bank --category phishing
2026-03-02 23:20:02  incidents daemon --once
2026-03-03 02:00:02  incidents daemon --once
2026-03-03 03:02  incidents log club.example --url https://club.example/poker --category gambling
2026-03-03 04:02:01  incidents daemon --once
2026-03-03 08:36  incidents log 书店.example --url https://书店.example/casino --category gambling
2026-03-03 08:41  incidents contact 书店.example no-answer
2026-03-03 09:12  incidents contact 书店.example left-message --note "请前台转告"
2026-03-03 09:17  incidents log {long} --url https://{long}/pills --category drugs
2026-03-03 09:31  incidents contact {long} no-answer
2026-03-03 09:36:01  incidents daemon --once
2026-03-03 09:40  incidents log bücher.example --url https://bücher.example/x --category gambling
2026-03-03 09:44  incidents log mail.example --url https://mail.example/login --category phishing
2026-03-03 09:49  incidents contact mail.example reached
2026-03-03 09:58  incidents void {wiki} --reason "not a violation on review"
"""
_LONG = "spring-promotions-and-seasonal-discounts.outlet-store-of-the-north.example"
_PEOPLE = {
    "书店.example": '--person 王芳 --phone "+86 10 5555 0101" --email wang@书店.example',
    "club.example": '--person 张伟 --phone "+86 10 5555 0102"',
    "wiki.example": '--person "Li Na" --phone "+86 10 5555 0103"',
    "mail.example": '--person "Zhao Min" --phone "+86 10 5555 0104" --email zhao@mail.example',
    "bücher.example": '--person "Jonas Meyer" --phone "+49 30 5555 0105"',
    _LONG: '--person "Anna-Maria Schmidt-Oberhofer" --phone "+86 10 5555 0106"',
}
"""Whom to call; numbers and addresses of nobody."""


def play(folder: Path) -> None:
    """Play the demonstration's day, the month before it and the morning after it in `folder`.

    The record is then the one that INCIDENTS_DB names.
    """
    (folder / "config.toml").write_text(_SETTINGS, encoding="utf-8")
    os.environ["INCIDENTS_CONFIG"] = str(folder / "config.toml")
    for step in a_day.play(folder, terminal=False):
        assert step.status == 0, step
    # The pictures must not show this machine's names.
    with rehearsal(_BEGIN) as clock, patch.object(sources, "login", lambda: "operator-1"):
        desk = _Desk(clock)
        _Month(desk, Random(4)).play()  # noqa: S311 - the same month each time
        desk.clear()
        _morning(desk)


class _Desk:
    """Type commands at the desk, at the times of a clock."""

    def __init__(self, clock: Rehearsal) -> None:
        self.clock = clock

    def at(self, moment: datetime, command: str) -> str:
        """Type a command at that moment and return its output; it must succeed."""
        self.clock.now = max(moment, self.clock.now)
        return self.type(command)

    def type(self, command: str) -> str:
        screen = a_day.Screen(terminal=False)
        with redirect_stdout(screen), redirect_stderr(screen):
            status = main(shlex.split(command)[1:])
        assert status == 0, (command, screen.text())
        return screen.text().strip()

    def clear(self) -> None:
        """Settle whatever the month has left in the queue."""
        while items := json.loads(self.type("incidents queue --json --limit 1"))["items"]:
            # One may settle others.
            [item] = items
            self.type(_SETTLES.get(item["kind"], "incidents removed {incident}").format(**item))


_SETTLES = {
    "tell": "incidents done {id} --outcome told",
    "recheck": "incidents done {id}",
    "review": "incidents done {id}",
    "disputed": "incidents site uphold {site} --reason 'the rest is enough'",
}


class _Month:
    """Violations of every day, most of them reported in time, with their outcomes."""

    def __init__(self, desk: _Desk, random: Random) -> None:
        self._desk, self._random = desk, random
        self._waiting: list[tuple[datetime, int, Callable[[datetime], None]]] = []

    def play(self) -> None:
        for name in _SITES:
            self._desk.at(_BEGIN, f"incidents site add {name}.example --phone '+86 10 5555 0199'")
        midnight = _BEGIN.replace(hour=0, minute=0)
        for day in range(_DAYS - 1):
            for _ in range(self._random.randint(1, 5)):
                hour = self._random.triangular(0, 24, 14)
                self._then(midnight + day * DAY + hour * HOUR, self._log)
        while self._waiting and self._waiting[0][0] < END - DAY:
            moment, _, act = heapq.heappop(self._waiting)
            act(moment)

    def _then(self, moment: datetime, act: Callable[[datetime], None]) -> None:
        heapq.heappush(self._waiting, (moment, self._random.getrandbits(32), act))

    def _log(self, moment: datetime) -> None:
        random, site = self._random, self._random.choice(_SITES)
        category, who = random.choice(_CATEGORIES), random.choice(("operator-1", "operator-2"))
        log = f"incidents log {site}.example --again --category {category} -q"
        id_ = self._desk.at(moment, log).split()[0]
        contact = f"incidents contact {id_} {{}} --as {who}"
        told = moment + random.triangular(1, 20, 3) * HOUR
        self._then(told, self._does(f"incidents police done {id_}"))
        if random.random() < _REACHED:
            reached = moment + random.triangular(2, 58, 9) * MINUTE
            self._then(reached, self._does(contact.format("reached")))
            return
        late = timedelta(seconds=random.triangular(0.1, 4, 0.4))
        self._then(moment + 12 * MINUTE, self._does(contact.format("no-answer")))
        for lapses in (moment + HOUR + late, moment + 13 * HOUR + 2 * late):
            self._then(lapses, self._does("incidents daemon --once"))

    def _does(self, command: str) -> Callable[[datetime], None]:
        def act(moment: datetime) -> None:
            self._desk.at(moment, command)

        return act


def _morning(desk: _Desk) -> None:
    """The day and the night before, and the morning at which the pictures are taken."""
    desk.clock.now = datetime.fromisoformat("2026-03-02T10:10:00+08:00")
    ids = {name: _added(desk, name, whom) for name, whom in _PEOPLE.items()}
    facts: dict[str, Any] = {"long": _LONG, "wiki": f"{ids['wiki.example']}-1"}
    for line in _MORNING.format_map(facts).split("\n")[1:-1]:
        moment, command = line.split("  ", 1)
        at = datetime.fromisoformat(moment).replace(tzinfo=END.tzinfo)
        desk.at(at, command)
    desk.at(END - 2 * MINUTE, f"incidents claim {ids['bücher.example']}-1 --as operator-2")


def _added(desk: _Desk, name: str, whom: str) -> str:
    desk.type(f"incidents site add {name} {whom}")
    return str(json.loads(desk.type(f"incidents site show {name} --json"))["id"])
