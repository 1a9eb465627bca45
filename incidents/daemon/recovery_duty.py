"""Recovery: the duty that compares the world with a record that has lost its end, until they agree.

What is ordered again for it is carried out by the delivery, as any other order; then the site is
looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Backoff, Part
from incidents.enforcement import comparison
from incidents.enforcement.reconciliation import FAILED, REPAIRED, Comparison
from incidents.machine.case import UNKNOWN
from incidents.machine.command import DAEMON, LEFT_DOWN
from incidents.store import lineage
from incidents.store.cases import sites
from incidents.store.database import schema
from incidents.store.database.engine import plainly, writing
from incidents.views import left_down

TICK_S = 1

# A site of a lower id may be put on record by another after the last that was seen.
_OVERLAP = 1_000

_MUTE_AT_ONCE = 500
"""So many of those that could not be asked are asked again in one round."""


class Recovery:
    """Compares what is to be compared, for as long as somebody runs it; one thread does.

    What was found open is compared again, after a while that grows: only once nothing is, the world
    is as the record says. No site is opened: why one is down may be what is lost.
    """

    def __init__(self, house: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._house, self._stopped = house, stopped
        self._part = Part("sites are not compared with their actual state")
        self._backoff = Backoff()
        self._epoch = 0
        self._open: list[Comparison] | None = None
        self._doubted_at: datetime | None = None
        self._known: set[int] = set()
        self._last = 0
        self._told: dict[str, object] = {}

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not (self._stopped() or self._backoff.waiting):
            self._part.do(self.recover)

    def recover(self) -> bool:
        """Compares what is to be compared now; whether anything was. Raises as does
        `comparison.compared`."""
        schema.check(self._house.bare_engine)
        with self._house.reading() as connection:
            standing = lineage.standing(connection)
        if standing.resumed_at is None or standing.halted_since is not None:
            return False
        if standing.epoch != self._epoch:
            self._epoch, self._open, self._last, self._known = standing.epoch, None, 0, set()
        due = standing.unproved_since is not None
        if due or self._open:
            self._compare_all(standing)
        strange = self._strangers(standing)
        if strange:
            self._open = [*(self._open or []), *(self._compare(strange) or [])]
        if not self._open:
            self._backoff.succeeded()
        else:
            self._backoff.failed()
            if not due:
                # From now on people are told that the world is not as the record says.
                with plainly(self._house.engine), writing(self._house.engine) as connection:
                    lineage.doubt(connection, self._epoch, self._house.now(connection))
        return due or bool(strange)

    def _compare_all(self, standing: lineage.Standing) -> None:
        """Every site, or those that were open at the last look."""
        if self._open is None:
            self._doubted_at = standing.unproved_since
            self._open = self._compare(None)
            return
        self._look_again(self._open, standing)
        if self._open or self._stopped():
            return
        if standing.unproved_since in (None, self._doubted_at):
            comparison.prove(self._house.engine, self._epoch)
        else:
            # What another has seen, this has not: nothing is proved before every site is compared.
            self._open = None

    def _look_again(self, known: list[Comparison], standing: lineage.Standing) -> None:
        """Those that were open, and what was left down since, by whomever; but only some of those
        that were left down and cannot be asked: the record has not changed, and most adapters never
        can be."""
        with self._house.reading() as connection:
            left = set(left_down.all_left_down(connection, self._house.now(connection)))
        mute: list[Comparison] = []
        again: list[Comparison] = []
        for each in known:
            is_mute = each.verdict == LEFT_DOWN and each.really == UNKNOWN and each.site in left
            (mute if is_mute else again).append(each)
        again += mute[:_MUTE_AT_ONCE]
        asked = [each.site for each in again]
        asked += sorted(left.difference(each.site for each in known))
        found = self._compare(asked) if asked else []
        if found is None:
            return
        self._open = mute[_MUTE_AT_ONCE:] + found
        if not (standing.is_compared or any(each.verdict == FAILED for each in found)):
            comparison.finish(self._house.engine, self._epoch)

    def _strangers(self, standing: lineage.Standing) -> list[str]:
        """The sites that were added since the end was lost, and of which nothing was ordered yet:
        those that this has not asked about."""
        assert standing.resumed_at is not None
        since, behind = standing.resumed_at, self._last - _OVERLAP
        with self._house.reading() as connection:
            self._last = sites.last_id(connection)
            until = standing.may_be_lost_until or since + lineage.MAY_BE_LOST_FOR
            new = sites.without_order(connection, behind, since, until)
        is_open = {each.site for each in self._open or []}
        strange = [name for id_, name in new if id_ not in self._known and name not in is_open]
        self._known = {id_ for id_ in self._known if id_ > behind} | {id_ for id_, _ in new}
        return strange

    def _compare(self, only: Sequence[str] | None) -> list[Comparison] | None:
        """Compares; what is open then, None where it was stopped."""
        compared = list(
            comparison.compared(
                self._house.engine, self._house.desk, self._house.reading, by=DAEMON,
                login=self._house.settings.login, only=only, stopped=self._stopped, opens=False,
            )
        )  # fmt: skip
        self._say(comparison.done(compared))
        if self._stopped():
            return None
        return [each for each in compared if comparison.is_open(each)]

    def _say(self, done: comparison.Done) -> None:
        """Says what was done; not again what is as it was at the last look."""
        counts = done.counts
        told = {
            "sites": counts.total(), "orders": counts[REPAIRED],
            "wrong": sum(counts[each] for each in comparison.WRONG),
            **_named("left_down", done.left_down), **_named("taken_down", done.taken_down),
        }  # fmt: skip
        if told != self._told:
            journal.say("sites were compared with their actual state", **told)
        self._told = told


def _named(what: str, names: list[str]) -> dict[str, object]:
    """The first of them, and how many more there are."""
    if not names:
        return {}
    more = len(names) - comparison.MOST_NAMED
    return {what: names[: comparison.MOST_NAMED], **({f"{what}_more": more} if more > 0 else {})}


def once(house: App, deliver: Callable[[], object] = lambda: None) -> None:
    """Compares what is to be compared now, has it delivered, and looks once more at what was open:
    `daemon --once`."""
    duty = Recovery(house)
    if duty.recover():
        deliver()
        duty.recover()
