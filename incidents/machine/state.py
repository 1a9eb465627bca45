"""The two state machines, site and incident, as tables; no other code assigns a state.

`decide` requests a transition with `move_site` and `move_incident`; the rows name their `guards`.
`apply` checks a recorded move with `checked_site` and `checked_incident`; guards do not run there,
because a replay must not decide again.

The `rule` of a row is the published rule, by number and code, that suspends or closes the site. R4
and R5 have no guard: a person's statement, or a lapsed removal deadline, is sufficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from transitions import Machine

from incidents.machine.rules import guards

SITE_STATES = ("active", "suspended", "closed")
INCIDENT_STATES = (
    "new", "open", "notified", "unreached", "removed", "refused", "voided", "moot",
)  # fmt: skip
NOT_VOIDED = [s for s in INCIDENT_STATES if s not in ("new", "voided")]

Row = dict[str, Any]
Guards = dict[str, Callable[..., bool]]

SITE: list[Row] = [
    {"trigger": "log", "source": ["active", "suspended"], "dest": "closed",
     "conditions": "completes_window", "rule": "R1 repeat"},
    {"trigger": "lapse", "source": "active", "dest": "closed",
     "conditions": "completes_run", "rule": "R3 unreachable_run"},
    {"trigger": "lapse", "source": "active", "dest": "suspended",
     "conditions": "unreachable", "rule": "R2 unreachable"},
    {"trigger": "state_false", "source": ["active", "suspended"], "dest": "closed",
     "rule": "R4 false_info"},
    {"trigger": "refuse", "source": ["active", "suspended"], "dest": "closed",
     "rule": "R5 refusal"},
    {"trigger": "end_suspension", "source": "suspended", "dest": "active", "unless": "held"},
    {"trigger": "strike", "source": "suspended", "dest": "active", "unless": "held"},
    {"trigger": "hold", "source": "active", "dest": "suspended"},
    {"trigger": "lift_hold", "source": "suspended", "dest": "active",
     "unless": "suspension_runs"},
    {"trigger": "reinstate", "source": "closed", "dest": "active", "unless": "held"},
]  # fmt: skip

INCIDENT: list[Row] = [
    {"trigger": "log", "source": "new", "dest": "moot", "conditions": "site_closed"},
    {"trigger": "log", "source": "new", "dest": "open", "unless": "site_closed"},
    {"trigger": "import", "source": "new", "dest": "removed", "conditions": "known_removed"},
    {"trigger": "import", "source": "new", "dest": "notified", "conditions": "known_told"},
    {"trigger": "import", "source": "new", "dest": "open"},
    {"trigger": "reach", "source": ["open", "unreached"], "dest": "notified"},
    {"trigger": "lapse", "source": "open", "dest": "unreached"},
    {"trigger": "remove", "source": ["open", "unreached", "notified"], "dest": "removed"},
    {"trigger": "refuse", "source": "notified", "dest": "refused"},
    {"trigger": "void_contact", "source": "notified", "dest": "unreached",
     "conditions": "lapsed", "unless": "told"},
    {"trigger": "void_contact", "source": "notified", "dest": "open", "unless": "told"},
    {"trigger": "take_back", "source": ["removed", "refused"], "dest": "notified",
     "conditions": "told"},
    {"trigger": "take_back", "source": ["removed", "refused"], "dest": "unreached",
     "conditions": "lapsed"},
    {"trigger": "take_back", "source": ["removed", "refused"], "dest": "open"},
    {"trigger": "void", "source": NOT_VOIDED, "dest": "voided"},
]  # fmt: skip


class ImpossibleMoveError(ValueError):
    """A recorded move that is not in the tables, so the desk did not write the record."""


class _Facts:
    """A temporary model of a state and the guards that are met, never registered with a machine."""

    def __init__(self, state: str, met: frozenset[str]) -> None:
        self.state = state
        self._met = met

    def __getattr__(self, guard: str) -> Any:
        if guard not in _NAMED:
            raise AttributeError(guard)
        return lambda: guard in self._met


def _machine(states: tuple[str, ...], table: list[Row]) -> Machine:
    rows = [{key: row[key] for key in row if key != "rule"} for row in table]
    return Machine(
        model=None, states=list(states), initial=None, transitions=rows, auto_transitions=False
    )


def all_moves(table: list[Row]) -> Iterator[tuple[Row, str]]:
    """Each row of the table with each of its source states, in order."""
    for row in table:
        for source in sources_of(row):
            yield row, source


def sources_of(row: Row) -> list[str]:
    """The source states of the row."""
    return [row["source"]] if isinstance(row["source"], str) else list(row["source"])


def _pairs(table: list[Row]) -> frozenset[tuple[str, str, str]]:
    return frozenset((row["trigger"], source, row["dest"]) for row, source in all_moves(table))


def _guards_of(table: list[Row]) -> dict[tuple[str, str], Guards]:
    """The guards of each trigger in each state, by their names."""
    found: dict[tuple[str, str], Guards] = {}
    for row, source in all_moves(table):
        asked = found.setdefault((source, row["trigger"]), {})
        asked |= {name: getattr(guards, name) for name in _named_by(row)}
    return found


def _named_by(row: Row) -> list[str]:
    return [row[key] for key in ("conditions", "unless") if key in row]


_SITE_MACHINE = _machine(SITE_STATES, SITE)
_INCIDENT_MACHINE = _machine(INCIDENT_STATES, INCIDENT)
_MACHINES = {"site": _SITE_MACHINE, "incident": _INCIDENT_MACHINE}
_SITE_PAIRS = _pairs(SITE)
_INCIDENT_PAIRS = _pairs(INCIDENT)
_GUARDS = {"site": _guards_of(SITE), "incident": _guards_of(INCIDENT)}
_NAMED = frozenset(name for row in (*SITE, *INCIDENT) for name in _named_by(row))


def move_site(state: str, trigger: str, *about: Any) -> str:
    """The site's state after `trigger`; unchanged if no row applies.

    `about`: the arguments of that trigger's guards.
    """
    return _move("site", state, trigger, _met("site", state, trigger, about))


def move_incident(state: str, trigger: str, *about: Any) -> str:
    """The incident's state after `trigger`; unchanged if no row applies."""
    return _move("incident", state, trigger, _met("incident", state, trigger, about))


