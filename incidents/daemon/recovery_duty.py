"""Recovery: the duty that compares the world with a record that has lost its end, until they agree.

What is ordered again for it is carried out by the delivery, as any other order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from incidents.acts import recovery
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.desk.resumption import DAEMON
from incidents.store import schema

if TYPE_CHECKING:
    from incidents.bootstrap import House

TICK_S = 1


class Recovery:
    """Compares what is to be compared, for as long as somebody runs it; one thread does."""

    def __init__(self, house: House, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._house, self._stopped = house, stopped
        self._part = Part("the world is not compared with the record")

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not self._stopped():
            self._part.do(self._recover)

    def _recover(self) -> None:
        schema.check(self._house.bare_engine)
        if recovery.is_due(self._house):
            once(self._house, self._stopped)


def once(house: House, stopped: Callable[[], bool] = lambda: False) -> None:
    """Compares every site now, if the record has lost its end: `daemon --once`."""
    if not recovery.is_due(house):
        return
    login = house.settings.login
    found = recovery.counted(recovery.compared(house, by=DAEMON, login=login, stopped=stopped))
    journal.say("the world was compared with the record", **found)
