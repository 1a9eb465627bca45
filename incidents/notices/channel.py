"""The channel: a way to hand a letter over, and what a whole lane of them comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from incidents.acts.port import Delivered, Failed, Outcome, Retry, Skipped
from incidents.notices.letter import Letter, Recipient

ATTEMPT_S = 18.0
"""What one attempt may take over all its channels: the port asks for less than 20 s."""


class Channel(Protocol):
    """A way to hand letters over, under the name that the settings give it.

    One instance serves several threads; nothing is raised for what the world does.
    """

    @property
    def name(self) -> str:
        """Its name in the settings."""

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:
        """Hand it over within that many seconds. Skipped: there is no address of its kind."""


class Time:
    """The time of one attempt, shared out among the channels that are still to be tried."""

    def __init__(
        self, whole_s: float = ATTEMPT_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._until = monotonic() + whole_s

    def share(self, channels: int) -> float:
        """Seconds for the next of so many: one that hangs leaves the others theirs."""
        return max(0.5, (self._until - self._monotonic()) / channels)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """What an attempt comes to that no channel has taken.

    While one may still take it, it is tried again, as soon as the first of them asks for.
    """
    found = list(outcomes)
    retries = [outcome for outcome in found if isinstance(outcome, Retry)]
    if retries:
        waits = [retry.after for retry in retries if retry.after is not None]
        after = min(waits) if len(waits) == len(retries) else None
        return Retry(problem=retries[0].problem, after=after, detail=retries[0].detail)
    failed = next((outcome for outcome in found if isinstance(outcome, Failed)), None)
    skipped = next((outcome for outcome in found if isinstance(outcome, Skipped)), None)
    return failed or skipped or Skipped(why="no_channel")


def took(outcome: Outcome) -> bool:
    """Whether the channel has taken the letter."""
    return isinstance(outcome, Delivered)
