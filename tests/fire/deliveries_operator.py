"""The operator whose decisions are carried out: acts on many sites until SIGTERM.

    python -m tests.fire.deliveries_operator SITES SEED

The database is INCIDENTS_DB. Sites are held and let go, logged on until they are closed, closed for
false details, asked for and given back; calls are recorded late, so that suspensions are struck;
dead letters are tried again. Often several acts follow on one site at once, so that what is ordered
is lifted before anybody has tried it. At its end it prints how many acts there were.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

from sqlalchemy import Engine, func, select

from incidents import clock
from incidents.clock import read_rfc3339
from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store.database import engine as engines
from incidents.store.schema.log_tables import deliveries
from incidents.values.ids import ACT
from tests.fire.deliveries_watch import NEXT

NAME, OTHER = "operator-1", "operator-2"

_BURST = (1, 1, 1, 1, 2, 2, 3, 5)
_MOST_THOUGHT_S = 0.08
_MOST_DUE = 60
"""The number of waiting orders beyond which the operator pauses."""
_DEAD_LETTERS_LOOKED_AT = 0.01
_CALLED_AFTER = timedelta(seconds=1)


def names(sites: int) -> list[str]:
    """The names of that many sites."""
    return [f"act-{n}.example" for n in range(1, sites + 1)]


@dataclass(slots=True)
class Known:
    """The last known state of a site."""

    state: str = "active"
    held: bool = False
    asked: bool = False
    incident: int = 0
    recorded_at: datetime | None = None


@dataclass(slots=True)
class Operator:
    """One desk, and what its operator knows of the sites."""

    engine: Engine
    chance: random.Random
    sites: list[str]
    acts: Counter[str] = field(default_factory=Counter)
    known: dict[str, Known] = field(default_factory=dict)
    stopping: bool = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after the act in hand."""
        self.stopping = True

    def work(self) -> None:
        """Act and act."""
        desk = Desk(self.engine)
        while not self.stopping:
            site = self.chance.choice(self.sites)
            for _ in range(self.chance.choice(_BURST)):
                self._act(desk, site)
            if self.chance.random() < _DEAD_LETTERS_LOOKED_AT:
                self._try_again(desk)
            time.sleep(self.chance.random() * _MOST_THOUGHT_S)
            while self._due() > _MOST_DUE and not self.stopping:
                time.sleep(_MOST_THOUGHT_S)

    def _act(self, desk: Desk, site: str) -> None:
        known = self.known.setdefault(site, Known())
        wishes = _wishes(known)
        [wish] = self.chance.choices(list(wishes), list(wishes.values()))
        self._submit(desk, site, wish(known))

    def _submit(self, desk: Desk, site: str | int, command: c.Command) -> None:
        try:
            [answer] = desk.submit([Envelope(site=site, command=command)])
        except DatabaseError:
            self.acts["without an answer"] += 1
            return
        self.acts["done" if answer.refusal is None else "refused"] += 1
        if isinstance(site, str):
            _hear(self.known[site], command, answer.document)

    def _try_again(self, desk: Desk) -> None:
        of = deliveries.c
        asked = select(of.site_id, of.site_seq).where(of.dead.is_(True), of.lane == ACT)
        with self.engine.connect() as connection:
            dead = connection.execute(asked).all()
        if dead:
            site_id, order = self.chance.choice(dead)
            self._submit(desk, site_id, c.RetryOrder(by=NAME, order=order, lane=ACT))

    def _due(self) -> int:
        due = select(func.count()).where(NEXT, deliveries.c.next_at <= clock.now())
        with self.engine.connect() as connection:
            return connection.scalar(due) or 0


Wish = Callable[[Known], c.Command]


def _hear(known: Known, command: c.Command, document: Mapping[str, Any]) -> None:
    site, incident = document["site"], document["incident"]
    if site is not None:
        known.state, known.held = site["state"], site["held"]
    if isinstance(command, c.Log) and incident is not None:
        known.incident = int(incident["id"].partition("-")[2])
        known.recorded_at = read_rfc3339(incident["recorded_at"])
    known.asked = known.state == "closed" and (
        known.asked or isinstance(command, c.AskReinstatement)
    )


def _wishes(known: Known) -> dict[Wish, float]:
    """The possible next acts, each with its weight."""
    if known.state == "closed" and known.held:
        return {_lift: 1}
    if known.state == "closed":
        return {_approve: 5, _hold: 0.5} if known.asked else {_ask: 5, _log: 0.5, _hold: 0.5}
    if known.held:
        return {_lift: 8, _log: 1, _false: 0.3}
    told: dict[Wish, float] = {_reached: 2, _void: 1} if known.incident else {}
    if known.state == "suspended":
        return {_reached: 4, _void: 2, _hold: 1, _log: 1, _false: 0.3}
    return {_hold: 6, _log: 4, _false: 0.5, **told}


def _hold(_: Known) -> c.Command:
    return c.SetHold(by=NAME, reason="by order")


def _lift(_: Known) -> c.Command:
    return c.LiftHold(by=NAME, reason="order lifted")


def _log(_: Known) -> c.Command:
    return c.Log(by=NAME, again=True)


def _false(_: Known) -> c.Command:
    return c.StateFalse(by=NAME, field="phone", evidence="no such number")


def _ask(_: Known) -> c.Command:
    return c.AskReinstatement(by=NAME, reason="an appeal")


def _approve(_: Known) -> c.Command:
    return c.Approve(by=OTHER)


def _reached(known: Known) -> c.Command:
    """A call that was made in time, whenever it is typed."""
    at = None if known.recorded_at is None else known.recorded_at + _CALLED_AFTER
    return c.RecordContact(by=NAME, incident=max(1, known.incident), outcome="reached", at=at)


def _void(known: Known) -> c.Command:
    return c.VoidIncident(by=NAME, incident=max(1, known.incident), reason="no violation")


def main(sites: int, seed: int) -> int:
    """Work until SIGTERM; the exit status."""
    engine = engines.create(os.environ["INCIDENTS_DB"])
    operator = Operator(engine, random.Random(f"operator {seed}"), names(sites))
    signal.signal(signal.SIGTERM, operator.stop)
    operator.work()
    sys.stdout.write(json.dumps(operator.acts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
