"""Charts: stacked bars as SVG, for screen readers, print, and light or dark pages.

Each series has a pattern, not only a colour, to distinguish it. Both come from classes of the style
sheet, because the security headers forbid inline styles. Each chart is followed by a table of its
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from incidents.history.picture import ceiling

_FEW = 8
# As narrow as on a telephone, so that labels keep their intended size there.
_NARROW, _WIDTH, _HEIGHT = 320, 640, 232
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 14, 34
_BASE = _HEIGHT - _BOTTOM
_PANEL = _BASE - _TOP
_MOST_WIDE = 56
# A single one among hundreds must still be seen.
_LEAST_HEIGHT = 2.5
_MOST_TICKS = 10
_LETTER, _SIGN = 6.5, 12.0
"""The maximum width of a letter and of a Chinese character in a label."""

PATTERNS = 9
"""The maximum number of series that can be distinguished."""

# What lies over the colour, in a tile of 8 by 8: each is another pattern without any colour.
_MARKS = (
    Markup(),
    Markup('<path class="mark" d="M-2 2 2-2M0 8 8 0M6 10 10 6"/>'),
    Markup('<circle class="dot" cx="4" cy="4" r="1.6"/>'),
    Markup('<path class="mark" d="M0 4H8"/>'),
    Markup('<path class="mark" d="M4 0V8"/>'),
    Markup('<path class="mark" d="M6-2 10 2M0 0 8 8M-2 6 2 10"/>'),
    Markup('<path class="mark" d="M0 4H8M4 0V8"/>'),
    Markup('<path class="mark" d="M0 0 8 8M8 0 0 8"/>'),
    Markup(
        '<circle class="dot" cx="2" cy="2" r="1.2"/><circle class="dot" cx="6" cy="6" r="1.2"/>'
    ),
)


_BAR = Markup(
    '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
    ' fill="url(#{}-p{})"><title>{}</title></rect>'
)


@dataclass(frozen=True, slots=True)
class Series:
    """A series of counts under one name: a number for each column."""

    name: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A stacked column chart, with one column for each of `labels`, from left to right.

    `key`: an id that is unique on the page. `told`: a one-sentence description. `across`: what the
    columns represent. `ticks`: axis labels, shown as space allows.
    """

    key: str
    title: str
    told: str
    across: str
    labels: Sequence[str]
    series: Sequence[Series]
    ticks: Sequence[str] = field(default=())

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return sum(map(sum, (each.counts for each in self.series)))

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The rows of the table: the label of each column, and its counts."""
        return [
            (label, [each.counts[n] for each in self.series]) for n, label in enumerate(self.labels)
        ]

    @property
    def svg(self) -> Markup:
        """The chart as SVG."""
        head = Markup(
            '<svg class="chart {}" viewBox="0 0 {} {}" role="img"'
            ' aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{}</title>'
            '<desc id="{key}-d">{}</desc>'
        ).format(self.size, self._width, _HEIGHT, self.title, self.told, key=self.key)
        parts = (head, self._patterns(), *self._scale(), *self._bars(), *self._ticks())
        return Markup("").join((*parts, Markup("</svg>")))

    def swatch(self, n: int) -> Markup:
        """The pattern of the nth series, as SVG for the legend."""
        return Markup(
            '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">'
            '<rect class="bar" width="16" height="16" fill="url(#{}-p{})"/></svg>'
        ).format(self.key, n % PATTERNS)

    def _patterns(self) -> Markup:
        made = [
            Markup(
                '<pattern id="{}-p{}" width="8" height="8" patternUnits="userSpaceOnUse">'
                '<rect class="c{}" width="8" height="8"/>{}</pattern>'
            ).format(self.key, n, n, _MARKS[n])
            for n in range(min(len(self.series), PATTERNS))
        ]
        return Markup("<defs>{}</defs>").format(Markup("").join(made))

    @property
    def _top(self) -> int:
        return ceiling(max((sum(numbers) for _, numbers in self.rows), default=0))

    @property
    def size(self) -> str:
        """The size class: `few` also fits a narrow space; `many` scrolls, showing the end first."""
        return "few" if len(self.labels) <= _FEW else "many"

    @property
    def _width(self) -> int:
        return _NARROW if self.size == "few" else _WIDTH

    @property
    def _step(self) -> float:
        return (self._width - _LEFT - _RIGHT) / max(1, len(self.labels))

    def _scale(self) -> Iterator[Markup]:
        top = self._top
        for value in sorted({0, top // 2 if top > 1 else 0, top}):
            y = _BASE - _PANEL * value / top
            yield Markup('<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                "grid" if value else "base", _LEFT, self._width - _RIGHT, y, y
            )
            yield _text(_LEFT - 6, y + 4, f"{value:,}", "end")

    def _bars(self) -> Iterator[Markup]:
        top = self._top
        width = min(max(self._step * 0.8, 1.0), _MOST_WIDE)
        for n, (label, numbers) in enumerate(self.rows):
            x, y = _LEFT + n * self._step + (self._step - width) / 2, float(_BASE)
            for place, count in enumerate(numbers):
                if count:
                    height = max(_PANEL * count / top, _LEAST_HEIGHT)
                    y -= height
                    name = f"{self.series[place].name}: " if len(self.series) > 1 else ""
                    told = f"{label} · {name}{count:,}"
                    yield _BAR.format(x, y, width, height, self.key, place % PATTERNS, told)

    def _ticks(self) -> Iterator[Markup]:
        each = -(-len(self.labels) // _MOST_TICKS) or 1
        room = self._step * each
        # From the last one back, because people look at the last one.
        for n in range(len(self.labels) - 1, -1, -each):
            x = _LEFT + (n + 0.5) * self._step
            yield _text(x, _BASE + 18, _fitting((self.ticks or self.labels)[n], room), "middle")


def _fitting(text: str, room: float) -> str:
    """The part of the text that fits into the space; the table has the full text."""
    wide = 0.0
    for n, letter in enumerate(text):
        wide += _LETTER if ord(letter) < 0x2E80 else _SIGN
        if wide > room:
            return f"{text[: max(1, n - 1)]}…"
    return text


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(anchor, x, y, text)
