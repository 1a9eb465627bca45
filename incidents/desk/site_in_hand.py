"""The site in hand: one site while a batch is taken, and what is to be written of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from incidents.documents import order_document
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.events import Event
from incidents.record.entry import encode
from incidents.store import entries, orders, site_row


@dataclass(slots=True)
class SiteInHand:
    """Its row and case as read, its case by now, and what has happened in this transaction."""

    row: site_row.Row
    before: Case
    case: Case
    events: list[Event] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)

    def entries(self) -> list[entries.Entry]:
        """The entries of what has happened, as they are kept and exported."""
        id_, name, first = self.case.site_id, self.case.site, self.before.seq + 1
        return [
            entries.Entry.of(id_, seq, event.recorded_at, encode(event, name, id_, seq, login))
            for seq, (event, login) in enumerate(
                zip(self.events, self.logins, strict=True), start=first
            )
        ]

    def orders(self) -> list[tuple[orders.Outgoing, tuple[str, ...]]]:
        """What the world must be told of it, and in which lanes."""
        found: list[tuple[orders.Outgoing, tuple[str, ...]]] = []
        for order in machine_orders.orders(self.events):
            seq = self.before.seq + 1 + order.event
            at = self.events[order.event].recorded_at
            data = order_document(self.case, order)
            outgoing = orders.Outgoing(self.case.site_id, seq, 1, order.kind, data, at)
            found.append((outgoing, order.lanes))
        return found
