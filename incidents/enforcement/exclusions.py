"""The exclusions: claimed orders that are not attempted now, each with what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from incidents.enforcement import epochs, order_payload, waiting
from incidents.enforcement.dispatcher import AttemptResult, Dispatcher
from incidents.enforcement.outcomes import Outcomes
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import deliveries, leases
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.desk_state import database_time
from incidents.store.log import lineage

_EPOCHS_AGAIN_S = 60.0


class Exclusions:
    """The exclusions of one dispatcher, whose claims last for `lease`.

    `epochs`: the epochs on record, as of the latest claim.
    """

    def __init__(self, dispatcher: Dispatcher, outcomes: Outcomes, lease: timedelta) -> None:
        self.epochs = epochs.Epochs()
        self._dispatcher, self._outcomes, self._lease = dispatcher, outcomes, lease
        self._read_again_at = inf
        self._first_comparison = (
            None
            if dispatcher.compare is None
            else waiting.FirstComparison(dispatcher.engine, dispatcher.compare)
        )

    def of(
        self,
        found: Sequence[leases.Claimed],
        held: Sequence[leases.Claimed],
        *,
        epoch: int,
        now: datetime,
        began: float,
    ) -> set[leases.Key]:
        """The keys of the claimed orders that are not attempted at `now` (UTC).

        `found`: the claimed orders; `held`: those of them that the brake holds.

        `epoch`: the present one. `began`: when they were claimed, on the dispatcher's monotonic
        clock. What is done about them is submitted to the desk.
        """
        if self.epochs.current != epoch or began >= self._read_again_at:
            self._read_epochs(began)
        self._elapse_overdue(found, now)
        excluded: set[leases.Key] = set()
        for exclude in (
            self._leave_unnumbered, self._cancel_lifted, self._compare_first, self._leave_down,
        ):  # fmt: skip
            excluded |= exclude([each for each in found if each.key not in excluded])
        return excluded | self._record_braked([each for each in held if each.key not in excluded])

    def _read_epochs(self, now_s: float) -> None:
        with plainly(self._dispatcher.engine), reading(self._dispatcher.engine) as connection:
            self.epochs = epochs.read(connection)
        self._read_again_at = inf if self.epochs.earlier is not None else now_s + _EPOCHS_AGAIN_S

    def _leave_unnumbered(self, found: Sequence[leases.Claimed]) -> set[leases.Key]:
        """Leave old notices whose epoch is in a part of the archive that cannot be read now."""
        left = [each for each in found if self.epochs.of(each.lane, each.ordered_at) is None]
        self._postpone(left)
        return {each.key for each in left}

    def _elapse_overdue(self, found: Sequence[leases.Claimed], now: datetime) -> None:
        """End expired suspensions first, so that their orders are not carried out."""
        over = [
            claimed.site_id for claimed in found if order_payload.is_suspension_over(claimed, now)
        ]
        self._outcomes.submit([(site_id, c.Elapse()) for site_id in over])

    def _cancel_lifted(self, found: Sequence[leases.Claimed]) -> set[leases.Key]:
        """Cancel orders that are no longer needed; return the orders to leave out of this round."""
        dispatcher = self._dispatcher
        heads = {claimed.site_id: claimed for claimed in found if claimed.lane == ACT}
        if not heads:
            return set()
        with plainly(dispatcher.engine), reading(dispatcher.engine) as connection:
            chains = deliveries.chains(connection, heads)
        needless = order_payload.lifted(heads, chains)
        # An order that was never tried is known not to be in force.
        self._postpone([heads[site_id] for site_id in needless])
        self._outcomes.submit([command for commands in needless.values() for command in commands])
        return {heads[site_id].key for site_id in needless}

    def _compare_first(self, found: Sequence[leases.Claimed]) -> set[leases.Key]:
        """Compare sites with their actual state after a loss; return the orders that must wait."""
        if self._first_comparison is None or not self.epochs.current:
            return set()
        waits = self._first_comparison.must_wait(found)
        self._postpone(waits)
        # An earlier order to open a site must not delay the one that keeps it down.
        overtaken = [each for each in waits if each.lane == ACT and waiting.stays_down(each)]
        self._outcomes.submit(
            [(each.site_id, waiting.cancelling_left_down(each)) for each in overtaken]
        )
        return {each.key for each in waits}

    def _leave_down(self, found: Sequence[leases.Claimed]) -> set[leases.Key]:
        """Cancel and return orders that would open left-down sites or suspend left-closed ones."""
        engine = self._dispatcher.engine
        if not self.epochs.current:
            return set()
        with plainly(engine), reading(engine) as connection:
            left = waiting.left_down(connection, found)
        if left:
            with plainly(engine), writing(engine) as connection:
                # The alarm is raised again, until a person decides.
                lineage.doubt(
                    connection,
                    self.epochs.current,
                    database_time(connection) or self._dispatcher.clock(),
                )
        # A cancellation that is not recorded is claimed, and checked, again.
        self._postpone(left)
        self._outcomes.submit([(each.site_id, waiting.cancelling_left_down(each)) for each in left])
        return {each.key for each in left}

    def _record_braked(self, held: Sequence[leases.Claimed]) -> set[leases.Key]:
        """Record the untried orders that the brake holds, in each of their lanes; return them."""
        self._outcomes.submit(waiting.recording_braked(held))
        return {each.key for each in held}

    def _postpone(self, left: Sequence[leases.Claimed]) -> None:
        """Let nobody claim these orders for a while; they count as not tried."""
        self._outcomes.postpone([AttemptResult(each, "", None) for each in left], self._lease)
