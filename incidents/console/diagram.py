"""Diagrams: a state machine, and a site's suspensions in a row, as SVG.

Forward moves are drawn on the right, backward moves on the left. Each arc has a number, which the
list beside the picture explains, so that labels cannot overlap. Lengths are in the units of the
picture, whose width is `WIDTH`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from incidents.contract.documents.sites import Case
from incidents.machine import diagram

_WIDTH, _BOX, _HIGH, _GAP, _PAD = 360, 104, 32, 34, 14
_MIDDLE = _WIDTH / 2
_REACH = (_WIDTH - _BOX) / 2 - _PAD


@dataclass(frozen=True, slots=True)
class Arc:
    """All moves from one state to another, drawn as one arc with one number."""

    number: int
    source: str
    dest: str
    moves: tuple[diagram.Move, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """The diagram of the machine called `machine`; `named` returns the name of a state."""

    machine: str
    title: str
    told: str
    named: Callable[[str], str]

    @property
    def arcs(self) -> list[Arc]:
        """The arcs, in the order in which their states first appear."""
        found: dict[tuple[str, str], list[diagram.Move]] = {}
        for move in diagram.moves(self.machine):
            found.setdefault((move.source, move.dest), []).append(move)
        return [
            Arc(n, source, dest, tuple(moves))
            for n, ((source, dest), moves) in enumerate(found.items(), start=1)
        ]

    @property
    def states(self) -> list[str]:
        """The states, from top to bottom."""
        return list(diagram.MACHINE_STATES[self.machine])

    @property
    def svg(self) -> Markup:
        """The diagram as SVG."""
        states = self.states
        height = 2 * _PAD + len(states) * _HIGH + (len(states) - 1) * _GAP
        key = f"machine-{self.machine}"
        head = Markup(
            '<svg class="machine" viewBox="0 0 {} {}" role="img"'
            ' aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{}</title>'
            '<desc id="{key}-d">{}</desc><defs><marker id="{key}-m" class="tip" markerWidth="7"'
            ' markerHeight="7" refX="6" refY="3.5" orient="auto"><path d="M0 0 7 3.5 0 7z"/>'
            "</marker></defs>"
        ).format(_WIDTH, height, self.title, self.told, key=key)
        parts = (*self._arcs(states, key), *self._boxes(states), *self._numbers(states))
        return head + Markup("").join(parts) + Markup("</svg>")

    def _boxes(self, states: Sequence[str]) -> Iterator[Markup]:
        for n, name in enumerate(states):
            y = _PAD + n * (_HIGH + _GAP)
            yield Markup(
                '<g class="node"><rect x="{:g}" y="{:g}" width="{}" height="{}" rx="8"/>'
                '<text class="middle" x="{:g}" y="{:g}">{}</text></g>'
            ).format(_MIDDLE - _BOX / 2, y, _BOX, _HIGH, _MIDDLE, y + 21, self.named(name))

    def _arcs(self, states: Sequence[str], key: str) -> Iterator[Markup]:
        for arc in self.arcs:
            side, begin, end, reach = _course(arc, states)
            x = _MIDDLE + side * _BOX / 2
            bow = x + side * reach * 4 / 3
            yield Markup(
                '<path class="arc" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"'
                ' marker-end="url(#{}-m)"/>'
            ).format(x, begin, bow, begin, bow, end, x + side * 2, end, key)

    def _numbers(self, states: Sequence[str]) -> Iterator[Markup]:
        for arc in self.arcs:
            side, begin, end, reach = _course(arc, states)
            x, y = _MIDDLE + side * (_BOX / 2 + reach), (begin + end) / 2
            yield Markup(
                '<circle class="badge" cx="{:.1f}" cy="{:.1f}" r="9"/>'
                '<text class="middle number" x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(x, y, x, y + 4, arc.number)


def _course(arc: Arc, states: Sequence[str]) -> tuple[int, float, float, float]:
    """The side of the arc, the heights of its beginning and end, and its width."""
    source, dest = states.index(arc.source), states.index(arc.dest)
    span, side = abs(dest - source), 1 if dest > source else -1
    # Each begins and ends at a height of its own, or arcs of one box would lie on each other.
    share = _HIGH / (2 * len(states))
    begin = _PAD + source * (_HIGH + _GAP) + _HIGH / 2 + (dest - source) * share
    end = _PAD + dest * (_HIGH + _GAP) + _HIGH / 2 - (dest - source) * share
    reach = _REACH * (0.25 + 0.75 * (span - 1) / max(1, len(states) - 2))
    return side, begin, end, min(reach, _REACH)


WIDTH, LEFT, ROW = 640, 8, 26
_LEAST = 4
"""The minimum width of a bar, so that the bar is visible."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one suspension: its start, its width, and its status."""

    n: int
    x: float
    y: int
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All bars, the height of the picture, and the position of the present time."""

    bars: tuple[Bar, ...]
    height: int
    now_x: float


def of(cases: Sequence[Case], now: datetime) -> Picture | None:
    """Draw these suspensions; None if there are none."""
    if not cases:
        return None
    begins = [datetime.fromisoformat(case["made_at"]) for case in cases]
    ends = [_end(case, now) for case in cases]
    first, last = min(begins), max([now, *ends])
    length = max((last - first) / timedelta(seconds=1), 1.0)

    def place(moment: datetime) -> float:
        part = (moment - first) / timedelta(seconds=1) / length
        return round(LEFT + part * (WIDTH - 2 * LEFT), 1)

    bars = tuple(
        Bar(
            case["n"], place(begin), 4 + row * ROW,
            max(_LEAST, round(place(end) - place(begin), 1)), _kind(case),
        )
        for row, (case, begin, end) in enumerate(zip(cases, begins, ends, strict=True))
    )  # fmt: skip
    return Picture(bars, len(bars) * ROW + 8, place(now))


def _end(case: Case, now: datetime) -> datetime:
    end = case["ended_at"] or case["until"]
    return now if end is None else datetime.fromisoformat(end)


def _kind(case: Case) -> str:
    if case["struck"]:
        return "struck"
    if case["closed"]:
        return "closed"
    return "running" if case["ended_at"] is None else "ended"
