"""The mark of a site that a loss has left down, as the site's entries have it.

It stays, in whatever epoch, until a person decides about the site or it is known to be up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from incidents.desk.resumption import DAEMON
from incidents.machine import command
from incidents.machine import events as e
from incidents.machine.actions import orders
from incidents.machine.apply import apply
from incidents.machine.case import UNKNOWN, Case
from incidents.record import entry
from incidents.record.own_events import HistoryResumed
from incidents.store.schema.tables import entries
from incidents.values import ids
from incidents.views.resumptions import resumptions

_UP = "active"
_RANK = {_UP: 0, "suspended": 1, "closed": 2}
"""How far down a site is."""

_DECISIONS = (e.HoldSet, e.HoldLifted, e.SiteClosed, e.SiteReinstated)
"""What a person or a rule decides about how a site is from then on, whatever it was left as."""


def marked(connection: Connection, site_ids: Iterable[int]) -> set[int]:
    """Those of the sites that are marked; none before the first loss."""
    begun = [_Bound.of(each) for each in resumptions(connection)]
    if not begun:
        return set()
    begun.sort(key=lambda each: each.at)
    return {id_ for id_ in site_ids if _is_marked(connection, id_, begun)}


class _Bound(NamedTuple):
    """Where an epoch begins among a site's entries (UTC), whether a person has let it, who was told
    of the marked sites by then, and whether something is known to be missing."""

    at: datetime
    by_person: bool
    is_loss: bool

    @classmethod
    def of(cls, event: HistoryResumed) -> _Bound:
        by_person = event.by != DAEMON
        # What clocks have decided before a daemon knew of a loss came after it.
        at = event.since if event.is_loss and not by_person else event.recorded_at
        return cls(at, by_person, event.is_loss)


def _is_marked(connection: Connection, site_id: int, begun: list[_Bound]) -> bool:
    of = entries.c
    asked = select(of.body).where(of.site_id == site_id).order_by(of.site_seq)
    mark: _Mark | None = None
    to_come = list(begun)
    for body in connection.scalars(asked):
        header, event = entry.decode(body)
        mark = mark or _Mark(Case(site_id=site_id, site=header.site))
        while to_come and event.recorded_at > to_come[0].at:
            mark.begin(to_come.pop(0))
        if len(to_come) < len(begun):
            mark.see(event)
        apply(mark.case, event)
    if mark is None:
        return False
    for each in to_come:
        mark.begin(each)
    return mark.is_set


@dataclass(slots=True)
class _Mark:
    """The mark of one site, as its entries are read. `ordered` is how the site was ordered to be
    when the last epoch began, unless it was up since; `to_open`: a person has had it opened, and
    that waits."""

    case: Case
    is_set: bool = False
    ordered: str = _UP
    to_open: bool = False

    def begin(self, epoch: _Bound) -> None:
        """The next epoch begins."""
        case, opens = self.case, self._opens()
        self.ordered = case.state
        if epoch.by_person:
            # It was about to be opened, and they were told. One that is ordered up and is down is
            # opened by what is ordered then; one that is suspended waits for a person at its end.
            self.is_set &= not opens
        elif epoch.is_loss and opens and case.in_force != _UP:
            # A hold that is lost would have cancelled the opening.
            self.is_set = True
        self.to_open &= opens and not epoch.is_loss

    def see(self, event: e.Event) -> None:
        """The next entry of an epoch, before it has changed the case."""
        match event:
            case e.StateSeen(seen=seen):
                self._look(seen)
            case e.OrderDelivered(lane=ids.ACT, order_kind=orders.REOPEN):
                self.is_set, self.ordered, self.to_open = False, _UP, False
            case e.OrderCancelled(why=command.LEFT_DOWN):
                self.is_set |= not self.case.held
            case e.SiteSuspended():
                self.is_set |= self._is_left()
            case e.OrderRetried(lane=ids.ACT, order_kind=orders.REOPEN):
                self._decide()
            case e.OrderRepeated(order_kind=orders.REOPEN, by=by) if by != DAEMON:
                self._decide()
            case _ if isinstance(event, _DECISIONS):
                self._decide()

    def _decide(self) -> None:
        self.is_set, self.to_open = False, True

    def _look(self, seen: str) -> None:
        case = self.case
        if seen == _UP:
            self.is_set, self.ordered = False, _UP
        elif not (case.held or case.closed or self.to_open):
            self.is_set |= self._is_lower(seen)

    def _is_lower(self, seen: str) -> bool:
        """Whether it is further down than was known, but for what clocks have ordered since."""
        known = self.case.in_force
        if seen == UNKNOWN:
            return known == _UP == self.ordered
        known = self.case.state if known == UNKNOWN else known
        return _RANK[seen] > max(_RANK[known], _RANK[self.ordered])

    def _is_left(self) -> bool:
        waits = any(
            each.lane == ids.ACT and not each.dead for each in self.case.deliveries.values()
        )
        return self.case.in_force != self.case.state and not waits

    def _opens(self) -> bool:
        """Whether an order to open it waits."""
        return any(
            (each.lane, each.kind, each.dead) == (ids.ACT, orders.REOPEN, False)
            for each in self.case.deliveries.values()
        )
