"""The facts: what a notice can tell, as values; the templates know no other names.

All times are aware and in UTC; the wording shows them in a zone. Sites are named as people read
them, incidents by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

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


def told(facts: AnyFacts) -> dict[str, Any]:
    """The facts by the names that templates know; addresses are for channels alone."""
    names = (each.name for each in fields(facts))
    return {name: getattr(facts, name) for name in names if name not in _ADDRESSES}
