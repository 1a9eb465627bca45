"""The history of a site with what becomes of its orders, told act by act.

    site = OrderHistory().hold()
    site.delivered("suspend")
    assert site.in_force == "suspended"

An order is named by its kind, which is the last one of those that are not settled, or by its
number, which is that of the entry that it follows from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from incidents.machine import commands as c
from incidents.machine.orders import ACT, NOTICE
from tests.machine.history import ANN, History, utc


class OrderHistory(History):
    """The history of one site whose orders `panel` carries out."""

    def order(self, kind: str | int, lane: str = ACT) -> int:
        """The number of an order; of one that is settled, only the number leads to it."""
        if isinstance(kind, int):
            return kind
        unsettled = self.case.deliveries.values()
        return max(each.order for each in unsettled if (each.kind, each.lane) == (kind, lane))

    def delivered(
        self, kind: str | int, lane: str = ACT, *, enforced: bool = True, attempts: int = 1
    ) -> Self:
        """Record that an order was carried out."""
        order = self.order(kind, lane)
        return self.do(
            c.RecordDelivery(
                order=order, lane=lane, adapter="panel", attempts=attempts, enforced=enforced
            )
        )

    def failed(self, kind: str | int, lane: str = ACT, *, attempts: int = 9) -> Self:
        """Record that an order is given up."""
        order = self.order(kind, lane)
        return self.do(
            c.RecordFailure(
                order=order, lane=lane, adapter="panel", attempts=attempts, problem="http_503"
            )
        )  # fmt: skip

    def braked(self, kind: str | int) -> Self:
        """Record that the brake holds an order, which was not tried, in each of its lanes."""
        order = self.order(kind)
        for lane in (ACT, NOTICE):
            self.do(
                c.RecordFailure(
                    order=order, lane=lane, adapter="brake", attempts=0, problem="braked"
                )
            )  # fmt: skip
        return self

    def cancelled(
        self, kind: str | int, lane: str = ACT, *, why: str = "by_hand", tried: bool | None = None
    ) -> Self:
        """Cancel an order."""
        order = self.order(kind, lane)
        return self.do(c.CancelOrder(by=ANN, order=order, lane=lane, why=why, tried=tried))

    def lifted(self, kind: str | int, lane: str = ACT) -> Self:
        """Cancel an order, since what it orders was lifted."""
        return self.cancelled(kind, lane, why="lifted")

    def retried(self, kind: str | int, lane: str = ACT) -> Self:
        """Try a dead letter again."""
        return self.do(c.RetryOrder(by=ANN, order=self.order(kind, lane), lane=lane))

    def seen(self, state: str) -> Self:
        """Record how the site really stands, as somebody sees it now."""
        case = self.case
        return self.do(
            c.RecordState(
                by=ANN, adapter="panel", seen=state, in_force=case.in_force,
                last_act=case.last_act,
            )
        )  # fmt: skip

    def repeat(self) -> Self:
        """Order once more what is ordered."""
        return self.do(c.RepeatOrder(by=ANN))

    def tried(
        self, kind: str | int, lane: str = ACT, *, attempts: int = 1, until: str | None = None
    ) -> Self:
        """Mark attempts of an order; until then somebody has it in hand. It is on no record."""
        key = self.order(kind, lane), lane
        lease = None if until is None else utc(until)
        marked = replace(self.case.deliveries[key], attempts=attempts, lease_until=lease)
        self.case.deliveries[key] = self._twin.deliveries[key] = marked
        return self

    # State.

    @property
    def in_force(self) -> str:
        """The state known to be in force."""
        return self.case.in_force

    @property
    def waiting(self) -> list[tuple[int, str, str]]:
        """The orders that wait to be carried out: number, lane and kind."""
        return [(d.order, d.lane, d.kind) for d in self.case.deliveries.values() if not d.dead]

    @property
    def dead_letters(self) -> list[tuple[int, str, str]]:
        """The orders that were given up."""
        return [(d.order, d.lane, d.kind) for d in self.case.deliveries.values() if d.dead]
