"""The two state machines, site and incident, as tables; no other line assigns a state.

`move` is how `decide` asks for a transition: the guards, R1 … R5 and their companions, are named
here and stated in `rules`. `check` is how `apply` holds a recorded move against the tables; guards
do not run there, since a replay must not decide again. `mermaid` draws the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from transitions import Machine

from incidents.machine import rules

SITE_STATES = ("active", "suspended", "closed")
INCIDENT_STATES = (
    "new", "open", "notified", "unreached", "removed", "refused", "voided", "moot",
)  # fmt: skip
NOT_VOIDED = [s for s in INCIDENT_STATES if s not in ("new", "voided")]

Row = dict[str, Any]
Guards = dict[str, Callable[..., bool]]

SITE: list[Row] = [
    {"trigger": "log", "source": ["active", "suspended"], "dest": "closed",
     "conditions": "completes_window"},
    {"trigger": "lapse", "source": "active", "dest": "closed", "conditions": "completes_run"},
    {"trigger": "lapse", "source": "active", "dest": "suspended", "conditions": "unreachable"},
    {"trigger": "state_false", "source": ["active", "suspended"], "dest": "closed",
     "conditions": "stated_false"},
    {"trigger": "refuse", "source": ["active", "suspended"], "dest": "closed",
     "conditions": "refused"},
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
    """A recorded move that the tables do not have: the record was not written by the desk."""


class _Facts:
    """A throwaway model: a state, and the guards that are met. Never registered with a machine."""

    def __init__(self, state: str, met: frozenset[str]) -> None:
        self.state = state
        self._met = met

    def __getattr__(self, guard: str) -> Any:
        if not hasattr(rules, guard):
            raise AttributeError(guard)
        return lambda: guard in self._met


def _machine(states: tuple[str, ...], table: list[Row]) -> Machine:
    return Machine(
        model=None, states=list(states), initial=None, transitions=table, auto_transitions=False
    )


def _moves(table: list[Row]) -> Iterator[tuple[Row, str]]:
    for row in table:
        for source in _sources(row):
            yield row, source


def _sources(row: Row) -> list[str]:
    return [row["source"]] if isinstance(row["source"], str) else list(row["source"])


def _pairs(table: list[Row]) -> frozenset[tuple[str, str, str]]:
    return frozenset((row["trigger"], source, row["dest"]) for row, source in _moves(table))


def _guards_of(table: list[Row]) -> dict[tuple[str, str], Guards]:
    """Which predicates each trigger asks for in each state, by their names."""
    found: dict[tuple[str, str], Guards] = {}
    for row, source in _moves(table):
        asked = found.setdefault((source, row["trigger"]), {})
        names = (row[key] for key in ("conditions", "unless") if key in row)
        asked |= {name: getattr(rules, name) for name in names}
    return found


_SITE_MACHINE = _machine(SITE_STATES, SITE)
_INCIDENT_MACHINE = _machine(INCIDENT_STATES, INCIDENT)
_MACHINES = {"site": _SITE_MACHINE, "incident": _INCIDENT_MACHINE}
_SITE_PAIRS = _pairs(SITE)
_INCIDENT_PAIRS = _pairs(INCIDENT)
_GUARDS = {"site": _guards_of(SITE), "incident": _guards_of(INCIDENT)}


def move_site(state: str, trigger: str, *about: Any) -> str:
    """The site's state after `trigger`; the same when no move or no guard allows another.

    `about` is what the guards of that trigger are asked about, as `rules` has them.
    """
    return _move("site", state, trigger, _met("site", state, trigger, about))


def move_incident(state: str, trigger: str, *about: Any) -> str:
    """The incident's state after `trigger`; unchanged as in `move_site`."""
    return _move("incident", state, trigger, _met("incident", state, trigger, about))


def can_move_incident(state: str, trigger: str) -> bool:
    """Whether the table has any move from `state` by `trigger`."""
    return state in _INCIDENT_MACHINE.events[trigger].transitions


