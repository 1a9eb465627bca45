"""The fire of deliveries: everybody who has to do with an order, and what is done to them.

The daemons are killed, or stopped for longer than a lease and go on; the receiver is killed, for a
moment or for a while, and kills itself. The operator only acts: what it decides is to be done.
"""

from __future__ import annotations

import math
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database.schema import upgrade
from tests.acceptance.daemons import engine_of, environment
from tests.fire.burning import Target, fire
from tests.fire.deliveries_clock import RATE, Hand
from tests.fire.deliveries_operator import names
from tests.fire.deliveries_scene import Programs, free_port, settings
from tests.fire.deliveries_watch import Watch
from tests.patience import until

_POLICY = """
[unreachable]
within = "20s"
suspend_for = "30s"
"""
_BETWEEN_S = 1.5
_TICK_S, _LOOK_S, _CLOSE_LOOK_S = 0.02, 0.1, 0.03
_DOWN_S, _LONG_DOWN_S = 0.3, 4.0
_PAUSE_S, _LONG_PAUSE_S = 1.0, 7.0
_FURTHER = timedelta(seconds=30)
_MOST_LOOKS = 6_000

_FAULTS = ("fault in", "Traceback", "deadlock", "was refused", "adapter failed", '"critical"')
"""Text that no log may contain, however much goes wrong around the program."""


class DeliveryRun:
    """The faults inflicted on the processes of one run; `folder` gets their output."""

    def __init__(self, url: str, seed: int, folder: Path, *, daemons: int, sites: int) -> None:
        self._url = url
        self._chance = random.Random(f"deliveries {seed}")
        self._hand = Hand(folder)
        self._looked_at, self._all_is_held = 0.0, True
        self._returns_at: float | None = None
        with ExitStack() as stack:
            self._watch = Watch(stack.enter_context(engine_of(url)))
            port = free_port()
            env = environment(url, self._hand.environment, settings(folder, port))
            burning = [Target(f"daemon-{n}", ("daemon",)) for n in range(1, daemons + 1)]
            lit = fire(burning, env, folder, self._chance, self._hand.now)
            self._fire = stack.enter_context(lit)
            programs = Programs(env, folder, stack)
            ledger = str(folder / "ledger")
            self._receiver = programs.of("deliveries_receiver", str(port), str(seed), ledger)
            self._operator = programs.of("deliveries_operator", str(sites), str(seed))
            self._begin(names(sites))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def figures(self) -> Counter[str]:
        """Count what was done."""
        return self._fire.figures

    @property
    def overdue(self) -> list[timedelta]:
        """For how long what the dead had in hand was in nobody else's, by the simulated clock."""
        return self._watch.overdue

    def _begin(self, names: list[str]) -> None:
        """Make the database, with sites and a policy whose hours are seconds; start everybody."""
        upgrade(self._url, rehearsal=True)
        with engine_of(self._url) as engine:
            desk = Desk(engine, clock=self._hand.now)
            desk.activate(_POLICY, by="operator-1", login=None, reason="fire", key="policy")
            desk.submit([Envelope(site=name, command=c.AddSite(by="operator-1")) for name in names])
        self._receiver.start()
        for each in self._fire.all:
            self._fire.start(each)
        self._operator.start()

    # Faults.

    def burn(self, orders: int) -> None:
        """Kill and stop them until that much has been ordered."""
        doings = {
            self._kill: 5, self._kill_receiver: 1, self._lose_receiver: 0.2,
            self._pause: 2, self._pause_long: 0.7,
        }  # fmt: skip
        first = [self._pause_long, self._kill, self._kill_receiver]
        while first or self._watch.ordered() < orders:
            self._pass(self._chance.random() * _BETWEEN_S)
            [drawn] = self._chance.choices(list(doings), list(doings.values()))
            do = first.pop(0) if first else drawn
            do()

    def die_down(self) -> None:
        """Let all that was ordered come to its end, and then everybody."""
        assert self._operator.end(signal.SIGTERM) == 0, self._operator.text()
        self.figures.update({f"acts {n}": times for n, times in self._operator.told().items()})
        self._fire.wake(math.inf)
        self._receiver.kill()
        self._receiver.start("--calm")
        self._returns_at = None
        until(self._is_quiet_later, "what was ordered comes to its end", looks=_MOST_LOOKS)
        for each in self._fire.all:
            self._fire.end(each, signal.SIGTERM, 0)
        self._receiver.kill()

    def _is_quiet_later(self) -> bool:
        self._pass(_LOOK_S)
        return self._is_quiet()

    def read_logs(self) -> None:
        """Nobody has met a fault of the program."""
        for each, line in self._fire.lines():
            assert not any(fault in line for fault in _FAULTS), f"{each.name}: {line}"
        assert "Traceback" not in self._receiver.text(), self._receiver.text()

    def _kill(self) -> None:
        self._fire.kill(self._chance.choice(self._fire.all))

    def _pause(self) -> None:
        self._stop_one(self._chance.random() * _PAUSE_S)

    def _pause_long(self) -> None:
        """For longer than a lease."""
        self.figures["pauses longer than a lease"] += self._stop_one(_LONG_PAUSE_S)

    def _stop_one(self, for_s: float) -> bool:
        """One at a time: whether there was none."""
        there_was_none = len(self._fire.awake) == len(self._fire.all)
        if there_was_none:
            self._fire.pause(self._chance.choice(self._fire.all), for_s)
        return there_was_none

    def _kill_receiver(self, most_s: float = _DOWN_S) -> None:
        if self._returns_at is None:
            self._receiver.kill()
            self._note_deaths(most_s)

    def _lose_receiver(self) -> None:
        self._kill_receiver(_LONG_DOWN_S)

    def _note_deaths(self, most_s: float) -> None:
        down_s = self._chance.random() * most_s
        self._returns_at = time.monotonic() + down_s
        self._fire.tell(killed="receiver", down_s=down_s)
        self.figures["kills of the receiver"] += 1

    # Observations.

    def _pass(self, for_s: float) -> None:
        """Let `for_s` real seconds pass."""
        ends_at = time.monotonic() + for_s
        while True:
            rate, look_s = (RATE, _LOOK_S) if self._all_is_held else (1, _CLOSE_LOOK_S)
            self._hand.tick(rate)
            self._wake()
            if time.monotonic() - self._looked_at > look_s:
                self._look()
            if time.monotonic() >= ends_at:
                return
            time.sleep(_TICK_S)

    def _wake(self) -> None:
        now = time.monotonic()
        self._fire.wake(now)
        if self._returns_at is None and self._receiver.status is not None:
            self._note_deaths(_DOWN_S)
        if self._returns_at is not None and self._returns_at <= now:
            self._receiver.start()
            self._returns_at = None

    def _look(self) -> None:
        """At who has ended, and at the leases that have.

        From just before one ends until somebody takes the order, the clock keeps real time.
        """
        self._looked_at = time.monotonic()
        self._fire.see_all_alive()
        now = self._hand.now()
        longest = self._watch.see_overdue(now, _soon(now))
        self._all_is_held = longest is None

    def _is_quiet(self) -> bool:
        """Whether nothing is to come; the time until the next event is skipped."""
        next_at = self._watch.next_at()
        if next_at is not None and next_at > _soon(self._hand.now()):
            self._hand.leap_to(next_at + _FURTHER)
        return next_at is None


def _soon(now: datetime) -> datetime:
    """Before the database is looked at again it will be so late."""
    return now + timedelta(seconds=2 * RATE * _LOOK_S)
