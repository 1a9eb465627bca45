"""The documents about sites and their incidents."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Hint

SiteState = Literal["active", "suspended", "closed"]
InForce = Literal["active", "suspended", "closed", "unknown"]
Rule = Literal["repeat", "unreachable", "unreachable_run", "false_info", "refusal"]
IncidentState = Literal["open", "notified", "unreached", "removed", "refused", "voided", "moot"]


class Site(TypedDict):
    """A site in its current state.

    `run`: the number of misses in a row under the active policy (R3). `in_force`: the actual state.
    `asked_by`: the person who requested the closure or the reinstatement that waits for a second
    person.
    """

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
    """A note on an incident, for the desk or for the customer; an erased `text` is null."""

    audience: str
    text: str | None
    recorded_at: str
    by: str


class Incident(TypedDict):
    """An incident in its current state.

    `urls` are normalized for comparison. `urls_written` are the URLs as reported; the list is empty
    if both are the same.
    """

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
    """A case of nobody being reached in time (R2, R3).

    `until`: null if the case closed the site instead of suspending it. `ended_at`: null while the
    suspension lasts. `place` and `needed`: for the case that closed the site, its place in the run,
    and the number of cases that close a site; null for every other case.
    """

    n: int
    incident: str
    due: str
    made_at: str
    until: str | None
    ended_at: str | None
    struck: bool
    closed: bool
    place: int | None
    needed: int | None
    epoch: int


class Hold(TypedDict):
    """A hold, or a request for reinstatement: since when, by whom, and why."""

    by: str
    at: str
    reason: str | None


class ClosureRequest(TypedDict):
    """A request to close a site on one person's statement; it waits for a second person.

    The grounds are an incident (R5) or a filed detail (R4).
    """

    by: str
    at: str
    rule: str
    incident: str | None
    field: str | None
    reason: str | None


class Closure(TypedDict):
    """The closure of a site: the rule that closed it, and the facts."""

    rule: str
    at: str
    incidents: list[str]
    needed: int
    policy: str
    upheld_at: int | None


class Task(TypedDict):
    """A task of the desk.

    `filing`: the facts about the filing, such as a day, a detail and a finding, or the problems of
    the footer.
    """

    id: str
    kind: str
    incidents: list[str]
    filing: list[str]
    opened_at: str


class SiteInFull(Site):
    """A site with everything that is pending, and its newest incidents.

    `incidents_total`: the number of all incidents of the site.
    """

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


class FirstReport(TypedDict):
    """The first report from outside that led to an incident, and when it came in."""

    id: str
    received_at: str


class IncidentInFull(IncidentOfSite):
    """An incident with its site.

    `report_due`: the deadline for reporting the incident to the police. `first_report`: null if no
    report from outside led to the incident.
    """

    report_due: str | None
    first_report: NotRequired[FirstReport | None]


class Line(TypedDict):
    """A line of a timeline.

    `said`: the text that a person wrote. `audience`: for a note, the people who can read the note.
    """

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
    """The next action that falls due on a site."""

    due: str
    overdue: bool
    what: str


class Explanation(TypedDict):
    """The explanation of why a site is in its state.

    `text`: the explanation, line by line. `timeline`: the latest entries. `timeline_untold`: the
    number of earlier entries. `would_change` and `hints`: what people can do.
    """

    site: Site
    seq: int
    text: list[str]
    timeline: list[Line]
    timeline_untold: int
    next: Due | None
    would_change: list[str]
    hints: list[Hint]


class ExplanationParts(TypedDict):
    """An explanation in parts, for a page.

    `grounds`: the lines of the explanation; a line that begins with a space continues the line
    before. `proof`: lines about exact times and the policy, for a check of the decision.
    """

    grounds: list[str]
    proof: list[str]
    timeline: list[Line]
    timeline_untold: int
    next: Due | None
    would_change: list[str]


class Why(Explanation):
    """The explanation of a site's state, with the command lines of its hints."""

    commands: list[str]


class SitePage(TypedDict):
    """A page of sites; `next` is the cursor of the following page."""

    items: list[Site]
    next: str | None


class IncidentPage(TypedDict):
    """A page of incidents; `next` is the cursor of the following page."""

    items: list[Incident]
    next: str | None


class LinePage(TypedDict):
    """A page of a timeline; `next` is the cursor of the following page."""

    items: list[Line]
    next: str | None


class Found(TypedDict):
    """The first sites and incidents that match; `next` is the cursor of the following page."""

    sites: SitePage
    incidents: IncidentPage


class Link(TypedDict):
    """The URL of an incident's customer page, and when the link expires."""

    incident: str
    link: str
    until: str
