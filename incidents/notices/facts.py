"""The facts that fill a template, which can use only these, by their names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from incidents.machine.policy import DOCUMENTED, Policy

MAX_FINDINGS = 20
"""The maximum number of incidents in a notice, which only counts the rest."""

MAX_URLS = 10
"""The maximum number of addresses of each incident in a notice, which only counts the rest."""


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
    the desk writes about it. `corrected`: the reports of which an earlier mail said that they had
    ended otherwise.
    """

    reference: str
    at: datetime
    others: tuple[str, ...] = ()
    more: int = 0
    reasons: tuple[Reason, ...] = ()
    corrected: tuple[str, ...] = ()

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
