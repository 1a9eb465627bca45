"""The recovery duty: compare the live system with a record that lost its latest entries.

The duty ends when the live system and the record agree. Repeated orders are carried out like any
other order; then the site is compared again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Backoff, Part
from incidents.enforcement import comparison
from incidents.enforcement.verdict import FAILED, REPAIRED, Comparison
from incidents.machine.case import UNKNOWN
from incidents.machine.command import DAEMON, LEFT_DOWN
from incidents.store.cases import sites
from incidents.store.database import schema
from incidents.store.database.engine import plainly, writing
from incidents.store.log import lineage
from incidents.views import left_down

TICK_S = 1

# Another process may add a site with a lower id after the last one seen.
_OVERLAP = 1_000

_MAX_UNKNOWN = 500
"""How many left-down sites with an unknown state one round compares at most."""


class Recovery:
    """The recovery duty of one daemon, run by one thread.

    Unresolved sites are compared again, after growing waits, until the live system agrees with the
    record. No site is opened, because the reason why a site is down may be lost.
    """

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app, self._stopped = app, stopped
        self._part = Part("sites are not compared with their actual state")
        self._backoff = Backoff()
        self._epoch = 0
        self._open: list[Comparison] | None = None
        self._doubted_at: datetime | None = None
        self._known: set[int] = set()
        self._last = 0
        self._logged: dict[str, object] = {}

    def run(self) -> None:
        """Do one round of the duty; a failure does not prevent the next round."""
        if not (self._stopped() or self._backoff.waiting):
            self._part.attempt(self.recover)

    def recover(self) -> bool:
        """Compare the sites that are due now; return whether there were any.

        Raises the errors of `compare_sites`.
        """
        schema.check(self._app.bare_engine)
        with self._app.reading() as connection:
            standing = lineage.standing(connection)
        if standing.resumed_at is None or standing.halted_since is not None:
            return False
        if standing.epoch != self._epoch:
            self._epoch, self._open, self._last, self._known = standing.epoch, None, 0, set()
        due = standing.unproved_since is not None
        if due or self._open:
            self._compare_all(standing)
        new_sites = self._new_sites(standing)
        if new_sites:
            self._open = [*(self._open or []), *(self._compare(new_sites) or [])]
        if not self._open:
            self._backoff.succeeded()
        else:
            self._backoff.failed()
            if not due:
                # From now on people see that the live system differs from the record.
                with plainly(self._app.engine), writing(self._app.engine) as connection:
                    lineage.doubt(connection, self._epoch, self._app.now(connection))
        return due or bool(new_sites)

    def _compare_all(self, standing: lineage.Standing) -> None:
        """Compare every site, or the sites that the last comparison left unresolved."""
        if self._open is None:
            self._doubted_at = standing.unproved_since
            self._open = self._compare(None)
            return
        self._compare_again(self._open, standing)
        if self._open or self._stopped():
            return
        if standing.unproved_since in (None, self._doubted_at):
            comparison.prove(self._app.engine, self._epoch)
        else:
            # Another daemon saw a difference: this one must compare every site again.
            self._open = None

    def _compare_again(self, known: list[Comparison], standing: lineage.Standing) -> None:
        """Compare the unresolved sites again, and sites that any daemon has left down since.

        Only some of the sites with an unknown state are compared, because the record has not
        changed and most adapters never report a state.
        """
        with self._app.reading() as connection:
            left = set(left_down.all_left_down(connection, self._app.now(connection)))
        unknown: list[Comparison] = []
        again: list[Comparison] = []
        for each in known:
            is_unknown = each.verdict == LEFT_DOWN and each.really == UNKNOWN and each.site in left
            (unknown if is_unknown else again).append(each)
        again += unknown[:_MAX_UNKNOWN]
        asked = [each.site for each in again]
        asked += sorted(left.difference(each.site for each in known))
        found = self._compare(asked) if asked else []
        if found is None:
            return
        self._open = unknown[_MAX_UNKNOWN:] + found
        if not (standing.is_compared or any(each.verdict == FAILED for each in found)):
            comparison.finish(self._app.engine, self._epoch)

    def _new_sites(self, standing: lineage.Standing) -> list[str]:
        """The names of sites that were added after the loss and have no orders yet."""
        assert standing.resumed_at is not None
        since, behind = standing.resumed_at, self._last - _OVERLAP
        with self._app.reading() as connection:
            self._last = sites.last_id(connection)
            until = standing.may_be_lost_until or since + lineage.MAY_BE_LOST_FOR
            new = sites.without_order(connection, behind, since, until)
        open_sites = {each.site for each in self._open or []}
        new_sites = [name for id_, name in new if id_ not in self._known and name not in open_sites]
        self._known = {id_ for id_ in self._known if id_ > behind} | {id_ for id_, _ in new}
        return new_sites

    def _compare(self, only: Sequence[str] | None) -> list[Comparison] | None:
        """Compare sites, and return the unresolved ones; None if the daemon is stopping."""
        compared = list(
            comparison.compare_sites(
                self._app.engine, self._app.desk, self._app.reading, by=DAEMON,
                login=self._app.settings.login, only=only, stopped=self._stopped, opens=False,
            )
        )  # fmt: skip
        self._log_summary(comparison.summarize(compared))
        if self._stopped():
            return None
        return [each for each in compared if comparison.is_unresolved(each)]

    def _log_summary(self, done: comparison.Summary) -> None:
        """Log the summary of a comparison, unless it is the same as the last one."""
        counts = done.counts
        counted = {
            "sites": counts.total(), "orders": counts[REPAIRED],
            "wrong": sum(counts[each] for each in comparison.WRONG),
            **_named("left_down", done.left_down), **_named("taken_down", done.taken_down),
        }  # fmt: skip
        if counted != self._logged:
            journal.info("sites were compared with their actual state", **counted)
        self._logged = counted


def _named(what: str, names: list[str]) -> dict[str, object]:
    """The first names for the log, and the number of further names."""
    if not names:
        return {}
    more = len(names) - comparison.MOST_NAMED
    return {what: names[: comparison.MOST_NAMED], **({f"{what}_more": more} if more > 0 else {})}


def once(app: App, deliver: Callable[[], object] = lambda: None) -> None:
    """Compare sites, deliver orders, and compare unresolved sites again (`daemon --once`)."""
    duty = Recovery(app)
    if duty.recover():
        deliver()
        duty.recover()
