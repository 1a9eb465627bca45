"""The documents about what the desk must do now: the queue and the duty to report."""

from __future__ import annotations

from typing_extensions import TypedDict

from incidents.contract.documents import Hint, Open
from incidents.contract.documents.actions import Acted
from incidents.contract.documents.enforcement import Enforcement
from incidents.contract.documents.orders import OrdersNotDone
from incidents.contract.documents.sites import IncidentState, InForce, SiteState


class ToClose(TypedDict):
    """The grounds for closing a site once a second person confirms: an incident (R5), or a filed
    detail (R4)."""

    rule: str
    incident: str | None
    field: str | None


class Closing(ToClose):
    """A closure that waits for a second person, and who requested it."""

    by: str


class QueueItem(TypedDict):
    """Something that must be done. `about` are its incidents, `unsettled` those that can still be
    said to be removed or still there; `filing` is what of a filing it is about, as codes.

    `left_s` are the seconds until it is due; `attempts` the contacts on record; `site_down`: it is
    suspended or closed. Of a closure, `withheld` says that it is not in force; `closing` waits for
    a second person, and `to_close` is what this item would close it for.
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
    """Something that must be done, with the command lines of its hints, the likeliest `next`."""

    next: str
    commands: list[str]


class Duty(Open):
    """An incident to report to the police; `left_s` are the seconds until the deadline."""

    incident: str
    site: str
    state: IncidentState
    category: str | None
    recorded_at: str
    due: str
    overdue: bool
    left_s: int


class DutySummary(TypedDict):
    """How many incidents are still to be reported in time (`due`) and how many are `overdue`, each
    at most 1,000 (`capped`); the first deadline and its incident; the seconds that one has."""

    due: int
    overdue: int
    capped: bool
    first: str | None
    first_incident: str | None
    within_s: int


class QueuePage(TypedDict):
    """A page of what must be done, the most urgent first, and whether anything enforces the clock;
    `next_after` is where the next page begins."""

    items: list[QueueItem]
    more: bool
    next_after: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: Enforcement
    acts: OrdersNotDone
    report: DutySummary | None


class Queue(TypedDict):
    """What must be done, the most urgent first, and whether anything enforces the clock."""

    items: list[Item]
    more: bool
    next: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: Enforcement
    acts: OrdersNotDone
    report: DutySummary | None


class Held(TypedDict):
    """An item of the queue that somebody has claimed, since when, and its deadline."""

    id: str
    by: str
    since: str
    site: str
    kind: str
    incident: str | None
    due: str | None


class Holder(TypedDict):
    """Somebody who has claimed `total` items of the queue, with the first of them."""

    by: str
    total: int
    items: list[Held]


class HandedOver(TypedDict):
    """What was handed over, site by site."""

    items: list[Acted]


class Duties(TypedDict):
    """The incidents to report to the police, the longest overdue first; null: reminders are off."""

    items: list[Duty]
    summary: DutySummary | None
