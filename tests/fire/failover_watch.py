"""The watch over a failover: when a new leader takes writes, who is heard of, and who is ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import psycopg

from tests.fire.failover_acts import Attempt
from tests.fire.failover_desk import PORT, heartbeats, ready
from tests.fire.patroni_member import DATABASE, Member
from tests.patience import until

_LOOK_S = 0.05
_LEADER_LOOKS = 6_000
_BEAT_LOOK_S = 0.2
_READY_LOOK_S, _READY_LIMIT_S = 0.1, 2.0
_MAKE = "CREATE TABLE probe (n bigint)"
_FILL = "INSERT INTO probe VALUES (0)"
_WRITE = "UPDATE probe SET n = n + 1"


@dataclass(frozen=True, slots=True)
class Found:
    """The member that took a write, and the moment: monotonic in seconds, and the time (UTC)."""

    member: Member
    at: float
    time: datetime


def prepare(leader: Member) -> None:
    """Make what is written to."""
    leader.ask(_MAKE)
    leader.ask(_FILL)


class NewLeader:
    """Looks at each of the members until one of them takes a write."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._found: Found | None = None
        for each in members:
            threading.Thread(target=self._look, args=[each]).start()

    def wait(self) -> Found:
        """Wait for it."""
        until(lambda: self._found, "a new leader takes writes", looks=_LEADER_LOOKS)
        assert self._found is not None
        return self._found

    def _look(self, member: Member) -> None:
        while self._found is None:
            with suppress(psycopg.Error), member.connect("postgres", limit_s=2) as connection:
                while self._found is None:
                    if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                        connection.execute(_WRITE)
                        self._found = Found(member, time.monotonic(), datetime.now(UTC))
                    time.sleep(_LOOK_S)
            time.sleep(_LOOK_S)


class Beats:
    """When each daemon is heard of for the first time at the new leader (monotonic, seconds)."""

    def __init__(self, leader: Member, daemons: Sequence[int], over: threading.Event) -> None:
        self.heard: dict[int, float] = {}
        self._leader, self._daemons, self._over = leader, daemons, over
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def all_heard(self) -> bool:
        """Whether each has been."""
        return len(self.heard) == len(self._daemons)

    def _look(self) -> None:
        with self._leader.connect(DATABASE) as connection:
            before = heartbeats(connection)
            while not self.all_heard() and not self._over.wait(_BEAT_LOOK_S):
                now = heartbeats(connection)
                for pid in self._daemons:
                    if now.get(pid) != before.get(pid):
                        self.heard.setdefault(pid, time.monotonic())


@dataclass(frozen=True, slots=True)
class Look:
    """One look at /readyz, from when to when (monotonic), and the status."""

    sent: float
    ended: float
    status: int | None


class Readiness:
    """Looks at /readyz all the time."""

    def __init__(self, over: threading.Event) -> None:
        self.looks: list[Look] = []
        self._over = over

    def work(self) -> None:
        """Look until it is over."""
        while not self._over.wait(_READY_LOOK_S):
            sent = time.monotonic()
            status = ready(PORT, _READY_LIMIT_S)
            self.looks.append(Look(sent, time.monotonic(), status))

    def untrue(self, attempts: Sequence[Attempt]) -> float:
        """The seconds in which it said that all is well, and acts failed that were sent then.

        Those that were under way when it said so do not count.
        """
        failed = sorted(each.sent for each in attempts if not each.done)
        total = 0.0
        for one, after in pairwise(self.looks):
            until_ = after.ended if after.status == 200 else after.sent
            if one.status == 200 and any(one.ended <= sent < until_ for sent in failed):
                total += until_ - one.ended
        return total
