"""The slice: the part of a site's history that commands need, however long the history is.

A decision needs the unsettled parts, the parts that the commands name, the neighbours that a window
of R1 can hold, and the end of the run of cases (R3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from incidents.machine.case import Case
from incidents.machine.commands import (
    Approve,
    CancelOrder,
    Command,
    FilingCommand,
    Log,
    OrderCommand,
    RecordContact,
    Recur,
    RepeatOrder,
    RetryOrder,
    SetHold,
    TakeBack,
    VoidContact,
    VoidIncident,
)
from incidents.machine.orders import ACT, NOTICE
from incidents.machine.state import can_move_incident
from incidents.store.schema.tables import FAR

# Before and after all places.
FIRST = (datetime(1970, 1, 1, tzinfo=UTC), 0)
LAST = (FAR, 0)

Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The part of one site's history that commands need.

    `targets`: the incidents that the commands name. `moments`: the times (UTC) around which the
    commands may complete a window (R1). `corrections`: how many incidents the commands may remove
    from a count. `now`: when the commands are decided (UTC); None for any later time. `orders`: the
    orders that the commands name, by number and lane; `all_orders`: also all unsettled orders that
    change the live system, and the orders that the brake holds with them. `filing`: whether the
    commands concern the filing.
    """

    now: datetime | None = None
    targets: frozenset[int] = frozenset()
    moments: frozenset[datetime] = frozenset()
    corrections: int = 0
    tells_all: bool = False
    approves: bool = False
    orders: frozenset[tuple[int, str]] = frozenset()
    all_orders: bool = False
    filing: bool = False


def need(commands: Sequence[Command], now: datetime) -> Need:
    """The part of the site's history that `commands` need at `now`."""
    if not commands:
        return _due_alone(now)
    named = (getattr(command, "incident", None) for command in commands)
    return Need(
        now=now,
        targets=frozenset(n for n in named if n is not None),
        moments=frozenset(c.at or now for c in commands if isinstance(c, Log | Recur)),
        corrections=sum(isinstance(c, _CORRECTIONS) for c in commands),
        tells_all=any(isinstance(c, RecordContact) and c.incident is None for c in commands),
        approves=any(isinstance(c, Approve) for c in commands),
        orders=frozenset(order for c in commands for order in _orders(c)),
        all_orders=any(isinstance(c, _OF_ALL_ORDERS) for c in commands),
        filing=any(isinstance(c, FilingCommand) for c in commands),
    )


@lru_cache(maxsize=16)
def _due_alone(now: datetime) -> Need:
    # Of a backlog all sites need the same.
    return Need(now=now)


def _orders(command: Command) -> list[tuple[int, str]]:
    """The orders that a command may change, by lane; a braked order waits in several lanes."""
    if not isinstance(command, OrderCommand):
        return []
    is_whole = isinstance(command, CancelOrder | RetryOrder) and command.lane == ACT
    return [(command.order, lane) for lane in ((ACT, NOTICE) if is_whole else (command.lane,))]


def moments(case: Case, need: Need) -> frozenset[datetime]:
    """The times around which R1 may count: those of the commands and of the closure to explain."""
    closure = case.closure
    if closure is None or closure.rule != "repeat":
        return need.moments
    completing = case.incidents[closure.incidents[-1]]
    return need.moments | {completing.occurred_at}


def neighbours(case: Case, need: Need, count: int) -> int:
    """The number of countable incidents that R1 needs on each side of a moment to reach `count`.

    A closure needs one more, because the incident that completed it may have been voided; and as
    many more as the commands may void.
    """
    closure = case.closure
    explained = closure.needed if closure is not None and closure.rule == "repeat" else 0
    return max(count - 1, explained) + need.corrections


def judged_from(case: Case) -> Place:
    """The first position at which the commands, or due actions before them, may judge a run (R3).

    This is the position of the earliest running clock, or of the case that closed the site. The
    present run is judged after all positions.
    """
    places = [i.place for i in case.incidents.values() if case.clock_runs(i)]
    closure = case.closure
    if closure is not None and closure.suspension is not None:
        places.append(case.suspensions[closure.suspension].place)
    return min(places, default=LAST)


def judges_run(case: Case, need: Need) -> bool:
    """Whether the commands, or due actions before them, may judge a run (R3).

    Without a case there is no run, and only an elapsed clock begins one.
    """
    if case.last_suspension > 0 or need.now is None:
        return True
    clocks = (i.contact_due for i in case.incidents.values() if case.clock_runs(i))
    return any(due is not None and due < need.now for due in clocks)


def suspensions(case: Case, need: Need) -> frozenset[int]:
    """The suspensions of the commands' incidents, which the commands may strike or restore."""
    closure = case.closure
    targets = {n for n in need.targets if n in case.incidents}
    if need.tells_all:
        targets |= {i.n for i in case.incidents.values() if can_move_incident(i.state, "reach")}
    found = {case.incidents[n].suspension for n in targets}
    if closure is not None:
        found.add(closure.suspension)
    return frozenset(n for n in found if n is not None)


_CORRECTIONS = (VoidContact, VoidIncident, TakeBack)
_OF_ALL_ORDERS = (CancelOrder, RetryOrder, RepeatOrder, SetHold)
