"""The chart of a simulation: suspensions and closures by rule over time, as SVG.

There is one strip for each policy, all on the same scales for comparison. The chart is readable in
dark and light mode, without colours (each bar has a text), and with a screen reader (the title and
description have the numbers).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from xml.sax.saxutils import escape

from incidents.history.comparison import PreparedHistory
from incidents.history.scales import Timescale, spanning, steps
from incidents.history.simulate import CLOSING_RULES, SUSPENSION, Outcome

_WIDTH, _LEFT, _RIGHT = 960, 64, 24
_TOP, _BOTTOM = 84, 16
_HEADING, _PANEL, _GAP, _AXIS = 44, 84, 30, 34
_STRIP = _HEADING + 2 * _PANEL + _GAP + _AXIS + 18
_LABEL_WIDTH = 80
_NAME_CHARACTERS = 60
_MOST_STEPS = 3
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
        values = steps(top, most=_MOST_STEPS)
        highest = values[-1]
        for value in values:
            y = base - _PANEL * value / highest
            kind = "base" if value == 0 else "grid"
            yield (
                f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}"/>'
            )
            if value or not top:
                yield _text(_LEFT - 6, y + 4, f"{value:,}", "number")
        told = f"{name} per {self.scale.unit} ({self.scale.zone})"
        yield _text(_LEFT, base - _PANEL - 6, told, "label")
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
