"""Recovery: the duty that compares the world with a record that has lost its end, until they agree.

What is ordered again for it is carried out by the delivery, as any other order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from incidents.acts import recovery
from incidents.acts.reconciliation import REPAIRED
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
        self._asked: set[str] = set()

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not self._stopped():
            self._part.do(self.recover)

    def recover(self) -> None:
        """Compares what is to be compared now; raises as `recovery.compared` does."""
        schema.check(self._house.bare_engine)
        if not recovery.may_be_due(self._house.reading):
            return
        if recovery.is_due(self._house.reading):
            _compare(self._house, None, self._stopped)
        # Each is asked about once: one that the world knows to be up stays without an order.
        with self._house.reading() as connection:
            new = [name for name in recovery.strangers(connection) if name not in self._asked]
        if new:
            _compare(self._house, new, self._stopped)
            self._asked.update(new)


def once(house: House) -> None:
    """Compares every site now, if the record has lost its end: `daemon --once`."""
    Recovery(house).recover()


def _compare(house: House, only: Sequence[str] | None, stopped: Callable[[], bool]) -> None:
    compared = recovery.compared(
        house.engine, house.desk, house.reading, by=DAEMON, login=house.settings.login, only=only,
        stopped=stopped,
    )  # fmt: skip
    counts = recovery.counted(compared)
    journal.say(
        "the world was compared with the record", sites=counts.total(), orders=counts[REPAIRED]
    )
