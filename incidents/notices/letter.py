"""The letter: a notice in its final wording, and the channels that can send it.

A template can only use the facts, by their names.
"""

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
"""The maximum number of incidents in a notice, and of addresses for each; a notice only counts the
rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An incident in a notice; `more`: the number of addresses not in `urls`."""

    id: str
    occurred_at: datetime
    recorded_at: datetime
    category: str | None = None
    urls: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about a site, for one order or one incident.

    `reference`: the reference for the customer to quote. `at`: when the measure was carried out, if
    known, otherwise when it was ordered. `state`: the incident's state; `site_state`: the site's
    present actual state, if known. `findings`: the incidents in the notice; `findings_more`: the
    number of further incidents. `contact_due`: null if no contact clock runs or has lapsed (R2);
    `removal_due`: null if no removal deadline runs (R5). `until`: null if no timer will open the
    site. `stays_down`: the timer will not open the site, because of a hold, a closure or a loss;
    for a hold: the site was down before. `outlasts`: the hold outlasts a suspension whose end the
    customer knows. `miss_closes`: the next missed contact closes the site (R3). `miss_acts`: the
    site is open, or will be by the contact deadline, so that a miss suspends or closes the site.
    `attempts`: the number of attempts by the deadline; for an alarm, `needed` is the required
    number. For a closure, `needed` and `within`: the policy's numbers that applied; `total`: all
    cases counted (R3); `false_field`: the false detail (R4); `withheld`: the closure is not carried
    out, because the brake holds the order or somebody cancelled it; `disputed`: the grounds no
    longer hold. `cause` of a reopening: the suspension ended (`ended`), a correction (`struck`),
    any other cause (`other`), or `never_down`: the customer was told that the site is down, but it
    was not. `opening`: the reopening is ordered, but not carried out. `settled`: the notice is no
    longer needed.

    `person`, `email` and `phone`: the responsible person's contact details on record.
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
    miss_acts: bool = False
    attempts: int = 0
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
    """The facts of an alarm to the desk, by its kind; `since` is when the problem began.

    `host` and `database`: the source of the alarm. `halted_since`: the time since which the
    database, which might be a copy, carries out no orders; null if it does. `daemon_silent`: when
    the daemon was last seen (`since`; null: never), the number of `overdue` sites, and another
    `daemon` that still enforces the clock (null if none does). `sites_uncompared`: the number of
    `sites` whose actual state could not be compared, the first names (`named`), and the reason
    (`problem`). `sites_left_down`: the number of `sites`; how many of these are actually closed
    (`closed`), or in an unknown state (`unknown`), and how many of the latter were added since the
    loss (`new`); the first names (`named`) with the actual `states`; and the sites that are
    suspended on record as well (`suspended_now`). `brake_on`: the number of `orders` that wait for
    a supervisor. `rules_unowned`: the rules (`named`) whose owners may not settle reports.
    `rules_braked`: the number of `reports` that wait because an intake rule logged as
    many as it may, and when the oldest came in (`since`). `reports_untriaged`: the number of
    `reports` from outside that have waited too long for triage, and when the oldest came in
    (`since`). `halted`, `entries_lost`,
    `server_changed`: `halted_why` is `unknown_server`, `lost_again`, or null if only the log has
    the reason. `mark_unread`: the `daemon` that carries out no orders, and the `problem`.
    `log_unsigned`: the time since which entries wait for a signature. `order_dead`: the order, its
    kind, the problem, and the attempts.
    `clock_about_to_lapse`: the incident, `due`, whether the miss closes the site, and the
    `attempts`, if the policy requires any. `closure_waits`: the rule, and for R5 the incident.
    `closure_disputed`: the rule. `report_due`: the incident, and the deadline of its report (the 24
    hours of article 10). `filing_due`: the number of `terms` in today's reminder, and how many of
    them are `overdue`.
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
    reports: int = 0
    sites: int = 0
    closed: int = 0
    unknown: int = 0
    new: int = 0
    named: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    suspended_now: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a report was dismissed, in the words of the desk."""

    report: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterFacts:
    """The facts of a mail to a reporter, who learns nothing of the customer.

    `reference`: the report, such as `r17`. `others`: the other reports of the same mail, and
    `more`: the number of those that are not named. `reasons`: of a report that was dismissed, what
    the desk writes about it.
    """

    reference: str
    at: datetime
    others: tuple[str, ...] = ()
    more: int = 0
    reasons: tuple[Reason, ...] = ()

    @property
    def count(self) -> int:
        """The number of reports that the mail is about."""
        return 1 + len(self.others) + self.more


