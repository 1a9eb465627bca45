"""The pictures: bars, lines and distances to a target, as SVG that is read in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from bench.table import number

WIDTH = 860
_LEFT, _RIGHT, _TOP, _LINE = 380, 90, 52, 26
_PLOT = WIDTH - _LEFT - _RIGHT
_AXIS, _HEIGHT = 80, 230

_LIGHT = {
    "card": ("#ffffff", "#d0d7de"), "text": "#1f2328", "quiet": "#59636e", "ours": "#0b6bcb",
    "peer": "#9a6700", "floor": "#6e7781", "met": "#1a7f37", "missed": "#cf222e",
}  # fmt: skip
_DARK = {
    "card": ("#15191f", "#3d444d"), "text": "#f0f3f6", "quiet": "#a6b0bb", "ours": "#6cb6ff",
    "peer": "#e0b050", "floor": "#9aa4af", "met": "#57c96b", "missed": "#ff7b72",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a picture: its label, its colour's name, a value and how far it spread."""

    label: str
    colour: str
    value: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a diagram: its colour's name and its points, from left to right."""

    colour: str
    points: list[tuple[float, float]]


def bars(title: str, unit: str, marks: Sequence[Mark]) -> str:
    """Bars from zero, each with its spread and its value."""
    widest = max(mark.most for mark in marks)

    def x(value: float) -> float:
        return _LEFT + value / widest * _PLOT

    def drawn() -> Iterator[str]:
        for n, mark in enumerate(marks):
            y = _TOP + n * _LINE
            yield _text(_LEFT - 10, y + 13, mark.label, anchor="end")
            yield _rectangle(_LEFT, y + 2, x(mark.value) - _LEFT, 14, mark.colour)
            yield _spread(x(mark.least), x(mark.most), y + 9)
            yield _text(x(mark.most) + 8, y + 13, number(mark.value))

    return _svg(title, unit, _TOP + len(marks) * _LINE + 14, drawn())


def distances(title: str, explained: str, marks: Sequence[Mark]) -> str:
    """Dots on a scale of powers; at the line a target is met exactly, to its right exceeded."""
    low = min(-1.0, *(math.log10(mark.least) for mark in marks))
    high = max(1.0, *(math.log10(mark.most) for mark in marks))

    def x(value: float) -> float:
        return _LEFT + (math.log10(value) - low) / (high - low) * _PLOT

    bottom = _TOP + len(marks) * _LINE

    def drawn() -> Iterator[str]:
        for power in range(math.ceil(low), math.floor(high) + 1):
            yield _rule(x(10.0**power), _TOP - 6, bottom, thick=power == 0)
            yield _text(
                x(10.0**power), bottom + 16, f"{10.0**power:g}", anchor="middle", quiet=True
            )
        for n, mark in enumerate(marks):
            y = _TOP + n * _LINE
            yield _text(_LEFT - 10, y + 13, mark.label, anchor="end")
            yield _spread(x(mark.least), x(mark.most), y + 9)
            yield _dot(x(mark.value), y + 9, mark.colour)
            yield _text(WIDTH - _RIGHT + 14, y + 13, number(mark.value))

    return _svg(title, explained, bottom + 30, drawn())


def lines(title: str, explained: str, curves: Mapping[str, Curve], *, powers: bool) -> str:
    """Curves by their names; `powers` for scales of powers, else the upright one begins at zero."""
    field = _Field.around([point for curve in curves.values() for point in curve.points], powers)

    def drawn() -> Iterator[str]:
        yield from field.axes()
        for curve in curves.values():
            places = [field.place(*point) for point in curve.points]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            yield f'<path class="curve {curve.colour}" d="M{path}"/>'
            for x, y in places:
                yield _dot(x, y, curve.colour, radius=3)
        yield from _names(field, curves)

    return _svg(title, explained, _TOP + _HEIGHT + 36, drawn())


