"""Where the diagrams of the state machines have their states, arcs and labels.

Set by hand, so that the usual course runs from top to bottom, no arcs cross, and no label lies on
anything. Lengths are in the units of the picture, which is `WIDTH` wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

WIDTH, BOX, HIGH, DOT = 360, 92, 34, 8

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Route:
    """An arc along `points`, with its label from the base line `at` on, at most `room` wide."""

    points: tuple[Point, ...]
    at: Point
    anchor: Anchor
    room: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame around several states, from which an arc can begin in place of each of them."""

    states: tuple[str, ...]
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A diagram of some `triggers` of a machine: the middle of each state, and its arcs' routes.

    A route has the names of its source, a state or a frame, and of its destination.
    """

    machine: str
    triggers: tuple[str, ...]
    height: int
    states: Mapping[str, Point]
    routes: Mapping[tuple[str, str], Route]
    frames: Mapping[str, Frame] = field(default_factory=dict)


_X = WIDTH / 2

SITE = Layout(
    machine="site",
    triggers=(
        "log", "lapse", "state_false", "refuse", "end_suspension", "strike", "hold", "lift_hold",
        "reinstate",
    ),
    height=392,
    states={"active": (_X, 24), "suspended": (_X, 174), "closed": (_X, 334)},
    routes={
        ("active", "suspended"): Route(((160, 41), (160, 157)), (153, 90), "end", 106),
        ("suspended", "active"): Route(((200, 157), (200, 41)), (207, 76), "start", 106),
        ("suspended", "closed"): Route(((_X, 191), (_X, 317)), (187, 236), "start", 136),
        ("active", "closed"): Route(
            ((134, 24), (36, 24), (36, 334), (134, 334)), (43, 230), "start", 132
        ),
        ("closed", "active"): Route(
            ((226, 334), (332, 334), (332, 24), (226, 24)), (332, 352), "end", 100
        ),
    },
)  # fmt: skip

_MAIN = 186

INCIDENT = Layout(
    machine="incident",
    triggers=("log", "reach", "lapse", "remove", "refuse"),
    height=424,
    states={
        "new": (_MAIN, 16), "open": (_MAIN, 92), "moot": (308, 92), "unreached": (64, 184),
        "notified": (_MAIN, 248), "removed": (_MAIN, 396), "refused": (308, 396),
    },
    routes={
        ("new", "open"): Route(((_MAIN, 24), (_MAIN, 75)), (179, 50), "end", 112),
        ("new", "moot"): Route(((194, 16), (308, 16), (308, 75)), (197, 31), "start", 105),
        ("open", "notified"): Route(((_MAIN, 109), (_MAIN, 231)), (193, 160), "start", 120),
        ("open", "unreached"): Route(((140, 100), (64, 100), (64, 167)), (71, 120), "start", 112),
        ("open", "removed"): Route(
            ((140, 84), (8, 84), (8, 404), (140, 404)), (16, 77), "start", 112
        ),
        ("unreached", "notified"): Route(
            ((84, 201), (84, 248), (140, 248)), (91, 218), "start", 78
        ),
        ("unreached", "removed"): Route(
            ((44, 201), (44, 388), (140, 388)), (51, 300), "start", 112
        ),
        ("notified", "removed"): Route(((_MAIN, 265), (_MAIN, 379)), (179, 340), "end", 112),
        ("notified", "refused"): Route(
            ((232, 248), (308, 248), (308, 379)), (301, 284), "end", 96
        ),
    },
)  # fmt: skip

CORRECTIONS = Layout(
    machine="incident",
    triggers=("void_contact", "take_back", "void"),
    height=452,
    states={
        "open": (66, 38), "unreached": (294, 38), "notified": (_X, 124), "removed": (122, 268),
        "refused": (238, 268), "moot": (_X, 328), "voided": (_X, 424),
    },
    frames={
        "decided": Frame(("removed", "refused"), 62, 240, 298, 296),
        "any": Frame(
            ("open", "notified", "unreached", "removed", "refused", "moot"), 6, 8, 354, 358
        ),
    },
    routes={
        ("notified", "open"): Route(((134, 124), (66, 124), (66, 55)), (73, 80), "start", 106),
        ("notified", "unreached"): Route(
            ((226, 124), (294, 124), (294, 55)), (287, 80), "end", 106
        ),
        ("decided", "notified"): Route(((_X, 240), (_X, 141)), (187, 200), "start", 112),
        ("decided", "open"): Route(((62, 268), (32, 268), (32, 55)), (39, 180), "start", 112),
        ("decided", "unreached"): Route(((298, 268), (328, 268), (328, 55)), (321, 156), "end", 96),
        ("any", "voided"): Route(((_X, 358), (_X, 407)), (187, 386), "start", 140),
    },
)  # fmt: skip

IMPORT = Layout(
    machine="incident",
    triggers=("import",),
    height=140,
    states={"new": (_X, 16), "removed": (66, 112), "notified": (_X, 112), "open": (294, 112)},
    routes={
        ("new", "removed"): Route(((172, 16), (66, 16), (66, 95)), (73, 38), "start", 100),
        ("new", "notified"): Route(((_X, 24), (_X, 95)), (187, 68), "start", 105),
        ("new", "open"): Route(((188, 16), (294, 16), (294, 95)), (287, 38), "end", 92),
    },
)  # fmt: skip

LAYOUTS = {"site": SITE, "incident": INCIDENT, "corrections": CORRECTIONS, "import": IMPORT}
"""The diagrams by their names: together they have each move of the machines once."""
