"""The letter: a notice in its final words, which there are, and ways to hand one over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from incidents.enforcement.port import Delivered, Failed, Outcome, Retry, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice as it is sent: the same words as plain text and as a page.

    `id` (`12-o45.notice`) is the same each time the letter is sent. `subject` is one line.
    `languages` are those in which it is written, in their order, `zh_CN` or `en`.
    """

    id: str
    subject: str
    text: str
    html: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """To whom: addresses for mail, as they are on file, and a phone number for short messages."""

    mail: tuple[str, ...] = ()
    name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The desk as the customer sees it: by which name it writes, and how it is reached."""

    name: str
    phone: str | None = None
    mail: str | None = None


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


LANGUAGES = ("zh_CN", "en")
"""Those that the templates are shipped in; a customer in doubt reads the first one first."""

ALARMS = (
    "daemon_silent", "halted", "mark_unread", "entries_lost", "server_changed",
    "sites_uncompared", "sites_left_down", "brake_on", "log_unsigned", "order_dead",
    "clock_about_to_lapse", "closure_waits", "closure_disputed", "report_due", "filing_due",
)  # fmt: skip
"""What the desk is alarmed of beside the orders of its lane."""


class Entry(NamedTuple):
    """To whom a notice goes, `customer`, `desk`, or `phone` (who calls reads it out); and when."""

    to: str
    when: str


NOTICES: dict[str, Entry] = {
    "violation_found": Entry("customer", "a violation is logged"),
    "suspended": Entry("customer", "the site is suspended, until a time (R2)"),
    "suspended_held": Entry("customer", "the site is held by order, until that is lifted"),
    "reopened": Entry("customer", "the site is open again"),
    "closed": Entry("customer", "the site is closed (R1, R3, R4, R5)"),
    "recheck": Entry("customer", "the desk will look again; sent by nobody but a person"),
    "call_script": Entry("phone", "an operator phones the customer"),
    "call_task": Entry("desk", "the customer is to be phoned and told of the closure"),
    "alarm": Entry("desk", "a clock lapsed with too few attempts: nothing is suspended"),
    "alarm_daemon_silent": Entry("desk", "no daemon enforces the clock"),
    "alarm_halted": Entry("desk", "nothing is carried out from a database"),
    "alarm_mark_unread": Entry("desk", "a daemon cannot read its mark, and carries nothing out"),
    "alarm_entries_lost": Entry("desk", "the record has lost its end"),
    "alarm_server_changed": Entry("desk", "another server has taken over"),
    "alarm_sites_uncompared": Entry("desk", "sites could not be compared with the world"),
    "alarm_sites_left_down": Entry("desk", "sites are down for what the record may have lost"),
    "alarm_log_unsigned": Entry("desk", "what is recorded is not signed"),
    "alarm_brake_on": Entry("desk", "too many sites are taken down at once: the rest waits"),
    "alarm_order_dead": Entry("desk", "an order is given up"),
    "alarm_clock_about_to_lapse": Entry("desk", "a contact clock is about to lapse"),
    "alarm_closure_waits": Entry("desk", "a closure waits for its second person"),
    "alarm_closure_disputed": Entry("desk", "what closed a site no longer holds"),
    "alarm_report_due": Entry("desk", "an incident is to be reported to the police"),
    "alarm_filing_due": Entry("desk", "filings near the end of their 30 days, or are over"),
}


def alarm(kind: str) -> str:
    """The notice of an alarm of that kind."""
    return f"alarm_{kind}"