def can_move_incident(state: str, trigger: str) -> bool:
    """Whether the table has any move from `state` by `trigger`."""
    return state in _INCIDENT_MACHINE.events[trigger].transitions


def checked_site(trigger: str, source: str, dest: str) -> str:
    """Return `dest` if the site's table has the move, or if the state stays the same.

    Raises:
        ImpossibleMoveError: naming the move.
    """
    return _checked("site", _SITE_PAIRS, trigger, source, dest)


def checked_incident(trigger: str, source: str, dest: str) -> str:
    """Return `dest` if the incident's table has the move, or if the state stays the same.

    Raises:
        ImpossibleMoveError: naming the move.
    """
    return _checked("incident", _INCIDENT_PAIRS, trigger, source, dest)


def _met(what: str, state: str, trigger: str, about: tuple[Any, ...]) -> frozenset[str]:
    guards = _GUARDS[what].get((state, trigger), {})
    return frozenset([name for name, holds in guards.items() if holds(*about)])


@cache
def _move(what: str, state: str, trigger: str, met: frozenset[str]) -> str:
    """The state after the trigger, cached because the same facts always give the same move.

    The cache is limited by the number of rows and guards: it has a few hundred entries at most.
    """
    event = _MACHINES[what].events[trigger]
    if state not in event.transitions:
        return state
    facts = _Facts(state, met)
    event.trigger(facts)  # False, in silence, when every guard fails: the state then stays
    return facts.state


def _checked(
    what: str, pairs: frozenset[tuple[str, str, str]], trigger: str, source: str, dest: str
) -> str:
    if source != dest and (trigger, source, dest) not in pairs:
        raise ImpossibleMoveError(f"no {what} moves from {source} to {dest} by {trigger}")
    return dest
