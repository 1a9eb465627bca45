"""The documents about the desk's work: the queue and the duty to report."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Hint, Open
from incidents.contract.documents.actions import Acted
from incidents.contract.documents.enforcement import Enforcement
from incidents.contract.documents.orders import OrdersNotDone
from incidents.contract.documents.sites import IncidentState, InForce, SiteState

Consequence = Literal["suspends", "closes", "alarms"]


class ToClose(TypedDict):
    """The grounds on which a second person can close a site.

    The grounds are an incident (R5) or a filed detail (R4).
    """

    rule: str
    incident: str | None
    field: str | None


class Closing(ToClose):
    """A closure that waits for a second person; `by` is the person who requested it."""

    by: str


class Attempt(TypedDict):
    """A contact on record: when it happened, its outcome, and who recorded it."""

    at: str
    outcome: str
    by: str


class QueueItem(TypedDict):
    """An item of the queue.

    `about`: the incidents of the item. `unsettled`: the incidents that can be recorded as removed
    or as still online. `filing`: the details of a filing that the item concerns, as codes.

    `report_received_at`: when the first report came in that led to the incident, if one did.
    `left_s`: the seconds until the item is due. `attempts`: the number of contacts on record, and
    `last_attempt` the latest of them.
    `consequence`: what happens after the deadline if nobody is reached (`suspends`, `closes`, or
    after too few attempts only `alarms`) or nothing is deleted (`closes`; null: nothing), and
    `suspends_s`: for how many seconds a miss suspends the site.
    `site_down`: whether the site is suspended or closed. `withheld`: whether the closure that the
    item concerns is not in force. `closing`: the closure that waits for a second person.
    `to_close`: the grounds on which the item can close the site.
    """

    id: str
    kind: str
    site: str
    state: SiteState
    in_force: InForce
    rule: str | None
    incident: str | None
    about: list[str]
    about_states: list[str | None]
    unsettled: list[str]
    filing: list[str]
    due: str | None
    overdue: bool
    left_s: int | None
    recorded_at: str
    report_received_at: str | None
    claimed_by: str | None
    claimed_at: str | None
    phone: str | None
    person: str | None
    email: str | None
    urls: list[str]
    urls_total: int
    category: str | None
    note: str | None
    said_gone: bool
    remark: str | None
    attempts: int
    last_attempt: Attempt | None
    consequence: Consequence | None
    suspends_s: int | None
    site_down: bool
    held: bool
    withheld: bool
    asked_by: str | None
    closing: Closing | None
    to_close: ToClose | None
    warning: str | None
    say: str
    hints: list[Hint]


class Item(QueueItem):
    """An item of the queue, with the command lines of its hints.

    `next` is the likeliest of the command lines.
    """

    next: str
    commands: list[str]


class Duty(Open):
    """An incident to report to the police; `left_s` is the number of seconds until the deadline."""

    incident: str
    site: str
    state: IncidentState
    category: str | None
    recorded_at: str
    due: str
    overdue: bool
    left_s: int


class DutySummary(TypedDict):
    """A summary of the incidents to report to the police.

    `due`: the number of incidents whose deadline is still ahead. `overdue`: the number of incidents
    whose deadline has passed. Each number is at most 1,000 (`capped`). `first`: the earliest
    deadline; `first_incident`: its incident. `within_s`: the time limit for a report, in seconds.
    """

    due: int
    overdue: int
    capped: bool
    first: str | None
    first_incident: str | None
    within_s: int


Urgency = Literal["urgent", "trusted", "usual", "last"]
"""How soon a report from outside is to be looked at: see `store.reports.rank`."""


class WaitingFinding(TypedDict):
    """The reports from outside of one finding, which wait for triage.

    `id`: the report to begin with, such as `r17`. `reports`: the number of reports that name the
    same `host`; null if the report names none, but perhaps an IP `address`. `site`: the one here
    that it seems to be about. `received_at`: when the oldest of the reports came in, and `due` when
    the desk is alarmed: of a report that was opened again, by the time of that. `left_s`: the
    seconds until then.
    """

    id: str
    reports: int
    host: str | None
    address: str | None
    site: str | None
    category: str | None
    urgency: Urgency
    received_at: str
    due: str | None
    overdue: bool
    left_s: int | None


class ReportsWaiting(TypedDict):
    """The reports from outside that wait for triage: the most urgent findings.

    `waiting`: the number of reports, at most 1,000 (`capped`). `more`: there are further findings.
    """

    items: list[WaitingFinding]
    waiting: int
    capped: bool
    more: bool


class QueuePage(TypedDict):
    """A page of the queue, most urgent first, and whether the deadlines are enforced.

    `next_after`: where the next page begins. `reports`: the reports from outside that wait for
    triage; null for a page of a filter, and for all pages but the first.
    """

    items: list[QueueItem]
    more: bool
    next_after: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: Enforcement
    acts: OrdersNotDone
    report: DutySummary | None
    reports: NotRequired[ReportsWaiting | None]


class Queue(TypedDict):
    """The queue, most urgent first, and whether the deadlines are enforced.

    `reports`: the reports from outside that wait for triage; null for a page of a filter, and for
    all pages but the first.
    """

    items: list[Item]
    more: bool
    next: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: Enforcement
    acts: OrdersNotDone
    report: DutySummary | None
    reports: NotRequired[ReportsWaiting | None]


class Held(TypedDict):
    """An item of the queue that somebody has claimed.

    `since`: when the item was claimed. `due`: its deadline.
    """

    id: str
    by: str
    since: str
    site: str
    kind: str
    incident: str | None
    due: str | None


class Holder(TypedDict):
    """A person who has claimed `total` items of the queue, with the first of these items."""

    by: str
    total: int
    items: list[Held]


class HandedOver(TypedDict):
    """The items that were handed over, site by site."""

    items: list[Acted]


class Duties(TypedDict):
    """The incidents to report to the police, longest overdue first.

    `summary` is null if reminders are off.
    """

    items: list[Duty]
    summary: DutySummary | None


class DutyPage(Duties):
    """A page of incidents to report to the police; `next` is the cursor of the following page."""

    next: str | None