AnyFacts = Facts | AlarmFacts | ReporterFacts

_ADDRESSES = frozenset({"email", "phone", "settled"})


def template_facts(facts: AnyFacts) -> dict[str, Any]:
    """The facts by their names in templates, without addresses, which only channels need."""
    names = (each.name for each in fields(facts))
    return {name: getattr(facts, name) for name in names if name not in _ADDRESSES}


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


LANGUAGES = ("zh_CN", "en")
"""The languages of the built-in templates; letters begin with the first language."""


class NoticeType(NamedTuple):
    """The recipient of a notice (`customer`, `desk`, `reporter`, or `phone`: to read out).

    `when` is its occasion.
    """

    to: str
    when: str


NOTICES: dict[str, NoticeType] = {
    "violation_found": NoticeType("customer", "a violation is logged"),
    "suspended": NoticeType("customer", "the site is suspended until a time (R2)"),
    "suspended_held": NoticeType("customer", "the site is held by order until the hold is lifted"),
    "reopened": NoticeType("customer", "the site is open again"),
    "closed": NoticeType("customer", "the site is closed (R1, R3, R4, R5)"),
    "recheck": NoticeType("customer", "the desk will check again; only a person sends it"),
    "call_script": NoticeType("phone", "an operator calls the customer"),
    "call_task": NoticeType("desk", "the customer must be called about the closure"),
    "alarm": NoticeType("desk", "a clock lapsed with too few attempts: the site is not suspended"),
    "alarm_daemon_silent": NoticeType("desk", "no daemon is enforcing the deadlines"),
    "alarm_halted": NoticeType("desk", "no orders are being carried out"),
    "alarm_mark_unread": NoticeType(
        "desk", "a daemon cannot read its mark and is not carrying out orders"
    ),
    "alarm_entries_lost": NoticeType("desk", "the record lost its latest entries"),
    "alarm_server_changed": NoticeType("desk", "another database server took over"),
    "alarm_sites_uncompared": NoticeType("desk", "the actual state of sites is not checked"),
    "alarm_sites_left_down": NoticeType(
        "desk", "sites are down for reasons perhaps lost with the record"
    ),
    "alarm_rules_unowned": NoticeType(
        "desk", "intake rules do nothing: their owners may not settle reports"
    ),
    "alarm_rules_braked": NoticeType(
        "desk", "intake rules have logged as many reports as they may: others wait"
    ),
    "alarm_reports_untriaged": NoticeType("desk", "reports are waiting too long for triage"),
    "alarm_log_unsigned": NoticeType("desk", "new entries are not being signed"),
    "alarm_brake_on": NoticeType(
        "desk", "the brake is on: closures or suspensions wait for a supervisor"
    ),
    "alarm_order_dead": NoticeType("desk", "an order became a dead letter"),
    "alarm_clock_about_to_lapse": NoticeType("desk", "a contact deadline ends soon"),
    "alarm_closure_waits": NoticeType("desk", "a closure request is waiting for a second person"),
    "alarm_closure_disputed": NoticeType("desk", "the record no longer supports a closure"),
    "alarm_report_due": NoticeType("desk", "an incident is due for police report"),
    "alarm_filing_due": NoticeType("desk", "filing deadlines are near or overdue"),
    "report_receipt": NoticeType("reporter", "a report came in"),
    "report_acted": NoticeType("reporter", "a report was logged, or joined an incident"),
    "report_dismissed": NoticeType("reporter", "a report was dismissed"),
    "report_not_ours": NoticeType("reporter", "a report was dismissed as not ours"),
    "report_explained": NoticeType("reporter", "a report was dismissed, and they get the reason"),
    "report_ended": NoticeType("reporter", "an incident of a report ended"),
}