def _names(field: _Field, curves: Mapping[str, Curve]) -> Iterator[str]:
    """Each curve's name and last value beside its end, and none over another."""
    ends = sorted((field.place(*curve.points[-1]), name) for name, curve in curves.items())
    lowest = float("-inf")
    for (x, y), name in sorted(ends, key=lambda end: end[0][1]):
        lowest = max(y + 4, lowest + 15)
        yield _text(x + 10, lowest, f"{name}: {number(curves[name].points[-1][1])}")


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a point lies."""

    points: Sequence[tuple[float, float]]
    powers: bool
    left: float
    right: float
    low: float
    high: float

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]], powers: bool) -> _Field:
        scale = math.log10 if powers else float
        across, up = ([scale(point[axis]) for point in points] for axis in (0, 1))
        return cls(points, powers, min(across), max(across), min(up) if powers else 0.0, max(up))

    def place(self, x: float, y: float) -> tuple[float, float]:
        scale = math.log10 if self.powers else float
        across = (scale(x) - self.left) / ((self.right - self.left) or 1)
        up = (scale(y) - self.low) / ((self.high - self.low) or 1)
        return _AXIS + across * (WIDTH - _AXIS - 270), _TOP + _HEIGHT - up * _HEIGHT

    def axes(self) -> Iterator[str]:
        yield _rule(_AXIS, _TOP, _TOP + _HEIGHT)
        yield f'<path class="axis" d="M{_AXIS} {_TOP + _HEIGHT}H{WIDTH - 270}"/>'
        heights = [y for _, y in self.points]
        for value in (min(heights) if self.powers else 0.0, max(heights)):
            y = self.place(self.points[0][0], value)[1]
            yield _text(_AXIS - 8, y + 4, number(value), anchor="end", quiet=True)
        numbers = sorted({x for x, _ in self.points})
        for n in numbers[:: max(1, len(numbers) // 4)]:
            x = self.place(n, heights[0])[0]
            yield _text(x, _TOP + _HEIGHT + 18, f"{n:,.0f}", anchor="middle", quiet=True)


def _style() -> str:
    # The card has a ground of its own: whatever page it stands on, the text stays readable.
    return (
        'text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }\n'
        ".title { font-size: 15px; font-weight: 600; }\n.small { font-size: 12px; }\n"
        ".spread { stroke-width: 1.5; }\npath.curve { fill: none; stroke-width: 2; }\n"
        f"{_colours(_LIGHT)}@media (prefers-color-scheme: dark) {{\n{_colours(_DARK)}}}\n"
    )


def _colours(scheme: Mapping[str, Any]) -> str:
    ground, edge = scheme["card"]
    rules = [
        f".card {{ fill: {ground}; stroke: {edge}; }}",
        f".axis {{ stroke: {edge}; }}",
        f".spread {{ stroke: {scheme['text']}; }}",
        f"text {{ fill: {scheme['text']}; }}",
        f"text.small {{ fill: {scheme['quiet']}; }}",
    ]
    for name in ("ours", "peer", "floor", "met", "missed"):
        rules.append(f".{name} {{ fill: {scheme[name]}; }}")
        rules.append(f"path.{name} {{ stroke: {scheme[name]}; }}")
    return "".join(f"{rule}\n" for rule in rules)


def _svg(title: str, explained: str, height: float, drawn: Iterator[str]) -> str:
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">\n<style>\n{_style()}</style>\n'
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" '
        f'rx="6"/>\n'
        f'<text class="title" x="16" y="24">{escape(title)}</text>\n'
        f'<text class="small" x="16" y="41">{escape(explained)}</text>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", quiet: bool = False) -> str:
    kind = ' class="small"' if quiet else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height}" rx="2" '
        f'class="{colour}"/>'
    )


def _spread(least: float, most: float, y: float) -> str:
    return f'<path class="spread" d="M{least:.1f} {y:.1f}H{most:.1f}"/>'


def _rule(x: float, top: float, bottom: float, *, thick: bool = False) -> str:
    kind = "spread" if thick else "axis"
    return f'<path class="{kind}" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'


def _dot(x: float, y: float, colour: str, *, radius: int = 6) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{colour}"/>'
