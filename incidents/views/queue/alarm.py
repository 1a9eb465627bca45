"""The alarm: one fact that the desk must know, with a key that lasts as long as its cause.

The causes of alarms are read with one statement for each kind, by an index and up to a limit. A
warning is shown above the queue to everybody who opens it, the worst first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from incidents.store.inbox import reports as report_states
from incidents.store.schema.desk_tables import filing_terms
from incidents.store.schema.log_tables import braked, deliveries, given_up
from incidents.store.schema.report_tables import reports
from incidents.store.schema.tables import sites, work
from incidents.store.schema.types import words
from incidents.values.ids import ACT
from incidents.views.queue.queue_page import IN_ORDER

if TYPE_CHECKING:
    from incidents.contract.documents.queue import DutySummary, QueuePage


SILENT, DEAD, LAPSING = "daemon_silent", "order_dead", "clock_about_to_lapse"
WAITING, DISPUTED, REPORT = "closure_waits", "closure_disputed", "report_due"
FILING, BRAKE, UNTRIAGED = "filing_due", "brake_on", "reports_untriaged"
HALTED, LOST, MOVED, UNSIGNED = "halted", "entries_lost", "server_changed", "log_unsigned"
LEFT_DOWN, MARK_UNREAD = "sites_left_down", "mark_unread"
UNCOMPARED, RULES_BRAKED, RULES_UNOWNED = "sites_uncompared", "rules_braked", "rules_unowned"
KINDS = (
    SILENT, HALTED, MARK_UNREAD, LOST, MOVED, UNCOMPARED, LEFT_DOWN, BRAKE, LAPSING, WAITING,
    DEAD, RULES_UNOWNED, RULES_BRAKED, UNTRIAGED, UNSIGNED, DISPUTED, REPORT, FILING,
)  # fmt: skip
"""The kinds of alarms, most urgent first."""

INBOX = "inbox"
"""The subject of the alarms about reports from outside."""

EVERYBODY = "all"
"""The subject of alarms about the whole database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A fact that the desk must know now. Times are in UTC; a field that does not apply is None.

    `since`: when the cause of the alarm began, if known.

    - `daemon_silent`: the `daemon`, None if no daemon is left; the number of `overdue` sites.
    - `order_dead`: the order, its kind, the problem and the number of attempts.
    - `clock_about_to_lapse`: the incident, its `due` time, and whether the miss closes the site
      (R3).
    - `closure_waits`: the rule, and the incident for R5.
    - `closure_disputed`: the rule.
    - `report_due`: the incident, its deadline (`due`), and whether that has passed (`late`).
    - `filing_due`: one alarm for all terms with a reminder on the same day, which is the subject:
      the number of terms (`terms`), and how many of them are over (`overdue`).
    - `reports_untriaged`: one alarm for all `reports` from outside that have waited for triage for
      longer than the setting allows. `since`: when the oldest of them came in.
    - `rules_braked`: one alarm for all `reports` that wait for the desk because an intake rule has
      logged as many as it may. `since`: when the oldest of them came in.
    - `rules_unowned`: one alarm for all intake rules that do nothing, because their owners may not
      settle reports; the rules are `named`.
    - `brake_on`: one alarm for all `orders` that wait for a supervisor, because too many sites were
      taken down at once.
    - `halted`: no orders are carried out until a person resumes; the reason (`halted_why`).
    - `mark_unread`: a `daemon` carries out no orders, because it cannot read its mark; the
      `problem`.
    - `entries_lost`: the record has lost its latest entries, and nobody has acknowledged the loss
      on record.
    - `server_changed`: another server has taken over, and nothing is known to be missing.
    - `sites_uncompared`: the number of `sites` whose actual state could not be compared for a
      minute or longer, the first `named`, and the reason (`problem`). Until these sites are
      compared, no clock suspends them, and nothing opens them.
    - `sites_left_down`: the number of `sites` that are down, or may be, though nothing on record
      keeps them down. The first sites are `named`, with their actual `states`; `suspended_now`
      names those that are also suspended on record, and stay down after the suspension. Also how
      many sites are actually `closed`, how many are `unknown`, and how many of the unknown sites
      were added since the loss (`new`). `since`: when the reason may have been lost. A new site on
      the list raises the alarm again.
    - `log_unsigned`: a signing was refused or failed, or entries wait where a daemon signed before.
    """

    kind: str
    subject: str
    site: str | None = None
    since: datetime | None = None
    due: datetime | None = None
    incident: str | None = None
    order: str | None = None
    order_kind: str | None = None
    problem: str | None = None
    attempts: int | None = None
    rule: str | None = None
    daemon: str | None = None
    halted_why: str | None = None
    overdue: int = 0
    miss_closes: bool = False
    late: bool = False
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

    @property
    def key(self) -> str:
        """The key, which stays the same while the cause lasts: `clock_about_to_lapse:12-3`."""
        return f"{self.kind}:{self.subject}"

    def is_sent_by_copy(self, halted_since: datetime) -> bool:
        """Whether a database that has been halted since `halted_since` (UTC) sends the alarm.

        The database may be a copy, so it sends alarms about the database itself, and alarms whose
        cause began later. The original sends all other alarms.
        """
        if self.subject == EVERYBODY:
            return True
        return self.since is not None and self.since >= halted_since


MAX_ALARMS = 500
"""The maximum number of alarms of a kind."""

MAX_REPORTS = 2_000
"""The maximum number of waiting reports, the newest, to search for those that the brake stopped."""

MAX_DUE = 2_000
"""The maximum number of items due soon to search for contact clocks."""

# Limits are literals: PostgreSQL would choose another plan for a bound limit (see `views.health`).
# The names of sites are joined after the limit.

_one_more: ColumnElement[int] = literal_column(str(MAX_ALARMS + 1))
_most_reports: ColumnElement[int] = literal_column(str(MAX_REPORTS))
_most_due: ColumnElement[int] = literal_column(str(MAX_DUE))


def due_between(first: datetime, last: datetime) -> Select[Any]:
    """The items of every kind due from `first` to `last` (UTC), with the states of their sites."""
    own = (
        work.c.site_id, work.c.item, work.c.kind, work.c.incident, work.c.due, work.c.recorded_at
    )  # fmt: skip
    soon = (
        select(*own, work.c.sort_due)
        .where(work.c.sort_due >= first, work.c.sort_due <= last)
        .order_by(*IN_ORDER)
        .limit(_most_due)
        .subquery("soon")
    )
    of_site = (
        sites.c.name, sites.c.state, sites.c.suspended_until, sites.c.epoch,
        sites.c.last_suspension,
    )  # fmt: skip
    joined = soon.join(sites, sites.c.id == soon.c.site_id)
    ordered = (soon.c.sort_due, soon.c.recorded_at, soon.c.site_id, soon.c.item)
    return select(soon, *of_site).select_from(joined).order_by(*ordered)


def _given_up() -> Select[Any]:
    of = deliveries.c
    own = (of.since, of.site_id, of.site_seq, of.lane, of.kind, of.attempts, of.problem)
    # In the order of the index: in another, all rows would be sorted to find the first.
    listed = select(*own).where(given_up).order_by(of.since, of.site_id)
    first = listed.limit(_one_more).subquery("first")
    joined = first.join(sites, sites.c.id == first.c.site_id)
    ordered = (first.c.since, first.c.site_id, first.c.site_seq, first.c.lane)
    return select(first, sites.c.name).select_from(joined).order_by(*ordered)


def _first_of(kind: str, *of_site: ColumnElement[Any]) -> Select[Any]:
    """The items of one kind that has a separate index, earliest first."""
    first = (
        select(work.c.site_id, work.c.recorded_at)
        .where(work.c.kind == words(kind)[0])
        .order_by(work.c.recorded_at, work.c.site_id)
        .limit(_one_more)
        .subquery("first")
    )
    joined = first.join(sites, sites.c.id == first.c.site_id)
    ordered = (first.c.recorded_at, first.c.site_id)
    return select(first, sites.c.name, *of_site).select_from(joined).order_by(*ordered)


DEAD_ORDERS = _given_up()
"""The orders that were given up, in every lane."""

BRAKED_ORDERS = (
    select(func.count().label("orders"), func.min(deliveries.c.since).label("since"))
    .where(braked, deliveries.c.lane == words(ACT)[0])
)  # fmt: skip
"""The number of orders to the live system that the brake holds, and since when it holds any."""

# The oldest of each state, by the index on states: a flood of newer ones is not read.
_oldest_reports = union_all(
    *(
        select(
            select(reports.c.received_at)
            .where(reports.c.state == words(state)[0])
            .order_by(reports.c.id)
            .limit(_one_more)
            .subquery(state)
        )
        for state in report_states.WAITING
    )
).subquery("oldest_reports")
UNTRIAGED_REPORTS = select(
    func.count().label("reports"), func.min(_oldest_reports.c.received_at).label("since")
).where(_oldest_reports.c.received_at <= bindparam("before", type_=reports.c.received_at.type))
"""The reports from outside that came in `before` and wait for triage, and since when any does."""

# By the index on states: without a limit, a flood that waits would be read each time.
_newest_reports = (
    select(reports.c.received_at, reports.c.asks)
    .where(reports.c.state == words(report_states.NEW)[0])
    .order_by(reports.c.id.desc())
    .limit(_most_reports)
    .subquery("newest_reports")
)
BRAKED_REPORTS = select(
    func.count().label("reports"), func.min(_newest_reports.c.received_at).label("since")
).where(_newest_reports.c.asks == words(report_states.BRAKE)[0])
"""The reports that wait because the brake stopped their rule, and when the oldest came in."""

CLOSURES_WAITING = _first_of("closure", sites.c.closing_incident)
"""The closures that wait for a second person, and the incident for R5."""

CLOSURES_DISPUTED = _first_of("disputed", sites.c.rule)
"""The disputed closures, with their rules."""

_of = filing_terms.c
_open = sites.c.state != "closed"
_on_open_sites = filing_terms.join(sites, sites.c.id == _of.site_id)

LAST_REMINDED = (
    select(_of.reminded_on)
    .select_from(_on_open_sites)
    .where(_open, _of.reminded_on.is_not(None))
    .order_by(_of.reminded_on.desc())
    .limit(literal_column("1"))
)
"""The last day on which the desk was reminded of a term."""

TERMS_REMINDED = (
    select(func.count(), func.sum(case((_of.due_on < bindparam("day"), 1), else_=0)))
    .select_from(_on_open_sites)
    .where(_open, _of.reminded_on == bindparam("day"))
)
"""The number of terms with a reminder on that `day`, and how many of them were over then."""


WarningKind = Literal[
    "clock",
    "halted",
    "mark_unread",
    "lost",
    "moved",
    "uncompared",
    "left_down",
    "brake",
    "dead",
    "late",
    "logged",
    "unsigned",
    "unproved",
    "once",
    "report",
]
"""The kinds of warnings, most urgent first.

