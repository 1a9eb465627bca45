"""The comparison of the whole world with a record that has lost its end; it repeats orders.

It may be ended at any moment, and begun anew by anybody: what is known to agree costs a question.
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
from incidents.desk.access import NOT_LET
from incidents.enforcement import routing
from incidents.enforcement.attempts import log_error
from incidents.enforcement.reconciliation import (
    DIFFERS,
    MOVED,
    REPAIRED,
    UP,
    WAITS,
    Comparison,
    Reconciliation,
)
from incidents.errors import ActRefusedError, AdapterFaultError, DatabaseError, IncidentsError
from incidents.machine.case import UNKNOWN
from incidents.machine.command import LEFT_DOWN
from incidents.store import after_loss, desk_state, lineage
from incidents.store.cases import sites
from incidents.store.database.engine import Reading, plainly, reading, writing

AT_ONCE = 8
"""So many sites are asked about at once."""

_TOLD_EVERY_S = 10.0
"""So soon people are told of what could not be compared, while other sites are asked about."""

MOST_NAMED = 20
"""So many sites are named to people, where very many may have been ordered again."""

FAILED = "failed"
"""The verdict on a site that could not be compared, for a fault of its adapter."""
WRONG = (DIFFERS, MOVED, FAILED)
"""The verdicts after which somebody has to look again."""

_OPEN = (*WRONG, WAITS, REPAIRED, LEFT_DOWN)


class Done(NamedTuple):
    """How many sites there were of each verdict; those that were ordered again, to be up and to be
    down, by their names; of how many of these nobody could ask how they were; those that were left
    down; and those that could not be compared, each with why."""

    counts: Counter[str]
    opened: list[str]
    taken_down: list[str]
    unasked: int
    left_down: list[str]
    failed: list[tuple[str, str]]


def compared(
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
    """Each site, or `only` those, compared, and ordered again where it differs or nobody can be
    asked; those that are down come first. One that cannot be compared holds up no other. Unless a
    person asks who knows of the loss, it `opens` none: why one is down may be what is lost. Which
    ones could not be compared, and why, is kept until they could.

    Once all are, and none `is_open`, the world is as the record says.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: of [acts], naming what is wrong.
        ActRefusedError: where who asks may not compare any.
        DatabaseError: when the database does not do its part.
    """
    found = _loaded(engine, only)
    left, kept = False, _Kept(engine)
    try:
        with reading() as connection:
            standing, kept.known = (
                lineage.standing(connection),
                after_loss.problems_of_uncompared(connection, only),
            )
            names = _every(connection) if only is None else only
        # However many compare at once, and however often: each site is ordered once in an epoch.
        own = Reconciliation(
            reading=reading, desk=desk, routing=found, by=by, login=login, repair=True,
            standing=standing, opens=opens, key=f"recover:{standing.epoch}",
        )  # fmt: skip
        with ThreadPoolExecutor(AT_ONCE) as pool:
            compare = lambda name: None if stopped() else _compared(own, name)  # noqa: E731
            for each in pool.map(compare, names):
                if each is None:
                    return
                left |= is_open(each)
                kept.take(each)
                yield each
    finally:
        found.close()
        kept.tell()
    if only is None and not kept.owed:
        finish(engine, standing.epoch)
    if only is None and not left:
        prove(engine, standing.epoch)


def foreseen(
    desk: Desk, reading: Reading, *, by: str, login: str | None, now: datetime
) -> list[Comparison]:
    """Each site as `compared` would find it, and order it again, if a person let the history go on
    at `now` (UTC); nothing is done. Raises as `compared` does."""
    found = routing.load()
    try:
        with reading() as connection:
            names = sites.in_doubt(connection, every=True)[0]
            standing = lineage.standing(connection)
        then = standing._replace(
            epoch=standing.epoch + 1, resumed_at=now, lost_since=None, moved_at=None,
            unproved_since=now, compared_at=None,
        )  # fmt: skip
        own = Reconciliation(
            reading=reading, desk=desk, routing=found, by=by, login=login, repair=True,
            dry_run=True, standing=then,
        )  # fmt: skip
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda name: _compared(own, name), names))
    finally:
        found.close()


def is_open(compared: Comparison) -> bool:
    """Whether nobody knows yet that the world is as the record says of that site. Where orders are
    only logged there is nothing to be known."""
    return compared.verdict in _OPEN and compared.adapter != routing.DEFAULT


def note_failed(engine: Engine, problems: Mapping[str, str]) -> None:
    """Those sites could not be compared, each with why, and people are told so."""
    with plainly(engine), reading(engine) as connection:
        known = after_loss.problems_of_uncompared(connection, problems)
    _Kept(engine, known, _failed=dict(problems)).tell()


def finish(engine: Engine, epoch: int) -> None:
    """Every site was compared with that epoch of the history."""
    with plainly(engine), writing(engine) as connection:
        lineage.compared(connection, epoch, desk_state.now(connection))


def prove(engine: Engine, epoch: int) -> None:
    """The world is as that epoch of the history says."""
    with plainly(engine), writing(engine) as connection:
        lineage.prove(connection, epoch)


def done(found: Iterable[Comparison]) -> Done:
    """What was done."""
    every = list(found)
    counts = Counter(each.verdict for each in every)
    every.sort(key=lambda each: each.site)
    again = [each for each in every if each.verdict == REPAIRED]
    return Done(
        counts,
        [each.site for each in again if each.ordered == UP],
        [each.site for each in again if each.ordered != UP],
        sum(each.really == UNKNOWN for each in again),
        [each.site for each in every if each.verdict == LEFT_DOWN],
        [(each.site, each.problem) for each in every if each.problem is not None],
    )


def _loaded(engine: Engine, only: Sequence[str] | None) -> routing.Routing:
    """Who can be asked; where the settings do not tell, people are told so of all that is to be
    compared."""
    try:
        return routing.load()
    except IncidentsError as error:
        names = only
        if names is None:
            with plainly(engine), reading(engine) as connection:
                names = _every(connection)
        note_failed(engine, dict.fromkeys(names, error.message))
        raise


def _every(connection: Connection) -> list[str]:
    """The names of all sites, those that are down first."""
    down = sites.in_doubt(connection)[0]
    every = sites.in_doubt(connection, every=True)[0]
    return list(dict.fromkeys([*down, *every]))


def _compared(own: Reconciliation, name: str) -> Comparison:
    try:
        return own.compare(name)
    except DatabaseError:
        raise
    except ActRefusedError as error:
        if error.name in NOT_LET:
            # It is about who asks, and so would every other site be.
            raise
        return _failed(name, error, error.message)
    except AdapterFaultError as fault:
        return _failed(name, fault.__cause__ or fault, fault.problem)
    except Exception as error:  # noqa: BLE001 - one site holds up no other
        return _failed(name, error, f"a fault: {type(error).__name__}")


def _failed(name: str, error: BaseException, problem: str) -> Comparison:
    log_error("a site cannot be compared with the world", site=name, error=error)
    return Comparison(
        site=name, ordered="", on_record="", really=None, adapter="", verdict=FAILED,
        problem=problem,
    )  # fmt: skip


@dataclass(slots=True)
class _Kept:
    """Which sites could not be compared, each with why, as people are told while others are being
    asked; `known` is what they were told before. One that was compared in this epoch is none of
    them, whatever fails later; `owed` are those that still are to be."""

    engine: Engine
    known: dict[str, str] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    _failed: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _tells_at: float = field(default_factory=lambda: monotonic() + _TOLD_EVERY_S)

    def take(self, compared: Comparison) -> None:
        """The next one."""
        if compared.problem is None:
            self._seen.add(compared.site)
        else:
            self._failed[compared.site] = compared.problem
        if monotonic() >= self._tells_at:
            self.tell()

    def tell(self) -> None:
        """Puts down what was found since it was last put down."""
        failed, settled, owed = self._failed, self.known.keys() & self._seen, set[str]()
        if failed:
            with plainly(self.engine), reading(self.engine) as connection:
                owed = after_loss.owed(connection, lineage.standing(connection), failed)
        new = {name: failed[name] for name in owed if self.known.get(name) != failed[name]}
        if new or settled:
            with plainly(self.engine), writing(self.engine) as connection:
                after_loss.note_uncompared(connection, new, desk_state.now(connection))
                after_loss.settle_uncompared(connection, settled)
        self.owed |= owed
        self._failed, self._seen = {}, set()
        self._tells_at = monotonic() + _TOLD_EVERY_S
