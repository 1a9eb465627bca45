"""The chart of a simulation: suspensions and closures by rule over time, as SVG.

There is one strip for each policy, all on the same scales for comparison. The chart is readable in
dark and light mode, without colours (each bar has a text), and with a screen reader (the title and
description have the numbers).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from xml.sax.saxutils import escape

from incidents.history.comparison import PreparedHistory
from incidents.history.simulate import CLOSING_RULES, SUSPENSION, Outcome

_MAX_DAYS = 62
_MAX_MONTHS = 240
_MAX_LABELS = 14
_MAX_DAY_LABELS = 8


@dataclass(frozen=True, slots=True)
class Timescale:
    """Consecutive bins, given by the dates (in `zone`) on which they begin.

    `unit`: the length of a bin: `day`, `month` or `year`.
    """

    unit: str
    starts: tuple[date, ...]
    zone: tzinfo

    def bin_of(self, moment: datetime) -> int:
        """Return the bin that contains an aware `moment`, or otherwise the nearest bin."""
        day = moment.astimezone(self.zone).date()
        return max(0, bisect_right(self.starts, day) - 1)

    def name(self, n: int) -> str:
        """Return the bin's label: `2026-03-01`, `2026-03` or `2026`."""
        return self.starts[n].isoformat()[: {"day": 10, "month": 7, "year": 4}[self.unit]]

    def labels(self) -> list[tuple[int, str]]:
        """List the bins that get a label: few enough to be readable."""
        bins = list(range(len(self.starts)))
        if self.unit == "month" and len(bins) > _MAX_LABELS:
            januaries = [n for n in bins if self.starts[n].month == 1]
            return [(n, self.name(n)[:4]) for n in _thinned(januaries, _MAX_LABELS)]
        most = _MAX_DAY_LABELS if self.unit == "day" else _MAX_LABELS
        return [(n, self.name(n)) for n in _thinned(bins, most)]


