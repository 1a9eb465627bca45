"""Recovery: the duty that compares the world with a record that has lost its end, until they agree.

What is ordered again for it is carried out by the delivery, as any other order; then the site is
looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from incidents.acts import recovery
from incidents.acts.reconciliation import REPAIRED
from incidents.acts.recovery import MOST_NAMED, STRANGE_FOR, WRONG
from incidents.daemon import journal
from incidents.daemon.backoff import Backoff
from incidents.daemon.part import Part
from incidents.desk.resumption import DAEMON
from incidents.store import lineage, schema
from incidents.store import sites as site_rows

if TYPE_CHECKING:
    from incidents.bootstrap import House
    from incidents.store.lineage import Standing

TICK_S = 1

# A site of a lower id may be put on record by another after the last that was seen.
_OVERLAP = 1_000


class Recovery:
    """Compares what is to be compared, for as long as somebody runs it; one thread does.

    What was found open is compared again, after a while that grows: only once nothing is, the world
    is as the record says.
    """

    def __init__(self, house: House, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._house, self._stopped = house, stopped
        self._part = Part("the world is not compared with the record")
        self._backoff = Backoff()
        self._epoch = 0
        self._left: list[str] | None = None
        self._strange: list[str] = []
        self._known: set[int] = set()
        self._last = 0

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not (self._stopped() or self._backoff.waiting):
            self._part.do(self.recover)

    def recover(self) -> bool:
        """Compares what is to be compared now; whether anything was. Raises as `recovery.compared`
        does."""
        schema.check(self._house.bare_engine)
        with self._house.reading() as connection:
            standing = lineage.standing(connection)
        if standing.resumed_at is None:
            return False
        if standing.epoch != self._epoch:
            self._epoch, self._left, self._last = standing.epoch, None, 0
            self._strange, self._known = [], set()
        due = standing.unproved_since is not None
        if due:
            self._compare_all()
        strange = self._strangers(standing)
        if strange:
            # Each is asked about once: one that the world knows to be up stays without an order.
            self._strange = self._compare(strange) or []
        if (due and self._left) or self._strange:
            self._backoff.failed()
        else:
            self._backoff.succeeded()
        return due or bool(strange)

    def _compare_all(self) -> None:
        """Every site, or those that were open at the last look."""
        first = self._left is None
        if first or self._left:
            self._left = self._compare(self._left)
        if not (first or self._left or self._stopped()):
            recovery.prove(self._house.engine, self._epoch)

    def _strangers(self, standing: Standing) -> list[str]:
        """The sites that were added since the end was lost, and of which nothing was ordered yet:
        those that this has not asked about."""
        assert standing.resumed_at is not None
        since, behind = standing.resumed_at, self._last - _OVERLAP
        with self._house.reading() as connection:
            self._last = site_rows.last_id(connection)
            new = site_rows.without_order(connection, behind, since, since + STRANGE_FOR)
        strange = [name for id_, name in new if id_ not in self._known]
        self._known = {id_ for id_ in self._known if id_ > behind} | {id_ for id_, _ in new}
        return [*self._strange, *strange]

    def _compare(self, only: Sequence[str] | None) -> list[str] | None:
        """Compares; what is open then, None where it was stopped."""
        compared = list(
            recovery.compared(
                self._house.engine, self._house.desk, self._house.reading, by=DAEMON,
                login=self._house.settings.login, only=only, stopped=self._stopped,
            )
        )  # fmt: skip
        done = recovery.done(compared)
        counts = done.counts
        journal.say(
            "the world was compared with the record", sites=counts.total(),
            orders=counts[REPAIRED], wrong=sum(counts[each] for each in WRONG),
            **_named("opened", done.opened), **_named("taken_down", done.taken_down),
        )  # fmt: skip
        if self._stopped():
            return None
        return [each.site for each in compared if recovery.is_open(each)]


def _named(what: str, names: list[str]) -> dict[str, object]:
    """The first of them, and how many more there are."""
    if not names:
        return {}
    more = len(names) - MOST_NAMED
    return {what: names[:MOST_NAMED], **({f"{what}_more": more} if more > 0 else {})}


def once(house: House, deliver: Callable[[], object] = lambda: None) -> None:
    """Compares what is to be compared now, has it delivered, and looks once more at what was open:
    `daemon --once`."""
    duty = Recovery(house)
    if duty.recover():
        deliver()
        duty.recover()
