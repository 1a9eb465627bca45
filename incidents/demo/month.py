"""The month before the present day: violations of every day, most of them settled in time.

Chance is seeded, so it is the same month each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from random import Random

from incidents.demo.schedule import Schedule
from incidents.machine import commands as c

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DAYS = 27

_REACHED = 0.86
_SITES = [
    f"{name}.example"
    for name in (
        "news", "forum", "blog", "music", "travel", "games", "novel", "video", "parts", "garden",
        "tea", "photo", "school", "clinic",
    )
]  # fmt: skip
_CATEGORIES = ("gambling", "phishing", "malware", "fraud", "spam")


class Month:
    """The month before the day that begins at `until`, written into a schedule."""

    def __init__(self, schedule: Schedule, until: datetime) -> None:
        self._schedule, self._until = schedule, until
        self._random = Random(4)  # noqa: S311 - the same month each time

    def write(self) -> None:
        """Write what the month brings, and that nothing of it is left in the queue."""
        begin = self._until - DAYS * DAY
        for site in _SITES:
            self._schedule.act(begin, site, c.AddSite(by="operator-1", phone="+86 10 5555 0199"))
        for day in range(DAYS):
            midnight = (begin + day * DAY).replace(hour=0, minute=0)
            for _ in range(self._random.randint(1, 5)):
                moment = midnight + self._random.triangular(0, 24, 14) * HOUR
                if begin < moment < self._until:
                    self._schedule.then(moment, partial(self._log, moment))
        self._schedule.then(self._until, lambda: self._schedule.desk.clear_queue(_SITES))

    def _log(self, moment: datetime) -> None:
        random, site = self._random, self._random.choice(_SITES)
        category, who = random.choice(_CATEGORIES), random.choice(("operator-1", "operator-2"))
        log = c.Log(by="operator-1", category=category, again=True)
        answer = self._schedule.do(site, log)
        n = int(answer.incident_document["id"].partition("-")[2])
        self._then(
            moment + random.triangular(1, 20, 3) * HOUR,
            site,
            c.StateReported(by="operator-1", incident=n),
        )
        if random.random() < _REACHED:
            reached = c.RecordContact(by=who, incident=n, outcome=c.REACHED)
            self._then(moment + random.triangular(2, 58, 9) * MINUTE, site, reached)
        else:
            missed = c.RecordContact(by=who, incident=n, outcome="no-answer")
            self._then(moment + 12 * MINUTE, site, missed)

    def _then(self, moment: datetime, site: str, command: c.Command) -> None:
        if moment < self._until:
            self._schedule.act(moment, site, command)
