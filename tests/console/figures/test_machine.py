"""The diagrams of the machines: each move is drawn once, no arcs cross, and no label hides."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC
from itertools import combinations, pairwise, product
from typing import NamedTuple

import pytest

from incidents.console.figures import layouts
from incidents.console.figures.layouts import BOX, DOT, HIGH, LAYOUTS, WIDTH, Point
from incidents.console.figures.machine import BEGINNING, LINE, Diagram
from incidents.console.figures.svg import width
from incidents.console.languages import Chosen
from incidents.console.pages.policy import diagrams_of
from incidents.console.rendering import Reader
from incidents.machine import diagram
from tests.views.day import utc

_ABOVE, _BELOW = 9.0, 3.0
"""How far the letters of 12 px reach above and below their base line."""


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Chosen:
    chosen: Chosen = request.param
    return chosen


@pytest.fixture
def drawn(language: Chosen) -> list[Diagram]:
    return diagrams_of(Reader(language, UTC, utc("03-01 00:00")))


def lines(points: tuple[Point, ...]) -> list[Box]:
    """The straight parts of an arc, each as a box without a width."""
    return [
        Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        for a, b in pairwise(points)
    ]


def state_boxes(name: str) -> dict[str, Box]:
    found = {}
    for state, (x, y) in LAYOUTS[name].states.items():
        wide, high = (DOT, DOT) if state == BEGINNING else (BOX / 2, HIGH / 2)
        found[state] = Box(x - wide, y - high, x + wide, y + high)
    return found


def label_boxes(one: Diagram) -> dict[str, Box]:
    found = {}
    for arc in one.arcs:
        told = [line for label in one.labels(arc) for line in label.lines]
        (x, y), wide = arc.route.at, max(map(width, told))
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[arc.route.anchor]
        found[arc.key] = Box(left, y - _ABOVE, left + wide, y + LINE * (len(told) - 1) + _BELOW)
    return found


def touching(one: Box, other: Box) -> bool:
    """Whether two parts of arcs meet, also where one only reaches the other."""
    return (
        one.left <= other.right and other.left <= one.right
        and one.top <= other.bottom and other.top <= one.bottom
    )  # fmt: skip


def test_each_move_of_each_machine_is_drawn_once_and_each_state(drawn: list[Diagram]) -> None:
    told = Counter(
        (layouts.LAYOUTS[one.name].machine, move) for one in drawn for arc in one.arcs
        for move in arc.moves
    )  # fmt: skip
    assert told == Counter(
        (machine, move) for machine in diagram.MACHINES for move in diagram.moves(machine)
    )
    for machine, states in diagram.MACHINE_STATES.items():
        of_machine = [each.states for each in LAYOUTS.values() if each.machine == machine]
        assert {state for each in of_machine for state in each} == set(states)


def test_a_frame_has_the_same_moves_for_each_of_its_states(drawn: list[Diagram]) -> None:
    for arc in (arc for one in drawn for arc in one.arcs):
        by_state = {
            state: {(m.trigger, m.guards) for m in arc.moves if m.source == state}
            for state in arc.states
        }
        assert len(set(map(frozenset, by_state.values()))) == 1, arc.key
    for layout in LAYOUTS.values():
        for frame in layout.frames.values():
            around = Box(frame.left, frame.top, frame.right, frame.bottom)
            for state, (x, y) in layout.states.items():
                is_inside = around.left < x < around.right and around.top < y < around.bottom
                assert is_inside == (state in frame.states), state


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_arc_crosses_another_or_a_state(name: str) -> None:
    routes = LAYOUTS[name].routes
    for one, other in combinations(routes, 2):
        parts = product(lines(routes[one].points), lines(routes[other].points))
        assert not any(touching(a, b) for a, b in parts), (one, other)
    for (pair, route), box in product(routes.items(), state_boxes(name).values()):
        assert not any(line.meets(box) for line in lines(route.points)), pair


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_arc_leads_from_the_edge_of_its_source_to_that_of_its_destination(name: str) -> None:
    layout, boxes = LAYOUTS[name], state_boxes(name)
    frames = {
        key: Box(each.left, each.top, each.right, each.bottom)
        for key, each in layout.frames.items()
    }
    for (source, dest), route in layout.routes.items():
        for end, point in ((source, route.points[0]), (dest, route.points[-1])):
            box = {**boxes, **frames}[end]
            assert touching(box, Box(*point, *point)), (source, dest)
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(route.points))


def test_no_label_lies_on_a_label_an_arc_or_a_state_or_outside(drawn: list[Diagram]) -> None:
    for one in drawn:
        layout, labels = LAYOUTS[one.name], label_boxes(one)
        for (a, first), (b, second) in combinations(labels.items(), 2):
            assert not first.meets(second), (a, b)
        for key, label in labels.items():
            assert Box(0, 0, WIDTH, layout.height).meets(label)
            assert label.left >= 0 <= label.top, key
            assert label.right <= WIDTH, key
            assert label.bottom <= layout.height, key
            for state, box in state_boxes(one.name).items():
                assert not label.meets(box), (key, state)
            for arc in one.arcs:
                assert not any(label.meets(line) for line in lines(arc.route.points)), (
                    key,
                    arc.key,
                )


def test_a_state_says_where_it_leads_and_what_is_drawn_has_words(
    drawn: list[Diagram], language: Chosen
) -> None:
    told = "".join(str(one.svg) for one in drawn)
    assert not re.search(r"\b(move|guard|state|policy)\.[a-z]", told)
    if language == "en":
        leads = "unreached. person reached → notified. content removed → removed"
        assert f'aria-label="{leads}"' in told
