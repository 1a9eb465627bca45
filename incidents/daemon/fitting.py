"""The fitting: a duty is fitted out when its settings are right; until then the clock runs alone.

A mistake in how orders are carried out, or in whom to alarm, must not be one hour in which nobody
is suspended. It is cried out, and looked at again: whoever mends it need not restart anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from incidents.daemon.record import Part


class Duty(Protocol):
    """What is fitted out."""

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""


D = TypeVar("D", bound=Duty)


class Fitting(Generic[D]):
    """Makes a duty as soon as it can be made, and runs it; `wrong` is the sentence while it cannot.

    `duty` is what was made; None until then.
    """

    def __init__(self, make: Callable[[], D], wrong: str) -> None:
        self._make = make
        self._part = Part(wrong)
        self.duty: D | None = None

    def fit(self) -> bool:
        """Whether it is there; tried again at most every half minute."""
        return self.duty is not None or self._part.do(self._made)

    def run(self) -> None:
        """One round, if it is there."""
        if self.fit() and self.duty is not None:
            self.duty.run()

    def _made(self) -> None:
        self.duty = self._make()
