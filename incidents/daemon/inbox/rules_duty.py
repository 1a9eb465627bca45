"""The duty of the intake rules: settle the reports on which a rule is to act."""

from __future__ import annotations

from collections.abc import Callable

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part

TICK_S = 5.0
"""The interval of the duty's rounds."""


class RuleRounds:
    """The rounds of one daemon; `stopped` is called between two transactions."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._stopped = stopped
        self._part = Part("intake rules do not act")

    def run(self) -> None:
        """Let the rules act on all reports that wait for them; log errors."""
        self._part.attempt(self.act)

    def act(self) -> None:
        """Let the rules act on all reports that wait for them; raises DatabaseError."""
        done = self._app.rules.act(stopped=self._stopped)
        settled = done.total() - done["ask"]
        if settled:
            journal.info("intake rules acted", count=settled)
        if done["ask"]:
            journal.info("intake rules left reports to the desk", count=done["ask"])


def once(app: App) -> None:
    """Let the rules act once (`daemon --once`); raises DatabaseError."""
    RuleRounds(app).act()
