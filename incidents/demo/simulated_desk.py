"""The simulated desk of the sample data, which works, at the times that the data says.

What falls due meanwhile is decided and carried out on time, as a daemon does it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select

from incidents import views
from incidents.desk import Answer, Desk, Envelope
from incidents.machine import commands as c
from incidents.machine.orders import DESK, NOTICE
from incidents.store.cases import work
from incidents.store.database.engine import reading
from incidents.store.schema.log_tables import deliveries
from incidents.values import inputs
from incidents.values.ids import ACT, task_number

if TYPE_CHECKING:
    from incidents.contract.documents.queue import QueueItem

PANEL = "panel"
"""The name of the adapter that carries out the orders."""

_SENDERS = {NOTICE: "notices", DESK: "alarms"}
"""The adapters that send notices, by lane; the names are those of incidents.notices."""

# How late a daemon is, and how long a panel takes, in seconds.
_LATE_S = (0.2, 0.6, 0.1, 1.4, 0.3, 0.9)
_CARRIED_OUT = timedelta(seconds=1)
_MOST = 1_000
_OUTCOMES = {"tell": "told", "suspicion": "not-false"}
"""The outcomes of tasks that need one, by the kind of the item."""


class SimulatedDesk:
    """A simulated desk on one database, whose clock is at `now` (UTC).

    `login`: the login name of the process, which stands beside the people. `notifies`: whether
    customers and the desk get notices.
    """

    def __init__(
        self, engine: Engine, now: datetime, login: str, *, notifies: bool = False
    ) -> None:
        self._engine, self.now, self._login = engine, now, login
        self._adapters = {ACT: PANEL} | (_SENDERS if notifies else {})
        self._desk = Desk(engine, clock=lambda: self.now)
        self._late_s = cycle(_LATE_S)

    def wait_until(self, moment: datetime) -> None:
        """Let the time pass, and do what falls due by then."""
        while (due := self._next_due()) is not None and due < moment:
            self.now = max(self.now, due + timedelta(seconds=next(self._late_s)))
            while self._desk.elapse():
                pass
            self._carry_out()
        self.now = max(self.now, moment)

    def clear_queue(self, sites: Collection[str]) -> None:
        """Settle all items of the queue on those sites, by the shortest way."""
        while items := self._items(sites):
            # One may settle others of its site, which are refused then, or gone the next time.
            self._send([(int(item["id"].partition("-")[0]), _settling(item)) for item in items])
            self._carry_out()

    def submit(self, acts: Sequence[tuple[str | int, c.Command]]) -> list[Answer]:
        """Do acts at the desk now, in one transaction; each must succeed."""
        answers = self._send(acts)
        for (site, command), answer in zip(acts, answers, strict=True):
            assert answer.refusal is None, (self.now, site, command, answer.refusal)
        return answers

    def _send(self, acts: Sequence[tuple[str | int, c.Command]]) -> list[Answer]:
        return self._desk.submit(
            [
                Envelope(site=site, command=command, login=self._login, signed_in=True)
                for site, command in acts
            ]
        )

    def _items(self, sites: Collection[str]) -> list[QueueItem]:
        with reading(self._engine) as connection:
            found = views.queue(connection, self.now, limit=_MOST)["items"]
        return [item for item in found if item["site"] in sites]

    def _next_due(self) -> datetime | None:
        with reading(self._engine) as connection:
            return work.earliest_due(connection)

    def _carry_out(self) -> None:
        """Record that the panel carried out what was ordered, and that notices were sent."""
        of = deliveries.c
        with reading(self._engine) as connection:
            of_now = select(of.site_id, of.lane, of.site_seq).where(of.since <= self.now)
            due = connection.execute(of_now).all()
        if due:
            self.now += _CARRIED_OUT
            self.submit([(site, self._outcome(lane, order)) for site, lane, order in due])

    def _outcome(self, lane: str, order: int) -> c.Command:
        if (name := self._adapters.get(lane)) is not None:
            return c.RecordDelivery(order=order, lane=lane, adapter=name, attempts=1, enforced=True)
        return c.CancelOrder(by=c.DISPATCHER, order=order, lane=lane, why="no_channel", tried=False)


def _settling(item: QueueItem) -> c.Command:
    """The command that settles an item."""
    by, (_, rest) = "operator-1", inputs.item(item["id"])
    if item["kind"] == "disputed":
        return c.Uphold(by=by, reason="the rest is enough")
    if (task := task_number(rest)) is not None:
        return c.CompleteTask(by=by, task=task, outcome=_OUTCOMES.get(item["kind"]))
    return c.StateRemoved(by=by, incident=inputs.incident(str(item["incident"]))[1])
