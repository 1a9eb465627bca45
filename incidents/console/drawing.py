"""The drawing: a site's run of suspensions as bars along the time, for a picture with text beside.

Pure numbers; lengths are in the units of the picture, whose width is `WIDTH`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

WIDTH, LEFT, ROW = 640, 8, 26
_LEAST = 4
"""A bar that would be too thin to be seen is so wide."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One case: where it begins, how wide it is, and how it stands."""

    n: int
    x: float
    y: int
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All of them, how high the picture is, and where `now` stands."""

    bars: tuple[Bar, ...]
    height: int
    now_x: float


def of(cases: Sequence[dict[str, Any]], now: datetime) -> Picture | None:
    """The picture of those cases; None where there are none."""
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


def _end(case: dict[str, Any], now: datetime) -> datetime:
    end = case["ended_at"] or case["until"]
    return now if end is None else datetime.fromisoformat(end)


def _kind(case: dict[str, Any]) -> str:
    if case["struck"]:
        return "struck"
    if case["closed"]:
        return "closed"
    return "running" if case["ended_at"] is None else "ended"
