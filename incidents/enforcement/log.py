"""The log adapter, for trials: writes orders into the program's log and does nothing else.

What it is given counts as carried out, and never as in force.
"""

from __future__ import annotations

from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.log import logger
from incidents.settings.options import Options

_log = logger("acts")


class Log:
    """Says loudly that nothing is enforced."""

    def __init__(self, name: str = "log") -> None:
        self.name = name

    def deliver(self, order: Order) -> Outcome:
        """One line in the log."""
        _log.warning(
            "NOTHING IS ENFORCED: this order is only logged, since [acts] names no adapter but log",
            order=order.id, kind=order.kind, site=order.site,
        )  # fmt: skip
        return Delivered(enforced=False)

    def state(self, site: str) -> State | None:  # noqa: ARG002 - nobody can be asked
        """Unknown."""
        return None


def make(name: str, options: Options) -> Log:
    """The adapter of that name."""
    options.finish()
    return Log(name)
