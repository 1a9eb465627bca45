"""The diary of the sample data: what happens at which moment, done in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from incidents.demo.hand import Hand
from incidents.desk import Answer
from incidents.machine.command import Command

Deed = Callable[[], object]


class Diary:
    """The diary of a hand, whose deeds may write more into it."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self._waiting: list[tuple[datetime, int, Deed]] = []
        self._numbers = count()

    def then(self, moment: datetime, deed: Deed) -> None:
        """Let something happen at that moment (aware)."""
        heapq.heappush(self._waiting, (moment, next(self._numbers), deed))

    def act(self, moment: datetime, site: str, command: Command) -> None:
        """Let an act at the desk happen at that moment."""
        self.then(moment, lambda: self.do(site, command))

    def do(self, site: str, command: Command) -> Answer:
        """Do an act at the desk now."""
        return self.hand.submit([(site, command)])[0]

    def play(self, end: datetime) -> None:
        """Let everything happen until `end`; later moments never come."""
        while self._waiting and self._waiting[0][0] < end:
            moment, _, deed = heapq.heappop(self._waiting)
            self.hand.wait_until(moment)
            deed()
        self.hand.wait_until(end)
