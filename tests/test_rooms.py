"""The rooms: in each folder, its modules and folders know each other in one direction only."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "incidents"

Edge = tuple[str, str]
"""Who imports, and who is imported."""


def _modules() -> dict[str, Path]:
    found = {}
    for path in PROGRAM.rglob("*.py"):
        parts = path.relative_to(PROGRAM.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """What it imports of the program, also inside of functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else node.module


def _circles(edges: set[Edge]) -> dict[str, list[str]]:
    """By the name of a room, those of its modules and rooms that reach each other in a circle."""
    rooms: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for importing, imported in edges:
        one, other = importing.split("."), imported.split(".")
        pairs = zip(one, other, strict=False)
        depth = next((n for n, (a, b) in enumerate(pairs) if a != b), None)
        if depth is not None:
            rooms[".".join(one[:depth])][one[depth]].add(other[depth])
    found = {}
    for room, knows in rooms.items():
        try:
            TopologicalSorter(knows).prepare()
        except CycleError as error:
            found[room] = error.args[1]
    return found


def test_no_two_modules_or_folders_of_a_room_reach_each_other_in_a_circle() -> None:
    known = _modules()
    edges = {(name, other) for name, path in known.items() for other in _imported(path, known)}
    assert len(edges) > len(known)
    assert _circles(edges) == {}


def test_a_circle_between_folders_is_found_though_none_of_their_modules_is_in_one() -> None:
    edges = {("incidents.a.x", "incidents.b.x"), ("incidents.b.y", "incidents.a.y")}
    assert _circles(edges).keys() == {"incidents"}


def test_what_a_room_s_own_front_hands_on_is_no_circle() -> None:
    edges = {("incidents.a", "incidents.a.x"), ("incidents.b.x", "incidents.a")}
    assert _circles(edges) == {}
