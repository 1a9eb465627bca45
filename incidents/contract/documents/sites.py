"""The documents about sites and their incidents: state, reasons, and the result of an act."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Hint

SiteState = Literal["active", "suspended", "closed"]
InForce = Literal["active", "suspended", "closed", "unknown"]
IncidentState = Literal["open", "notified", "unreached", "removed", "refused", "voided", "moot"]


class Site(TypedDict):
    """A site in its current state. `run` counts misses as the active policy does (R3); `in_force`
    is its actual state; `asked_by` requested what waits for a second person, its closure or its
    reinstatement."""

    id: int
    site: str
    state: SiteState
    in_force: InForce
    rule: str | None
    suspended_until: str | None
    run: int
    disputed: bool
    held: bool
    closed_at: str | None
    next_due: str | None
    phone: str | None
    email: str | None
    person: str | None
    # An answer that was kept for a key before it was told has none.
    asked_by: NotRequired[str | None]


class Contact(TypedDict):
    """A call or message about an incident."""

    id: str
    outcome: str
    occurred_at: str
    recorded_at: str
    by: str
    voided: bool
    in_time: bool
    note: str | None


class Evidence(TypedDict):
    """An attached file, by its SHA-256 (hexadecimal) and its size in bytes."""

    digest: str
    size: int
    name: str | None
    recorded_at: str
    by: str


class Note(TypedDict):
    """What was written about an incident, for the desk or for the customer; null: erased."""

    audience: str
    text: str | None
    recorded_at: str
    by: str


class Incident(TypedDict):
    """An incident in its current state. `urls` are in the form in which they are compared,
    `urls_written` as they were written: empty if that is the same."""

    id: str
    site: str
    state: IncidentState
    occurred_at: str
    recorded_at: str
    contact_due: str | None
    removal_due: str | None
    reported_at: str | None
    removal_said_at: str | None
    # An answer that was kept for a key before they could be has none.
    links_revoked: NotRequired[int]
    by: str
    category: str | None
    note: str | None
    urls: list[str]
    # An answer that was kept for a key before they were has none.
    urls_written: NotRequired[list[str]]
    recurs: str | None
    corrections: int
    contacts: list[Contact]
    evidence: list[Evidence]
    # An answer that was kept for a key when there were no notes has none.
    notes: NotRequired[list[Note]]


class Case(TypedDict):
    """A case of nobody being reached (R2, R3). `until` is null for the one that closed the site
    instead of a suspension; `ended_at` is null while it runs."""

    n: int
    incident: str
    due: str
    made_at: str
    until: str | None
    ended_at: str | None
    struck: bool
    closed: bool
    epoch: int


class Hold(TypedDict):
    """A hold, or a request for reinstatement: since when, by whom, why."""

    by: str
    at: str
    reason: str | None


class ClosureRequest(TypedDict):
    """A closure on one person's word that waits for a second: who requested it, when, under which
    rule, and for what, an incident (R5) or a filed detail (R4)."""

    by: str
    at: str
    rule: str
    incident: str | None
    field: str | None
    reason: str | None


class Closure(TypedDict):
    """The rule that closed a site, and its facts."""

    rule: str
    at: str
    incidents: list[str]
    needed: int
    policy: str
    upheld_at: int | None


class Task(TypedDict):
    """A task of the desk; `filing` has its facts: a day, a detail and a finding, or the problems of
    the footer."""

    id: str
    kind: str
    incidents: list[str]
    filing: list[str]
    opened_at: str


class SiteInFull(Site):
    """A site with everything that waits, and its newest incidents, out of `incidents_total`."""

    seq: int
    overdue: bool
    left_down_since: str | None
    stays_down: bool
    hold: Hold | None
    closure: Closure | None
    reinstatement: Hold | None
    closure_request: ClosureRequest | None
    tasks: list[Task]
    incidents: list[Incident]
    incidents_total: int


class IncidentOfSite(Incident):
    """An incident with its site."""

    lapsed_at: str | None
    suspension: int | None
    site_seq: int
    site_document: Site


class IncidentInFull(IncidentOfSite):
    """An incident with its site. `report_due`: the deadline to report it to the police."""

    report_due: str | None


class Line(TypedDict):
    """A line of a timeline; `said` is what a person wrote, `audience` for whom, of a note."""

    at: str
    recorded_at: str
    by: str
    login: str | None
    words: str
    said: str | None
    kind: str
    rule: str | None
    incident: str | None
    audience: str | None
    seq: int


class Due(TypedDict):
    """What falls due next."""

    due: str
    overdue: bool
    what: str


class Explanation(TypedDict):
    """Why a site is in its state: `text` are lines to read, `timeline` the latest entries
    (`timeline_untold` earlier ones are left out), `would_change` and `hints` what people can do."""

    site: Site
    seq: int
    text: list[str]
    timeline: list[Line]
    timeline_untold: int
    next: Due | None
    would_change: list[str]
    hints: list[Hint]


class ExplanationParts(TypedDict):
    """An explanation in parts for a page. `grounds` are its lines; one that begins with a blank
    belongs to the line before."""

    grounds: list[str]
    timeline: list[Line]
    timeline_untold: int
    next: Due | None
    would_change: list[str]


class Why(Explanation):
    """Why a site is in its state, in plain words."""

    commands: list[str]


class SitePage(TypedDict):
    """Some sites; `next` is the cursor of those that follow."""

    items: list[Site]
    next: str | None


class IncidentPage(TypedDict):
    """Some incidents; `next` is the cursor of those that follow."""

    items: list[Incident]
    next: str | None


class LinePage(TypedDict):
    """Some lines of a timeline; `next` is the cursor of those that follow."""

    items: list[Line]
    next: str | None


class Found(TypedDict):
    """The first matching sites and incidents; `next` continues in their lists."""

    sites: SitePage
    incidents: IncidentPage


class Link(TypedDict):
    """The address of the customer's page of an incident, and its expiry."""

    incident: str
    link: str
    until: str
