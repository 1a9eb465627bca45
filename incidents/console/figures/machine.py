"""Diagrams of the state machines: states, and one arc with its moves from one to another, as SVG.

The moves are those of the machines' tables; `layouts` says where each is drawn. `diagram.js` makes
the arcs of a state stand out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from incidents.console.figures import layouts
from incidents.console.figures.layouts import BOX, DOT, HIGH, WIDTH, Point, Route
from incidents.console.figures.svg import text_element, width, wrapped
from incidents.machine import diagram
from incidents.machine.diagram import Move
from incidents.machine.state import SITE

BEGINNING = "new"
LINE = 14
_CORNER = 10.0
_RULES = frozenset(row["rule"] for row in SITE if "rule" in row)
KINDS = ("operator", "call", "timer", "policy")
"""Who moves a state: a person's record, the outcome of a call, a deadline, or a rule."""
_KIND_OF = {
    "reach": "call", "lapse": "timer", "end_suspension": "timer", "strike": "policy",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a diagram: names of states and frames, and of moves and their guards."""

    state: Callable[[str], str]
    move: Callable[[str], str]
    guard: Callable[[str], str]
    case: Callable[[str], str]
    """What follows the words of a move that happens only in that case."""
    comma: str


@dataclass(frozen=True, slots=True)
class Label:
    """The lines that name a move beside its arc."""

    lines: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Arc:
    """All moves from a state, or from each state of a frame, to another."""

    key: str
    source: str
    dest: str
    states: tuple[str, ...]
    moves: tuple[Move, ...]
    route: Route

    @property
    def kind(self) -> str:
        """The kind of its first move, the usual one."""
        return kind_of(self.moves[0])

    @property
    def told(self) -> list[Move]:
        """Its moves, each once: those of a frame are the same for each state."""
        return list({(move.trigger, move.guards): move for move in self.moves}.values())


def kind_of(move: Move) -> str:
    """The kind of a move: that of the rule which it names, or of its trigger."""
    if not _RULES.isdisjoint(move.guards):
        return "policy"
    return _KIND_OF.get(move.trigger, "operator")


@dataclass(frozen=True, slots=True)
class Diagram:
    """The diagram of that name, in these words."""

    name: str
    title: str
    told: str
    words: Words

    @property
    def arcs(self) -> list[Arc]:
        """The arcs, in the order of the layout."""
        layout = layouts.LAYOUTS[self.name]
        moves = [m for m in diagram.moves(layout.machine) if m.trigger in layout.triggers]
        found = []
        for n, ((source, dest), route) in enumerate(layout.routes.items(), start=1):
            frame = layout.frames.get(source)
            states = (source,) if frame is None else frame.states
            own = tuple(m for m in moves if m.source in states and m.dest == dest)
            found.append(Arc(f"{self.name}-{n}", source, dest, states, own, route))
        return found

    @property
    def svg(self) -> Markup:
        """The diagram as SVG."""
        # No image: what is inside an image cannot be reached.
        head = Markup(
            '<svg class="machine" viewBox="0 0 {} {}" role="group" aria-labelledby="{key}-t"'
            ' aria-describedby="{key}-d"><title id="{key}-t">{}</title>'
            '<desc id="{key}-d">{}</desc><defs>{}</defs>'
        ).format(
            WIDTH, layouts.LAYOUTS[self.name].height, self.title, self.told,
            Markup("").join(_tip(self.name, kind) for kind in KINDS), key=f"machine-{self.name}",
        )  # fmt: skip
        parts = (*self._frames(), *map(self._arc, self.arcs), *self._states())
        return head + Markup("").join(parts) + Markup("</svg>")

    def labels(self, arc: Arc) -> list[Label]:
        """The labels of the arc: a line or more for each move."""
        return [Label(self._lines(move, arc.route.room), kind_of(move)) for move in arc.told]

    def _lines(self, move: Move, room: float) -> tuple[str, ...]:
        """The words of the move; it breaks first before the case in which it happens."""
        words, case = self._words_of(move)
        if width(words + case) <= room:
            return (words + case,)
        return (*wrapped(words, room), *(wrapped(case.strip(), room) if case else ()))

    def _words_of(self, move: Move) -> tuple[str, str]:
        """The rule; or what happens, and in which case. What does not hold is left to the list."""
        if move.guards and move.guards[-1] in _RULES:
            return self.words.guard(move.guards[-1]), ""
        # A move without a case is what happens otherwise.
        unnamed = ("not ", "otherwise")
        named = [guard for guard in move.guards if not guard.startswith(unnamed)]
        case = self.words.case(self.words.comma.join(map(self.words.guard, named)))
        return self.words.move(move.trigger), case if named else ""

    def _frames(self) -> Iterator[Markup]:
        for frame in layouts.LAYOUTS[self.name].frames.values():
            yield Markup(
                '<rect class="frame" x="{}" y="{}" width="{}" height="{}" rx="12"/>'
            ).format(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)

    def _arc(self, arc: Arc) -> Markup:
        return Markup(
            '<g class="arc {}" id="{}" data-from="{}" data-to="{}"><path d="{}"'
            ' marker-end="url(#{}-{})"/>{}</g>'
        ).format(
            arc.kind, arc.key, " ".join(arc.states), arc.dest, path(arc.route.points),
            self.name, arc.kind, Markup("").join(self._label(arc)),
        )  # fmt: skip

    def _label(self, arc: Arc) -> Iterator[Markup]:
        x, y = arc.route.at
        for label in self.labels(arc):
            for line in label.lines:
                yield text_element(x, y, line, f"{arc.route.anchor} {label.kind}")
                y += LINE

    def _states(self) -> Iterator[Markup]:
        for n, (state, (x, y)) in enumerate(layouts.LAYOUTS[self.name].states.items()):
            yield Markup(
                '<g class="node" role="img" tabindex="{}" data-state="{}" aria-label="{}">{}</g>'
            ).format(-1 if n else 0, state, self._told(state), self._drawn(state, x, y))

    def _drawn(self, state: str, x: float, y: float) -> Markup:
        if state == BEGINNING:
            return Markup('<circle class="start-dot" cx="{}" cy="{}" r="{}"/>').format(x, y, DOT)
        box = Markup('<rect x="{:g}" y="{:g}" width="{}" height="{}" rx="8"/>')
        name = text_element(x, y + 4.5, self.words.state(state), "middle")
        return box.format(x - BOX / 2, y - HIGH / 2, BOX, HIGH) + name

    def _told(self, state: str) -> str:
        """The name of the state, and where it leads."""
        leads = [
            f"{self.words.comma.join(''.join(self._words_of(move)) for move in arc.told)} →"
            f" {self.words.state(arc.dest)}"
            for arc in self.arcs
            if state in arc.states
        ]
        return ". ".join([self.words.state(state), *leads])


def path(points: tuple[Point, ...]) -> str:
    """The path along the points, with round corners."""
    told = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        begin, end = _towards(corner, before), _towards(corner, after)
        told.append(f"L{begin[0]:g} {begin[1]:g}Q{corner[0]:g} {corner[1]:g} {end[0]:g} {end[1]:g}")
    return "".join([*told, f"L{points[-1][0]:g} {points[-1][1]:g}"])


def _towards(corner: Point, other: Point) -> Point:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    part = min(0.5, _CORNER / (abs(dx) + abs(dy)))
    return corner[0] + dx * part, corner[1] + dy * part


def _tip(name: str, kind: str) -> Markup:
    return Markup(
        '<marker id="{}-{}" class="tip {}" markerWidth="8" markerHeight="8" refX="7" refY="4"'
        ' orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8z"/></marker>'
    ).format(name, kind, kind)
