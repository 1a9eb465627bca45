"""The picture of a site's suspensions in a row. Lengths are in the units of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.contract.documents.sites import Case

WIDTH, LEFT, ROW = 640, 8, 26
TOP, FOOT = 18, 16
"""The room above the bars for the word at the present time, and below for the dates."""
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
    """All bars, the height of the picture, the position of the present time, and both ends."""

    bars: tuple[Bar, ...]
    height: int
    now_x: float
    first: datetime
    last: datetime

    @property
    def now_anchor(self) -> str:
        """On which side of its line the word at the present time is."""
        return "end" if self.now_x > WIDTH / 2 else "start"


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
            case["n"], place(begin), TOP + 4 + row * ROW,
            max(_LEAST, round(place(end) - place(begin), 1)), _kind(case),
        )
        for row, (case, begin, end) in enumerate(zip(cases, begins, ends, strict=True))
    )  # fmt: skip
    return Picture(bars, TOP + len(bars) * ROW + 8 + FOOT, place(now), first, last)


def _end(case: Case, now: datetime) -> datetime:
    end = case["ended_at"] or case["until"]
    return now if end is None else datetime.fromisoformat(end)


def _kind(case: Case) -> str:
    if case["struck"]:
        return "struck"
    if case["closed"]:
        return "closed"
    return "running" if case["ended_at"] is None else "ended"
