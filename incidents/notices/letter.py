"""The letter: a notice in its final wording, and the channels that can send it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from incidents.enforcement.port import Failed, Outcome, Retry, Skipped


@dataclass(frozen=True, slots=True)
class Answered:
    """A mail that is answered; `message_id` is None if it has none that can be repeated."""

    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice ready to send: the same wording as plain text and as an HTML page.

    `id` (`12-o45.notice`): the same in each attempt. `subject`: one line. `languages`: the
    languages in the order of the text, `zh_CN` or `en`. `answers`: the mail that it is an answer
    to, which a program wrote (RFC 3834).
    """

    id: str
    subject: str
    text: str
    html: str
    languages: tuple[str, ...]
    answers: Answered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The recipient: email addresses on record, and a phone number for short messages."""

    mail: tuple[str, ...] = ()
    name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskContact:
    """The desk's name and contacts for the customer."""

    name: str
    phone: str | None = None
    mail: str | None = None


ATTEMPT_S = 18.0
"""The time limit of an attempt over all channels; `enforcement.port` requires less than 20 s."""


class Channel(Protocol):
    """A way to deliver letters; `name` is the channel's name in the settings.

    One instance serves several threads; a failed delivery is an outcome, not an exception.
    """

    @property
    def name(self) -> str:
        """The channel's name in the settings."""

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:
        """Deliver within that many seconds; Skipped if the recipient has no suitable address."""


class TimeBudget:
    """The time of one attempt, divided among the remaining channels."""

    def __init__(
        self, whole_s: float = ATTEMPT_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._until = monotonic() + whole_s

    def share(self, channels: int) -> float:
        """The seconds for the next of the remaining `channels`, so that each gets a share."""
        return max(0.5, (self._until - self._monotonic()) / channels)


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of an attempt in which no channel accepted the letter.

    If any channel might accept the letter later, it is retried after the shortest wait requested.
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
