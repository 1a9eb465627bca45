"""Compare all sites' actual states with a record that lost its latest entries; repeat orders.

The comparison can stop at any moment and be started again by anybody: a site whose states agree
costs one query to its adapter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from incidents.desk import Desk
from incidents.desk.access import DENIALS
from incidents.enforcement import routing
from incidents.enforcement.attempts import log_error
from incidents.enforcement.reconciliation import Reconciliation
from incidents.enforcement.verdict import DIFFERS, FAILED, MOVED, REPAIRED, UP, WAITS, Comparison
from incidents.errors import ActionRefusedError, AdapterFaultError, DatabaseError, IncidentsError
from incidents.machine.case import UNKNOWN
from incidents.machine.command import LEFT_DOWN
from incidents.store import after_loss, desk_state
from incidents.store.cases import sites
from incidents.store.database.engine import Reading, plainly, reading, writing
from incidents.store.log import lineage

MAX_CONCURRENT = 8
"""The maximum number of sites compared at the same time."""

_PUBLISH_EVERY_S = 10.0
"""The interval at which failures are published during a comparison."""

MOST_NAMED = 20
"""The maximum number of sites that a message names, when orders for very many sites were
repeated."""

WRONG = (DIFFERS, MOVED, FAILED)
"""The verdicts after which a site must be compared again."""

_UNRESOLVED = (*WRONG, WAITS, REPAIRED, LEFT_DOWN)


class Summary(NamedTuple):
    """The result of a comparison: the number of sites by verdict, and the names to report.

    `opened`, `taken_down`: the sites whose order was repeated. `unknown_before`: the number of
    these sites whose state was unknown. `failed`: the sites that could not be compared, with the
    reason.
    """

    counts: Counter[str]
    opened: list[str]
    taken_down: list[str]
    unknown_before: int
    left_down: list[str]
    failed: list[tuple[str, str]]


def compare_sites(
    engine: Engine,
    desk: Desk,
    reading: Reading,
    *,
    by: str,
    login: str | None,
    only: Sequence[str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    opens: bool = True,
) -> Iterator[Comparison]:
    """Compare each site, or `only` those, and repeat its order if the state differs or is unknown.

    Sites that are down come first. A site that cannot be compared does not delay the others; it is
    recorded, with the reason, until a comparison succeeds. `opens`: a person who knows of the loss
    allows sites to be opened; otherwise none is opened, because the reason why it is down might be
    lost.

    Once all sites are compared, and none `is_unresolved`, the live system agrees with the record.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: for an error in [acts], naming it.
        ActionRefusedError: if `by` may not compare sites.
        DatabaseError: if the database fails.
    """
    found = _load_routing(engine, only)
    left, uncompared = False, _Uncompared(engine)
    try:
        with reading() as connection:
            standing, uncompared.known = (
                lineage.standing(connection),
                after_loss.problems_of_uncompared(connection, only),
            )
            names = _all_sites(connection) if only is None else only
        # The key limits repeated orders to one for each site and epoch, by any process.
        own = Reconciliation(
            reading=reading, desk=desk, routing=found, by=by, login=login, repair=True,
            standing=standing, opens=opens, key=f"recover:{standing.epoch}",
        )  # fmt: skip
        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            compare = lambda name: None if stopped() else _compared(own, name)  # noqa: E731
            for each in pool.map(compare, names):
                if each is None:
                    return
                left |= is_unresolved(each)
                uncompared.add(each)
                yield each
    finally:
        found.close()
        uncompared.publish()
    if only is None and not uncompared.owed:
        finish(engine, standing.epoch)
    if only is None and not left:
        prove(engine, standing.epoch)


def preview(
    desk: Desk, reading: Reading, *, by: str, login: str | None, now: datetime
) -> list[Comparison]:
    """The results that `compare_sites` would have if a person resumed the history at `now` (UTC).

    Nothing is changed. Raises the same errors as `compare_sites`.
    """
    found = routing.load()
    try:
        with reading() as connection:
            names = sites.mismatched(connection, every=True)[0]
            standing = lineage.standing(connection)
        then = standing._replace(
            epoch=standing.epoch + 1, resumed_at=now, lost_since=None, moved_at=None,
            unproved_since=now, compared_at=None,
        )  # fmt: skip
        own = Reconciliation(
            reading=reading, desk=desk, routing=found, by=by, login=login, repair=True,
            dry_run=True, standing=then,
        )  # fmt: skip
        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            return list(pool.map(lambda name: _compared(own, name), names))
    finally:
        found.close()


def is_unresolved(compared: Comparison) -> bool:
    """Whether the live system might still differ from the record about that site.

    False if orders are only logged, because the state can then never be known.
    """
    return compared.verdict in _UNRESOLVED and compared.adapter != routing.DEFAULT


def record_failures(engine: Engine, problems: Mapping[str, str]) -> None:
    """Record the sites that could not be compared, each with the reason, for display."""
    with plainly(engine), reading(engine) as connection:
        known = after_loss.problems_of_uncompared(connection, problems)
    _Uncompared(engine, known, _failed=dict(problems)).publish()


def finish(engine: Engine, epoch: int) -> None:
    """Record that every site was compared in that epoch of the history."""
    with plainly(engine), writing(engine) as connection:
        lineage.compared(connection, epoch, desk_state.now(connection))


def prove(engine: Engine, epoch: int) -> None:
    """Record that the live system agrees with that epoch of the history."""
    with plainly(engine), writing(engine) as connection:
        lineage.prove(connection, epoch)


def summarize(found: Iterable[Comparison]) -> Summary:
    """The summary of all comparisons."""
    every = list(found)
    counts: Counter[str] = Counter(each.verdict for each in every)
    every.sort(key=lambda each: each.site)
    again = [each for each in every if each.verdict == REPAIRED]
    return Summary(
        counts,
        [each.site for each in again if each.ordered == UP],
        [each.site for each in again if each.ordered != UP],
        sum(each.really == UNKNOWN for each in again),
        [each.site for each in every if each.verdict == LEFT_DOWN],
        [(each.site, each.problem) for each in every if each.problem is not None],
    )


def _load_routing(engine: Engine, only: Sequence[str] | None) -> routing.Routing:
    """Load the routing; if the settings are wrong, record all sites as not compared."""
    try:
        return routing.load()
    except IncidentsError as error:
        names = only
        if names is None:
            with plainly(engine), reading(engine) as connection:
                names = _all_sites(connection)
        record_failures(engine, dict.fromkeys(names, error.message))
        raise


def _all_sites(connection: Connection) -> list[str]:
    """The names of all sites, those that are down first."""
    down = sites.mismatched(connection)[0]
    every = sites.mismatched(connection, every=True)[0]
    return list(dict.fromkeys([*down, *every]))


def _compared(own: Reconciliation, name: str) -> Comparison:
    try:
        return own.compare(name)
    except DatabaseError:
        raise
    except ActionRefusedError as error:
        if error.name in DENIALS:
            # The refusal concerns the person, so every other site would be refused too.
            raise
        return _failed(name, error, error.message)
    except AdapterFaultError as fault:
        return _failed(name, fault.__cause__ or fault, fault.problem)
    except Exception as error:  # noqa: BLE001 - one site holds up no other
        return _failed(name, error, f"a fault: {type(error).__name__}")


def _failed(name: str, error: BaseException, problem: str) -> Comparison:
    log_error("a site cannot be compared with its actual state", site=name, error=error)
    return Comparison(
        site=name, ordered="", on_record="", really=None, adapter="", verdict=FAILED,
        problem=problem,
    )  # fmt: skip


@dataclass(slots=True)
class _Uncompared:
    """The sites that could not be compared, each with the reason, published during the comparison.

    `known`: the sites published before. `owed`: the sites still to compare. A site that was
    compared in this epoch is never published, even if a later comparison of it fails.
    """

    engine: Engine
    known: dict[str, str] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    _failed: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _publish_at: float = field(default_factory=lambda: monotonic() + _PUBLISH_EVERY_S)

    def add(self, compared: Comparison) -> None:
        """Add the result of the next comparison."""
        if compared.problem is None:
            self._seen.add(compared.site)
        else:
            self._failed[compared.site] = compared.problem
        if monotonic() >= self._publish_at:
            self.publish()

    def publish(self) -> None:
        """Publish the sites added since the last call."""
        failed, settled, owed = self._failed, self.known.keys() & self._seen, set[str]()
        if failed:
            with plainly(self.engine), reading(self.engine) as connection:
                owed = after_loss.names_uncompared(connection, lineage.standing(connection), failed)
        new = {name: failed[name] for name in owed if self.known.get(name) != failed[name]}
        if new or settled:
            with plainly(self.engine), writing(self.engine) as connection:
                after_loss.record_uncompared(connection, new, desk_state.now(connection))
                after_loss.clear_uncompared(connection, settled)
        self.owed |= owed
        self._failed, self._seen = {}, set()
        self._publish_at = monotonic() + _PUBLISH_EVERY_S
