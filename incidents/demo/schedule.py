"""The schedule of the sample data: what happens at which moment, done in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from incidents.demo.simulated_desk import SimulatedDesk
from incidents.desk import Answer
from incidents.machine.command import Command

Step = Callable[[], object]
"""What happens at a moment of the schedule."""


class Schedule:
    """The schedule of a simulated desk, whose steps may write more into it."""

    def __init__(self, desk: SimulatedDesk) -> None:
        self.desk = desk
        self._waiting: list[tuple[datetime, int, Step]] = []
        self._numbers = count()

    def then(self, moment: datetime, step: Step) -> None:
        """Let something happen at that moment (aware)."""
        heapq.heappush(self._waiting, (moment, next(self._numbers), step))

    def act(self, moment: datetime, site: str, command: Command) -> None:
        """Let an act at the desk happen at that moment."""
        self.then(moment, lambda: self.do(site, command))

    def do(self, site: str, command: Command) -> Answer:
        """Do an act at the desk now."""
        return self.desk.submit([(site, command)])[0]

    def play(self, end: datetime) -> None:
        """Let everything happen until `end`; later moments never come."""
        while self._waiting and self._waiting[0][0] < end:
            moment, _, step = heapq.heappop(self._waiting)
            self.desk.wait_until(moment)
            step()
        self.desk.wait_until(end)
