"""The log adapter, for trials: it writes orders into the program's log and does nothing else.

Orders that it receives count as carried out, but never as enforced.
"""

from __future__ import annotations

from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.log import logger
from incidents.settings.options import Options

_log = logger("acts")


class Log:
    """The log adapter, which logs clearly that nothing is enforced."""

    def __init__(self, name: str = "log") -> None:
        self.name = name

    def deliver(self, order: Order) -> Outcome:
        """Write one line to the log."""
        _log.warning(
            "NOTHING IS ENFORCED: this order is only logged: [acts] names no adapter but log",
            order=order.id, kind=order.kind, site=order.site,
        )  # fmt: skip
        return Delivered(enforced=False)

    def state(self, site: str) -> State | None:  # noqa: ARG002 - nobody can be asked
        """Always None: the state is unknown."""
        return None


def make(name: str, options: Options) -> Log:
    """The log adapter, with the given name."""
    options.finish()
    return Log(name)
