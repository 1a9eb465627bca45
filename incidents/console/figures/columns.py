"""The drawing of a chart: its columns on a scale with round steps, as SVG.

Colours and patterns come from classes of the style sheet, because the security headers forbid
inline styles. The keyboard reaches a chart in one step; `chart.js` moves on within it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from incidents.console.figures.svg import fitting, text_element
from incidents.history.scales import steps

_FEW = 8
# As narrow as on a telephone, so that labels keep their intended size there.
_NARROW, _WIDTH, _HEIGHT = 344, 640, 216
_SIDE, _RIGHT, _TOP, _BOTTOM = 44, 8, 12, 24
_BASE = _HEIGHT - _BOTTOM
_PANEL = _BASE - _TOP
_MOST_WIDE = 56
# A single one among hundreds must still be seen.
_LEAST_HEIGHT = 2.5
_MOST_TICKS = 10

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
_HIT = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"{}/>')
_LINK = Markup('<a class="stop" href="{}" data-series="{}" tabindex="{}" aria-label="{}">{}</a>')
_STOP = Markup(
    '<g class="stop" role="img" data-series="{}" tabindex="{}" aria-label="{}">{}</g>'
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart to draw: `rows` with the label and counts of each column, and `names` of series.

    `links`: the addresses of a column's bars.
    """

    key: str
    rows: Sequence[tuple[str, Sequence[int]]]
    ticks: Sequence[str]
    names: Sequence[str]
    links: Sequence[Sequence[str | None]]

    def svg(self, title: str, told: str) -> Markup:
        """The chart as SVG, with that name and description."""
        # No image: what is inside an image cannot be reached.
        head = Markup(
            '<svg class="chart {}" viewBox="0 0 {} {}" role="group"'
            ' aria-labelledby="{key}-t" aria-describedby="{key}-d"><title id="{key}-t">{}</title>'
            '<desc id="{key}-d">{}</desc>'
        ).format(self.size, self._width, _HEIGHT, title, told, key=self.key)
        parts = (head, self._patterns(), *self._scale(), *self._columns(), *self._labels())
        return Markup("").join((*parts, Markup("</svg>")))

    @property
    def size(self) -> str:
        """See `Chart.size`."""
        return "few" if len(self.rows) <= _FEW else "many"

    @property
    def _width(self) -> int:
        return _NARROW if self.size == "few" else _WIDTH

    @property
    def _right(self) -> int:
        """The space on the right: what scrolls has its scale there, too, since it begins there."""
        return _RIGHT if self.size == "few" else _SIDE

    @property
    def _step(self) -> float:
        return (self._width - _SIDE - self._right) / max(1, len(self.rows))

    @property
    def _scale_steps(self) -> list[int]:
        return steps(max((sum(numbers) for _, numbers in self.rows), default=0))

    def _patterns(self) -> Markup:
        made = [
            Markup(
                '<pattern id="{}-p{}" width="8" height="8" patternUnits="userSpaceOnUse">'
                '<rect class="c{}" width="8" height="8"/>{}</pattern>'
            ).format(self.key, n, n, _MARKS[n])
            for n in range(min(len(self.names), PATTERNS))
        ]
        return Markup("<defs>{}</defs>").format(Markup("").join(made))

    def _scale(self) -> Iterator[Markup]:
        *_, top = self._scale_steps
        end = self._width - self._right
        for value in self._scale_steps:
            y = _BASE - _PANEL * value / top
            yield Markup('<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                "grid" if value else "base", _SIDE, end, y, y
            )
            yield text_element(_SIDE - 6, y + 4, f"{value:,}", "end")
            if self.size == "many":
                yield text_element(end + 6, y + 4, f"{value:,}", "start")

    def _columns(self) -> Iterator[Markup]:
        *_, top = self._scale_steps
        wide = min(max(self._step * 0.8, 1.0), _MOST_WIDE)
        for n, (label, numbers) in enumerate(self.rows):
            x, y = _SIDE + n * self._step, float(_BASE)
            bars: list[Markup] = []
            # People look at the last column first.
            is_last = n == len(self.rows) - 1
            for series, count in enumerate(numbers):
                if not count:
                    continue
                height = max(_PANEL * count / top, _LEAST_HEIGHT)
                y -= height
                name = f"{self.names[series]}: " if self.names[series] else ""
                told = f"{label} · {name}{count:,}"
                left = x + (self._step - wide) / 2
                bar = _BAR.format(left, y, wide, height, self.key, series % PATTERNS, told)
                tab = 0 if is_last and not bars else -1
                bars.append(_stop(self.links[n][series], series, tab, told, bar))
            # A column of nothing is reached like all others.
            nothing = Markup(' role="img" tabindex="{}" aria-label="{} · 0"')
            hit = _HIT.format(
                "hit" if bars else "hit stop", x, _TOP, self._step, _PANEL,
                "" if bars else nothing.format(0 if is_last else -1, label),
            )  # fmt: skip
            yield Markup('<g class="column" data-n="{}">{}{}</g>').format(
                n, hit, Markup("").join(bars)
            )

    def _labels(self) -> Iterator[Markup]:
        each = -(-len(self.rows) // _MOST_TICKS) or 1
        # The style sheet writes the few smaller than letters are measured.
        room = self._step * each * (12 / 11 if self.size == "few" else 1)
        # From the last one back, because people look at the last one.
        for n in range(len(self.rows) - 1, -1, -each):
            x = _SIDE + (n + 0.5) * self._step
            yield text_element(x, _BASE + 18, fitting(self.ticks[n], room), "middle")


def _stop(link: str | None, series: int, tab: int, told: str, bar: Markup) -> Markup:
    if link is None:
        return _STOP.format(series, tab, told, bar)
    return _LINK.format(link, series, tab, told, bar)
