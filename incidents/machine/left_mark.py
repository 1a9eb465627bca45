"""The mark of a site that a loss of entries has left down, derived from the site's entries.

The mark remains, across epochs, until a person decides about the site, or the site is known to be
up. When a person resumes the record after a loss, this decides about the sites that a person had
ordered to be opened by name, and about no others. A hold is no such decision if the site is
actually closed but not on record as closed: a rule had closed it, and that entry is lost. Such a
site stays closed until it is closed again or reinstated, or until a person orders it opened by
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from incidents.machine import command
from incidents.machine import events as e
from incidents.machine.actions import orders
from incidents.machine.apply import changes
from incidents.machine.case import UNKNOWN, Case, Delivery, Hold
from incidents.machine.event import SiteEvent
from incidents.machine.orders import order_of
from incidents.values import ids

_UP, _SUSPENDED, _CLOSED = "active", "suspended", "closed"
_RANK = {UNKNOWN: 0, _UP: 0, _SUSPENDED: 1, _CLOSED: 2}
"""The rank of each state: a higher rank is further down."""

_OF_ORDERS = (e.OrderDelivered, e.OrderFailed, e.OrderCancelled, e.OrderRetried)

READS = frozenset(
    each
    for each in e.KINDS.values()
    if issubclass(each, (SiteEvent, e.StateSeen, e.OrderRepeated, *_OF_ORDERS))
)
"""The kinds of entries from which the mark is derived. Entries on orders count only in the lane to
the live system (`ACT`)."""


class Epoch(NamedTuple):
    """An epoch of the record, with all entries recorded after `at` (UTC) until the next epoch.

    `by_person`: a person started the epoch; `is_loss`: entries before it are known to be missing.
    """

    at: datetime
    by_person: bool
    is_loss: bool


Numbered = tuple[int, e.Event]
"""An entry of a site, with its number among the site's entries."""


def is_marked(entries: Iterable[Numbered], begun: Sequence[Epoch]) -> bool:
    """Whether a site is marked, by its entries and the epochs so far, both in order."""
    return _read(entries, begun).is_set


def is_kept_down(entries: Iterable[Numbered], begun: Sequence[Epoch]) -> bool:
    """Whether the site is marked or held, so that it does not open when a suspension ends."""
    mark = _read(entries, begun)
    return mark.is_set or mark.case.held


def _read(entries: Iterable[Numbered], begun: Sequence[Epoch]) -> _Mark:
    mark, to_come = _Mark(Case(site_id=0, site="")), list(begun)
    for number, event in entries:
        while to_come and event.recorded_at > to_come[0].at:
            mark.begin(to_come.pop(0))
        mark.name(number, event)
        if len(to_come) < len(begun):
            mark.see(event)
        follow(mark.case, number, event)
    for each in to_come:
        mark.begin(each)
    return mark


def follow(case: Case, number: int, event: e.Event) -> None:
    """Apply an event to the parts of the case that the mark depends on.

    These are the ordered and the actual state, the hold, and unsettled orders that change the live
    system.
    """
    if isinstance(event, _OF_ORDERS):
        if event.lane == ids.ACT:
            changes[type(event)](case, event)
    elif isinstance(event, e.StateSeen):
        case.in_force = event.seen
    elif isinstance(event, SiteEvent):
        case.state = event.site_to
    if isinstance(event, e.HoldSet):
        case.hold = Hold(by=event.by, at=event.recorded_at, reason=event.text)
    elif isinstance(event, e.HoldLifted):
        case.hold = None
    order = order_of(event)
    if order is not None and ids.ACT in order.lanes:
        case.deliveries[number, ids.ACT] = Delivery(order=number, lane=ids.ACT, kind=order.kind)


@dataclass(slots=True)
class _Mark:
    """The mark of one site, while its entries are read.

    `ordered`: the ordered state when the last epoch began, or active if the site was up since.
    `to_open`: the state furthest down that a person knew of when ordering the site opened, while
    that order waits. `named`: the orders by which a person had the site opened by name, in any
    epoch.
    """

    case: Case
    is_set: bool = False
    ordered: str = _UP
    to_open: str = _UP
    named: set[int] = field(default_factory=set)

    def begin(self, epoch: Epoch) -> None:
        """Begin the next epoch."""
        case, opening = self.case, self._opening()
        self.ordered = case.state
        if epoch.by_person:
            # Orders of a clock, of which the person did not know, are cancelled. A site that is
            # ordered up but is down is opened by the new order; a suspended one waits for a person
            # at its end.
            self.is_set &= not opening & self.named
        elif epoch.is_loss and opening and case.in_force != _UP:
            # A hold that is lost would have cancelled the opening.
            self.is_set = True
        if epoch.is_loss or not opening:
            self.to_open = _UP

    def name(self, number: int, event: e.Event) -> None:
        """Note the number of an entry by which a person has the site opened by name."""
        match event:
            case e.OrderRetried(order=order, lane=ids.ACT, order_kind=orders.REOPEN):
                self.named.add(order)
            case e.OrderRepeated(order_kind=orders.REOPEN, by=by) if by != command.DAEMON:
                self.named.add(number)

    def see(self, event: e.Event) -> None:
        """Process the next entry of an epoch, before the entry changes the case."""
        match event:
            case e.StateSeen(seen=seen):
                self._look(seen)
            case e.OrderDelivered(lane=ids.ACT, order_kind=orders.REOPEN):
                self.is_set, self.ordered, self.to_open = False, _UP, _UP
            case e.OrderCancelled(why=command.LEFT_DOWN):
                self.is_set |= not self.case.held
            case e.SiteSuspended():
                self.is_set |= self._is_left()
            case e.OrderRetried(lane=ids.ACT, order_kind=orders.REOPEN):
                self._decide(_CLOSED)
            case e.OrderRepeated(order_kind=orders.REOPEN, by=by) if by != command.DAEMON:
                self._decide(_CLOSED)
            case e.SiteClosed() | e.SiteReinstated():
                self._decide(_CLOSED)
            case e.HoldSet() | e.HoldLifted():
                # It says nothing of why a rule had closed the site.
                self._decide(_SUSPENDED)

    def _decide(self, most: str) -> None:
        """Clear the mark by a person's decision, unless the site is further down than `most`."""
        if _RANK[self.case.in_force] <= _RANK[most]:
            self.is_set, self.to_open = False, most

    def _look(self, seen: str) -> None:
        case = self.case
        if seen == _UP:
            self.is_set, self.ordered = False, _UP
        elif not case.closed and (seen == _CLOSED or not case.held):
            self.is_set |= self._is_lower(seen)

    def _is_lower(self, seen: str) -> bool:
        """Whether the site is seen further down than known, except for what clocks ordered."""
        known = self.case.in_force
        if seen == UNKNOWN:
            return known == self.ordered == self.to_open == _UP
        known = self.case.state if known == UNKNOWN else known
        return _RANK[seen] > max(_RANK[known], _RANK[self.ordered], _RANK[self.to_open])

    def _is_left(self) -> bool:
        """Whether the actual state differs from the ordered one, and no order waits."""
        waits = any(not each.dead for each in self.case.deliveries.values())
        return self.case.in_force != self.case.state and not waits

    def _opening(self) -> set[int]:
        """The waiting orders to open the site."""
        return {
            each.order
            for each in self.case.deliveries.values()
            if (each.kind, each.dead) == (orders.REOPEN, False)
        }