def _thinned(bins: list[int], most: int) -> list[int]:
    return bins[:: -(-len(bins) // most)] if bins else []


def spanning(first: datetime, last: datetime, zone: tzinfo) -> Timescale:
    """Return the timescale from `first` to `last` (both aware)."""
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if (end - begin).days < _MAX_DAYS:
        days = range((end - begin).days + 1)
        return Timescale("day", tuple(begin + timedelta(days=n) for n in days), zone)
    if months <= _MAX_MONTHS:
        numbers = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
        return Timescale("month", tuple(date(n // 12, n % 12 + 1, 1) for n in numbers), zone)
    return Timescale("year", tuple(date(y, 1, 1) for y in range(begin.year, end.year + 1)), zone)


_WIDTH, _LEFT, _RIGHT = 960, 64, 24
_TOP, _BOTTOM = 84, 16
_HEADING, _PANEL, _GAP, _AXIS = 44, 84, 30, 34
_STRIP = _HEADING + 2 * _PANEL + _GAP + _AXIS + 18
_LABEL_WIDTH = 80
_NAME_CHARACTERS = 60
# A single closure among hundreds must still be seen.
_LEAST_HEIGHT = 2.5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SERIES = {
    SUSPENSION: "suspended (R2)",
    "repeat": "closed: R1 repeat",
    "unreachable_run": "closed: R3 unreachable run",
    "refusal": "closed: R5 refusal",
    "false_info": "closed: R4 false information",
}
# Distinguishable by colour-blind people (Okabe and Ito), on light and on dark.
_COLOURS = {
    SUSPENSION: ("#56789a", "#8fb3d4"),
    "repeat": ("#c2500a", "#f0883e"),
    "unreachable_run": ("#006a9e", "#4cc2ff"),
    "refusal": ("#a8437f", "#e08bc0"),
    "false_info": ("#8a6d00", "#e3c34a"),
}


def of(taken: PreparedHistory, outcomes: Sequence[Outcome], zone: tzinfo) -> str:
    """Draw the chart of a history's outcomes; see `draw`."""
    return draw(outcomes, taken.span, zone)


def draw(outcomes: Sequence[Outcome], span: tuple[datetime, datetime] | None, zone: tzinfo) -> str:
    """Return the chart as the text of an SVG file; the same outcomes give the same text.

    `span`: the times (UTC) of the first and the last report, None without reports. Days and months
    are those of `zone`.
    """
    times = [action.at for outcome in outcomes for action in outcome.actions] + list(span or ())
    scale = spanning(min(times, default=_EPOCH), max(times, default=_EPOCH), zone)
    strips = [
        _Strip(
            outcome,
            scale,
            Counter((scale.bin_of(action.at), action.what) for action in outcome.actions),
        )
        for outcome in outcomes
    ]
    tops = (
        max((strip.most((SUSPENSION,)) for strip in strips), default=0),
        max((strip.most(CLOSING_RULES) for strip in strips), default=0),
    )
    height = _TOP + _STRIP * len(strips) + _BOTTOM
    title = f"Suspensions and closures, {scale.name(0)} to {scale.name(len(scale.starts) - 1)}"
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    named = 'role="img" aria-labelledby="title desc"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {named}>',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_description(outcomes, scale))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
        _text(_LEFT, 34, title, "title"),
        *_legend(),
    ]
    for n, strip in enumerate(strips):
        lines += strip.lines(_TOP + n * _STRIP, tops)
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Strip:
    """One policy's strip: suspensions above, closures stacked by rule below, and a time axis."""

    outcome: Outcome
    scale: Timescale
    counts: Counter[tuple[int, str]]

    def most(self, series: Sequence[str]) -> int:
        """Return the height of the highest bar if those series are stacked."""
        sums: Counter[int] = Counter()
        for (n, what), count in self.counts.items():
            if what in series:
                sums[n] += count
        return max(sums.values(), default=0)

    def lines(self, y: float, tops: tuple[int, int]) -> Iterator[str]:
        yield _text(_LEFT, y + 16, _heading(self.outcome), "heading")
        suspensions = y + _HEADING + _PANEL
        closures = suspensions + _GAP + _PANEL
        yield from self._panel(suspensions, tops[0], (SUSPENSION,), "suspended")
        yield from self._panel(closures, tops[1], CLOSING_RULES, "closed")
        yield from self._axis(closures)

    def _panel(self, base: float, top: int, series: Sequence[str], name: str) -> Iterator[str]:
        highest = ceiling(top)
        for value in sorted({0, highest // 2 if highest > 1 else 0, highest}):
            y = base - _PANEL * value / highest
            kind = "base" if value == 0 else "grid"
            yield (
                f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}"/>'
            )
            if value or not top:
                yield _text(_LEFT - 6, y + 4, f"{value:,}", "number")
        yield _text(_LEFT, base - _PANEL - 6, f"{name} per {self.scale.unit}", "label")
        yield from self._bars(base, highest, series)

    def _bars(self, base: float, highest: int, series: Sequence[str]) -> Iterator[str]:
        step = (_WIDTH - _LEFT - _RIGHT) / len(self.scale.starts)
        width = min(max(step - 1, 1), 40)
        for n in range(len(self.scale.starts)):
            y = base
            for what in series:
                count = self.counts[n, what]
                if not count:
                    continue
                height = max(_PANEL * count / highest, _LEAST_HEIGHT)
                y -= height
                x = _LEFT + n * step + (step - width) / 2
                title = escape(f"{self.scale.name(n)}: {count:,} {_SERIES[what]}")
                yield (
                    f'<rect class="{what}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" '
                    f'height="{height:.2f}"><title>{title}</title></rect>'
                )

    def _axis(self, base: float) -> Iterator[str]:
        step = (_WIDTH - _LEFT - _RIGHT) / len(self.scale.starts)
        for n, label in self.scale.labels():
            x = _LEFT + n * step
            yield f'<line class="base" x1="{x:.2f}" x2="{x:.2f}" y1="{base:g}" y2="{base + 6:g}"/>'
            kind = "tick" if x < _WIDTH - _LABEL_WIDTH else "tick last"
            yield _text(x, base + 20, label, kind)


def _heading(outcome: Outcome) -> str:
    rules = ", ".join(
        f"{_SERIES[rule].split()[1]} {n:,}" for rule, n in outcome.closed.items() if n
    )
    closed = _many(sum(outcome.closed.values()), "site") + " closed" + (rules and f" ({rules})")
    name = outcome.policy
    if len(name) > _NAME_CHARACTERS:
        name = "…" + name[1 - _NAME_CHARACTERS :]
    return f"{name}: {_many(outcome.suspensions, 'suspension')}, {closed}"


def _description(outcomes: Sequence[Outcome], scale: Timescale) -> str:
    sentences = [f"A strip of bars for each policy, one bar for each {scale.unit}."]
    for outcome in outcomes:
        rules = ", ".join(f"{_SERIES[what]} {n:,}" for what, n in outcome.closed.items() if n)
        sentences.append(
            f"Policy {outcome.policy}: {_many(outcome.sites, 'site')}, "
            f"{_many(outcome.incidents, 'incident')}, "
            f"{_many(outcome.suspensions, 'suspension')}; {rules or 'nothing closed'}."
        )
    return " ".join(sentences)


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _legend() -> Iterator[str]:
    x = float(_LEFT)
    for what, name in _SERIES.items():
        yield f'<rect class="{what}" x="{x:g}" y="50" width="12" height="12"/>'
        yield _text(x + 17, 60.5, name, "label")
        x += 40 + 6.4 * len(name)


def ceiling(top: int) -> int:
    """Return the next round number that the axis can halve: 2, 4, 6, 8, 10, 12, 16 and so on."""
    if top <= 1:
        return 1
    magnitude = 1
    while True:
        for step in (2, 4, 6, 8, 10, 12, 16):
            if top <= step * magnitude:
                return step * magnitude
        magnitude *= 10


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.2f}" y="{y:.2f}">{escape(text)}</text>'


def _style() -> str:
    light = "".join(f".{what}{{fill:{colours[0]}}}" for what, colours in _COLOURS.items())
    dark = "".join(f".{what}{{fill:{colours[1]}}}" for what, colours in _COLOURS.items())
    return (
        "text{font-family:system-ui,sans-serif;font-size:12px;fill:#1f2328}"
        ".title{font-size:18px;font-weight:600}.heading{font-size:14px;font-weight:600}"
        ".number,.last{text-anchor:end}.label,.number,.tick{fill:#57606a}"
        ".paper{fill:#fff}.grid{stroke:#d8dee4}.base{stroke:#57606a}"
        f"{light}"
        "@media (prefers-color-scheme:dark){text{fill:#e6edf3}"
        ".label,.number,.tick{fill:#9da7b3}.paper{fill:#0d1117}.grid{stroke:#30363d}"
        f".base{{stroke:#9da7b3}}{dark}}}"
    )