In this order: nothing enforces the clock; no orders are carried out until a person resumes; a
daemon carries out no orders, because it cannot read its mark; the record has lost its latest
entries; another server has taken over; sites cannot be compared; sites were left down; the brake
holds orders; orders were given up; orders are late; orders were only logged; nothing is signed; the
live system is being compared with the record; the clock is enforced only at intervals; a report to
the police is due (L.1).
"""

# Long enough for a shift that begins to handle it.
_SOON = timedelta(hours=6)
_ALARMS = frozenset(get_args(WarningKind)) - {"unproved", "once", "report"}


class QueueWarning(NamedTuple):
    """A warning, with the part of the queue's document that has its facts."""

    kind: WarningKind
    facts: Mapping[str, Any]

    @property
    def is_alarm(self) -> bool:
        """Whether somebody must act on the warning now."""
        return self.kind in _ALARMS


def warnings_of(queue: QueuePage, now: datetime) -> list[QueueWarning]:
    """The warnings for a page of the queue, as `views.queue` returns it, at `now` (UTC)."""
    enforcement, acts, report = queue["enforcement"], queue["acts"], queue["report"]
    # An older server sends none of it.
    found: Mapping[str, Any] = enforcement
    history, unread = found.get("history") or {}, found.get("mark_unread")
    stands: dict[WarningKind, tuple[bool, Mapping[str, Any]]] = {
        "clock": (enforcement["enforced_by"] is None, enforcement),
        "halted": (history.get("halted_since") is not None, history),
        "mark_unread": (unread is not None, unread or {}),
        "lost": (history.get("lost_since") is not None, history),
        "moved": (history.get("moved_since") is not None, history),
        "uncompared": (history.get("uncompared") is not None, history),
        "left_down": (history.get("left_down") is not None, history),
        "brake": (acts["held"]["braked"] > 0, acts["held"]),
        "dead": (acts["dead"] > 0, acts),
        "late": (acts["late"]["late"] > 0, acts["late"]),
        # The field is present only if it is true.
        "logged": ("only_logged" in acts, acts.get("only_logged", {})),
        "unsigned": (history.get("unsigned_since") is not None, history),
        "unproved": (history.get("unproved_since") is not None, history),
        "once": (enforcement["enforced_by"] == "once", enforcement),
        "report": (_is_soon(report, now), report or {}),
    }
    return [QueueWarning(kind, facts) for kind, (is_so, facts) in stands.items() if is_so]


def _is_soon(report: DutySummary | None, now: datetime) -> bool:
    first = None if report is None else report["first"]
    return first is not None and datetime.fromisoformat(first) - now <= _SOON
