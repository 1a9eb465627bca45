"""The letter: a notice in its final words, and the channels that can send it.

What a notice can tell are facts, as values; the templates know no other names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from incidents.enforcement.port import Failed, Outcome, Retry, Skipped
from incidents.machine.policy import DOCUMENTED, Policy

MAX_FINDINGS = 20
MAX_URLS = 10
"""So many incidents, and addresses of one, stand in a notice; of the others it gives the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An incident as a notice names it; `more` addresses are not among `urls`."""

    id: str
    occurred_at: datetime
    recorded_at: datetime
    category: str | None = None
    urls: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is told of a site, for one order or one incident.

    `reference` is what the customer quotes. `at` is when it happened: when it was done, as far as
    is known, else when it was ordered. `state` is the incident's, `site_state` the site's, as they
    stand now, in the world where it is known to stand otherwise; `findings` are the incidents that
    the notice is about, and of so many `findings_more` nothing but the number is told.
    `contact_due` is null where no clock runs or has run (R2), `removal_due` where none is set (R5);
    `until` is null where no timer will open the site; `stays_down`: nor does that one, since a
    hold, a closure or what a loss has left keeps it down, or of a hold: it was down before;
    `outlasts`: so does a hold when the suspension ends, of whose end the customer was told.
    `miss_closes`: the next time that nobody is reached closes the site (R3). Of a closure `needed`
    and `within` are the numbers that it was decided by, `total` says that all cases counted (R3),
    `false_field` is the false detail (R4). `withheld`: the closure is not carried out, since the
    brake holds it or somebody has cancelled it; `disputed`: what closed the site no longer holds.
    `cause` of a reopening: its hours were over (`ended`), late truth (`struck`), or anything else
    (`other`); `never_down`: the customer was told that the site is down, and it was not; `opening`:
    it is ordered, and not carried out. `settled`: nobody needs to be told any more.

    `person`, `email` and `phone` are the responsible person's, as they are on file.
    """

    reference: str
    site: str
    at: datetime
    site_state: str = "active"
    state: str | None = None
    findings: tuple[Finding, ...] = ()
    findings_more: int = 0
    contact_due: datetime | None = None
    removal_due: datetime | None = None
    until: datetime | None = None
    stays_down: bool = False
    outlasts: bool = False
    miss_closes: bool = False
    rule: str | None = None
    needed: int | None = None
    within: timedelta | None = None
    total: bool = False
    false_field: str | None = None
    withheld: bool = False
    disputed: bool = False
    cause: str | None = None
    opening: bool = False
    task: str | None = None
    policy: Policy = DOCUMENTED
    person: str | None = None
    email: str | None = None
    phone: str | None = None
    link: str | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFacts:
    """What an alarm to the desk tells; which of it is there depends on the alarm.

    `host` and `database`: from where it is told. `halted_since`: since when nothing is carried out
    from that database, which may be a copy; null where orders are carried out.
    `daemon_silent`: since when nothing was heard (null: never), how many sites are overdue, and the
    `daemon`, if others are left that enforce the clock (null: none is).
    `sites_uncompared`: how many `sites` could not be compared with the world, the first ones
    (`named`), why (`problem`), and since when.
    `sites_left_down`: how many `sites`, how many of them the world has as `closed`, of how many
    nobody can tell (`unknown`), how many of these were added since the loss (`new`), the first ones
    (`named`), how each is in the world (`states`) and which of them are suspended on record as well
    (`suspended_now`), and since when the reason may be lost.
    `brake_on`: how many `orders` wait for a supervisor, since when. `halted`, `entries_lost` and
    `server_changed`: since when it is known; why it is halted (`halted_why`: `unknown_server`,
    `lost_again`, null if only the log says it).
    `mark_unread`: the `daemon` that carries nothing out, since when, and the `problem`.
    `log_unsigned`: since when entries wait for a signature.
    `order_dead`: the order, its kind, the problem, the attempts. `clock_about_to_lapse`: the
    incident, `due`, and whether the miss closes the site. `closure_waits`: the rule, and the
    incident of R5, since when. `closure_disputed`: the rule, since when.
    `report_due`: the incident, and by when it is to be reported (the 24 hours of article 10).
    `filing_due`: how many `terms` were reminded of today, and how many of them are `overdue`.
    """

    at: datetime
    host: str
    database: str
    halted_since: datetime | None = None
    site: str | None = None
    incident: str | None = None
    order: str | None = None
    order_kind: str | None = None
    problem: str | None = None
    attempts: int | None = None
    since: datetime | None = None
    due: datetime | None = None
    overdue: int = 0
    miss_closes: bool = False
    rule: str | None = None
    daemon: str | None = None
    halted_why: str | None = None
    terms: int = 0
    orders: int = 0
    sites: int = 0
    closed: int = 0
    unknown: int = 0
    new: int = 0
    named: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    suspended_now: tuple[str, ...] = ()


AnyFacts = Facts | AlarmFacts

_ADDRESSES = frozenset({"email", "phone", "settled"})


def facts_told(facts: AnyFacts) -> dict[str, Any]:
    """The facts by the names that templates know; addresses are for channels alone."""
    names = (each.name for each in fields(facts))
    return {name: getattr(facts, name) for name in names if name not in _ADDRESSES}


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


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
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


LANGUAGES = ("zh_CN", "en")
"""Those that the templates are shipped in; a customer in doubt reads the first one first."""


class Entry(NamedTuple):
    """To whom a notice goes, `customer`, `desk`, or `phone` (who calls reads it out); and when."""

    to: str
    when: str


NOTICES: dict[str, Entry] = {
    "violation_found": Entry("customer", "a violation is logged"),
    "suspended": Entry("customer", "the site is suspended until a time (R2)"),
    "suspended_held": Entry("customer", "the site is held by order until the hold is lifted"),
    "reopened": Entry("customer", "the site is open again"),
    "closed": Entry("customer", "the site is closed (R1, R3, R4, R5)"),
    "recheck": Entry("customer", "the desk will check again; only a person sends it"),
    "call_script": Entry("phone", "an operator calls the customer"),
    "call_task": Entry("desk", "the customer must be called about the closure"),
    "alarm": Entry("desk", "a clock lapsed with too few attempts: the site is not suspended"),
    "alarm_daemon_silent": Entry("desk", "no daemon enforces deadlines"),
    "alarm_halted": Entry("desk", "all orders of a database are stopped"),
    "alarm_mark_unread": Entry("desk", "a daemon cannot read its mark and carries out no orders"),
    "alarm_entries_lost": Entry("desk", "the record has lost its latest entries"),
    "alarm_server_changed": Entry("desk", "another database server has taken over"),
    "alarm_sites_uncompared": Entry("desk", "sites could not be compared with their actual state"),
    "alarm_sites_left_down": Entry(
        "desk", "sites are down for reasons perhaps lost with the record"
    ),
    "alarm_log_unsigned": Entry("desk", "new entries are not signed"),
    "alarm_brake_on": Entry(
        "desk", "too many sites are ordered down in a short time: the rest wait"
    ),
    "alarm_order_dead": Entry("desk", "an order became a dead letter"),
    "alarm_clock_about_to_lapse": Entry("desk", "a contact deadline ends soon"),
    "alarm_closure_waits": Entry("desk", "a closure needs a second person"),
    "alarm_closure_disputed": Entry("desk", "the record no longer supports a closure"),
    "alarm_report_due": Entry("desk", "an incident is due for police report"),
    "alarm_filing_due": Entry("desk", "filing deadlines are near or overdue"),
}
