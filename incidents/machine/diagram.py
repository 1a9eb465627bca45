"""The diagrams of the two state machines, drawn from their tables."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.state import (
    INCIDENT,
    INCIDENT_STATES,
    SITE,
    SITE_STATES,
    Row,
    all_moves,
    sources_of,
)

MACHINES = {"site": SITE, "incident": INCIDENT}
"""The tables that can be drawn, each by the name of its machine."""

MACHINE_STATES = {"site": SITE_STATES, "incident": INCIDENT_STATES}
"""The states of each machine, in the order in which they usually occur."""

LABELS = {"known_told": "told"}
"""The labels of guards in diagrams, where these are neither their names nor the rules of their
rows."""


@dataclass(frozen=True, slots=True)
class Move:
    """A row of a table, for one of its source states: its trigger and its guards.

    `guards` have the wording of the diagram: `otherwise`, `R1 repeat`, `not held`.
    """

    source: str
    dest: str
    trigger: str
    guards: tuple[str, ...]


_BEGINNING = {"site": "active", "incident": "new"}
_NOWHERE_YET = "new"


def mermaid(machine: str) -> str:
    """The machine of that name as a `stateDiagram-v2`; guards in brackets, rules by number.

    A row that applies only if another row with the same trigger does not is labelled `otherwise`.
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
        for row, source in all_moves(table)
    ]


def _node(name: str) -> str:
    """The node of a state; the start has Mermaid's own notation."""
    return "[*]" if name == _NOWHERE_YET else name


def _guards(table: list[Row], row: Row, source: str) -> tuple[str, ...]:
    told = []
    if _comes_second(table, row, source):
        told.append("otherwise")
    if "rule" in row:
        told.append(row["rule"])
    elif "conditions" in row:
        told.append(_label(row["conditions"]))
    if "unless" in row:
        told.append(f"not {_label(row['unless'])}")
    return tuple(told)


def _bracketed(move: Move) -> str:
    return f" [{', '.join(move.guards)}]" if move.guards else ""


def _label(guard: str) -> str:
    return LABELS.get(guard, guard)


def _comes_second(table: list[Row], row: Row, source: str) -> bool:
    """Whether an earlier row has the same trigger and can apply in this state."""
    return any(
        earlier["trigger"] == row["trigger"]
        and source in sources_of(earlier)
        and earlier.get("conditions") != row.get("unless")
        for earlier in table[: table.index(row)]
    )


def _ends(table: list[Row]) -> list[str]:
    """The final states, which have no outgoing move."""
    sources = {source for _, source in all_moves(table)}
    return sorted({row["dest"] for row in table} - sources)