def checked_site(trigger: str, source: str, dest: str) -> str:
    """`dest`, if the site's table has the move (or nothing moved).

    Raises:
        ImpossibleMoveError: naming the move.
    """
    return _checked("site", _SITE_PAIRS, trigger, source, dest)


def checked_incident(trigger: str, source: str, dest: str) -> str:
    """`dest`, if the incident's table has the move (or nothing moved); raises as above."""
    return _checked("incident", _INCIDENT_PAIRS, trigger, source, dest)


def _met(what: str, state: str, trigger: str, about: tuple[Any, ...]) -> frozenset[str]:
    guards = _GUARDS[what].get((state, trigger), {})
    return frozenset([name for name, holds in guards.items() if holds(*about)])


@cache
def _move(what: str, state: str, trigger: str, met: frozenset[str]) -> str:
    """What the machine answers; it is asked once, since the same facts always move it alike.

    There are as many questions as the tables have rows and guards: a few hundred.
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


MACHINES = {"site": SITE, "incident": INCIDENT}
"""The tables that can be drawn, by name."""

MACHINE_STATES = {"site": SITE_STATES, "incident": INCIDENT_STATES}
"""The states of each, in the order in which people meet them."""

LABELS = {
    "completes_window": "R1 repeat",
    "unreachable": "R2 unreachable",
    "completes_run": "R3 unreachable_run",
    "stated_false": "R4 false_info",
    "refused": "R5 refusal",
    "known_told": "told",
}
"""How the diagrams call a guard, if not by its name: the published rules by number and code."""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a table, from one of its states: what triggers it, and under which guards.

    `guards` are told as the diagram tells them: `otherwise`, `R1 repeat`, `not held`.
    """

    source: str
    dest: str
    trigger: str
    guards: tuple[str, ...]


_BEGINNING = {"site": "active", "incident": "new"}
_NOWHERE_YET = "new"


def mermaid(machine: str) -> str:
    """The machine of that name as a `stateDiagram-v2`; guards stand in brackets, rules by number.

    A row that the table tries only when another of the same trigger has failed says `otherwise`.
    """
    table = MACHINES[machine]
    lines = ["stateDiagram-v2"]
    if _BEGINNING[machine] != _NOWHERE_YET:
        lines.append(f"    [*] --> {_BEGINNING[machine]}")
    lines += [
        f"    {_node(move.source)} --> {move.dest}: {move.trigger}{_bracketed(move)}"
        for move in moves(machine)
    ]
    lines += [f"    {name} --> [*]" for name in _ends(table)]
    return "\n".join(lines)


def moves(machine: str) -> list[Move]:
    """All moves of the machine of that name, in the order of its table."""
    table = MACHINES[machine]
    return [
        Move(source, row["dest"], row["trigger"], _guards(table, row, source))
        for row, source in _moves(table)
    ]


def _node(name: str) -> str:
    """What is still nowhere begins in Mermaid's own way."""
    return "[*]" if name == _NOWHERE_YET else name


def _guards(table: list[Row], row: Row, source: str) -> tuple[str, ...]:
    told = []
    if _comes_second(table, row, source):
        told.append("otherwise")
    if "conditions" in row:
        told.append(_label(row["conditions"]))
    if "unless" in row:
        told.append(f"not {_label(row['unless'])}")
    return tuple(told)


def _bracketed(move: Move) -> str:
    return f" [{', '.join(move.guards)}]" if move.guards else ""


def _label(guard: str) -> str:
    return LABELS.get(guard, guard)


def _comes_second(table: list[Row], row: Row, source: str) -> bool:
    """Whether an earlier row takes the same trigger, and not just where this one cannot."""
    return any(
        earlier["trigger"] == row["trigger"]
        and source in _sources(earlier)
        and earlier.get("conditions") != row.get("unless")
        for earlier in table[: table.index(row)]
    )


def _ends(table: list[Row]) -> list[str]:
    """The states that nothing leads out of."""
    sources = {source for _, source in _moves(table)}
    return sorted({row["dest"] for row in table} - sources)
