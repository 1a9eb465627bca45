"""Charts: stacked columns with a link from each bar to the list that it counts.

Each series has a pattern, not only a colour, to distinguish it. Each chart is followed by a table
of its numbers, from which `chart.js` reads what it shows of the column under the pointer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from incidents.console.figures.columns import PATTERNS, Drawing


@dataclass(frozen=True, slots=True)
class Series:
    """A series of counts under one name: a number for each column.

    `links`: the address of the list behind each number; None, or no link at all, without one.
    """

    name: str
    counts: Sequence[int]
    links: Sequence[str | None] = ()

    def link(self, n: int) -> str | None:
        """The address of the list behind the nth number."""
        return self.links[n] if self.links and self.counts[n] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A stacked column chart, with one column for each of `labels`, from left to right.

    `key`: an id that is unique on the page. `told`: a one-sentence description. `counted` and
    `across`: the titles of the axes, what is counted and what the columns are. `ticks`: shorter
    labels for the axis, shown as space allows. `is_choice`: the columns are alternatives, so that
    their counts do not add up.
    """

    key: str
    title: str
    told: str
    counted: str
    across: str
    labels: Sequence[str]
    series: Sequence[Series]
    ticks: Sequence[str] = ()
    is_choice: bool = False

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
        return self._drawing.svg(self.title, self.told)

    @property
    def size(self) -> str:
        """The size class: `few` also fits a narrow space; `many` scrolls, showing the end first."""
        return self._drawing.size

    def summary(self, series: Series) -> str:
        """What the legend says of a series: the sum of its counts, or each column's own."""
        if self.is_choice:
            return " → ".join(f"{n:,}" for n in series.counts)
        return f"{sum(series.counts):,}"

    def swatch(self, n: int) -> Markup:
        """The pattern of the nth series, as SVG for the legend."""
        return Markup(
            '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">'
            '<rect class="bar" width="16" height="16" fill="url(#{}-p{})"/></svg>'
        ).format(self.key, n % PATTERNS)

    @property
    def _drawing(self) -> Drawing:
        names = [each.name if len(self.series) > 1 else "" for each in self.series]
        links = [
            [each.link(n) for each in self.series] for n in range(len(self.labels))
        ]  # fmt: skip
        return Drawing(self.key, self.rows, self.ticks or self.labels, names, links)
