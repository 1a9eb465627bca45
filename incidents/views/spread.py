"""The spread: how lengths of time are distributed, in steps that are counted by the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case

from incidents.store.micros import SECOND, number, whole

Document = dict[str, Any]

# Finer than people read, and so coarse that a distribution has a bounded number of steps: to the
# millisecond below ten seconds, to the second below two hours, to the minute up to a week.
_STEPS = (
    (10 * SECOND, SECOND // 1_000), (7_200 * SECOND, SECOND), (7 * 86_400 * SECOND, 60 * SECOND),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution: how often each length occurs, in microseconds and in their order."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int]]) -> Spread:
        """Of how often each length occurs, in any order."""
        return cls(tuple(sorted((int(us), int(n)) for us, n in found)))

    @property
    def count(self) -> int:
        """How many lengths there are."""
        return sum(n for _, n in self.steps)

    def at(self, percent: int) -> float | None:
        """The length, in seconds, that so many percent do not exceed; None if there are none."""
        needed, seen = -(-self.count * percent // 100), 0
        for us, n in self.steps:
            seen += n
            if seen >= needed:
                return us / SECOND
        return None

    def classes(self, bounds_s: Sequence[float]) -> list[int]:
        """How many are at most each bound, beyond the one before; the last are beyond all."""
        found = [0] * (len(bounds_s) + 1)
        for us, n in self.steps:
            found[sum(us > bound * SECOND for bound in bounds_s)] += n
        return found

    def document(self, bounds_s: Sequence[float]) -> Document:
        """What is told of it; `classes` as the method of that name has them."""
        return {
            "count": self.count,
            "median_s": self.at(50),
            "p90_s": self.at(90),
            "most_s": self.at(100),
            "bounds_s": list(bounds_s),
            "classes": self.classes(bounds_s),
        }


def coarse(us: ColumnElement[Any]) -> ColumnElement[Any]:
    """A length as a distribution has it: never below zero, and a week at most."""
    whens = [(us < number(0), number(0))]
    whens += [(us < number(most), whole(us, step) * number(step)) for most, step in _STEPS]
    return case(*whens, else_=number(_STEPS[-1][0]))
