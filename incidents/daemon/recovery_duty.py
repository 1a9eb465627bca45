"""The duty of recovery: compare the world with a record that has lost its end, until they agree.

The delivery carries out repeated orders like any other; then the site is compared again.
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

# Another process may add a site with a lower id after the last one seen.
_OVERLAP = 1_000

_MUTE_AT_ONCE = 500
"""The maximum number of left-down sites with an unknown state compared in one round."""


class Recovery:
    """The duty of one daemon, run by one thread.

    Unresolved sites are compared again, after growing waits, until the world agrees with the
    record. No site is opened: the reason why one is down may be lost.
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
        """Do one round; no failure stops the next one."""
        if not (self._stopped() or self._backoff.waiting):
            self._part.do(self.recover)

    def recover(self) -> bool:
        """Compare the sites due now, and return whether any was; raises as `compare_sites`."""
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
                # From now on people see that the world differs from the record.
                with plainly(self._house.engine), writing(self._house.engine) as connection:
                    lineage.doubt(connection, self._epoch, self._house.now(connection))
        return due or bool(strange)

    def _compare_all(self, standing: lineage.Standing) -> None:
        """Compare every site, or those unresolved at the last look."""
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
            # Another daemon saw a difference: this one must compare every site again.
            self._open = None

    def _look_again(self, known: list[Comparison], standing: lineage.Standing) -> None:
        """Compare the unresolved sites again, and those left down since by any daemon.

        Only some of those with an unknown state: the record has not changed, and most adapters can
        never report one."""
        with self._house.reading() as connection:
            left = set(left_down.every(connection, self._house.now(connection)))
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
        """The new sites that were added since the loss and have no orders yet."""
        assert standing.resumed_at is not None
        since, behind = standing.resumed_at, self._last - _OVERLAP
        with self._house.reading() as connection:
            self._last = sites.last_id(connection)
            until = standing.strange_until or since + lineage.STRANGE_FOR
            new = sites.without_order(connection, behind, since, until)
        open_sites = {each.site for each in self._open or []}
        strange = [name for id_, name in new if id_ not in self._known and name not in open_sites]
        self._known = {id_ for id_ in self._known if id_ > behind} | {id_ for id_, _ in new}
        return strange

    def _compare(self, only: Sequence[str] | None) -> list[Comparison] | None:
        """Compare, and return the unresolved sites; None if stopped."""
        compared = list(
            comparison.compare_sites(
                self._house.engine, self._house.desk, self._house.reading, by=DAEMON,
                login=self._house.settings.login, only=only, stopped=self._stopped, opens=False,
            )
        )  # fmt: skip
        self._say(comparison.summarise(compared))
        if self._stopped():
            return None
        return [each for each in compared if comparison.is_unresolved(each)]

    def _say(self, done: comparison.Summary) -> None:
        """Log the summary, unless it is the same as at the last look."""
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
    """The first names, and the number of the others."""
    if not names:
        return {}
    more = len(names) - comparison.MOST_NAMED
    return {what: names[: comparison.MOST_NAMED], **({f"{what}_more": more} if more > 0 else {})}


def once(house: App, deliver: Callable[[], object] = lambda: None) -> None:
    """Compare, deliver, and compare unresolved sites once more (`daemon --once`)."""
    duty = Recovery(house)
    if duty.recover():
        deliver()
        duty.recover()
