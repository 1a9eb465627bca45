"""The answers about sites and incidents: how they stand, why, and what an act came to."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from incidents.api.answers.accounts import Answer
from incidents.contract.documents import IncidentState, SiteState
from incidents.contract.hints import Hint


class Site(Answer):
    """A site as it stands. `run` counts misses as the active policy does (R3); `in_force` is how it
    stands in the world; `asked_by` asked for what waits for a second person, its closure or its
    reinstatement."""

    id: int
    site: str
    state: SiteState
    in_force: SiteState
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
    asked_by: str | None = None


class Contact(Answer):
    """A call or message about an incident."""

    id: str
    outcome: str
    occurred_at: str
    recorded_at: str
    by: str
    voided: bool
    in_time: bool
    note: str | None


class Evidence(Answer):
    """An attached file, by its SHA-256 (hexadecimal) and its size in bytes."""

    digest: str
    size: int
    name: str | None
    recorded_at: str
    by: str


class Note(Answer):
    """What was written about an incident, for the desk or for the customer; null: erased."""

    audience: str
    text: str | None
    recorded_at: str
    by: str


class Incident(Answer):
    """An incident as it stands. `urls` are in the form in which addresses are compared,
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
    links_revoked: int = 0
    by: str
    category: str | None
    note: str | None
    urls: list[str]
    # An answer that was kept for a key before they were has none.
    urls_written: list[str] = Field(default_factory=list)
    recurs: str | None
    corrections: int
    contacts: list[Contact]
    evidence: list[Evidence]
    # An answer that was kept for a key when there were no notes has none.
    notes: list[Note] = Field(default_factory=list)


class Event(BaseModel):
    """What has happened, with the fields of its kind beside these (docs/reference/entry.md)."""

    model_config = ConfigDict(extra="allow")

    seq: int
    kind: str
    occurred_at: str
    recorded_at: str
    by: str
    rule: str | None
    reason: Any
    policy: str
    run: int | None


class Remark(Answer):
    """What one should know of an act that took effect (docs/reference/refusals.md)."""

    name: str
    facts: dict[str, Any]


class Acted(Answer):
    """What an act came to. `events` begin with what had fallen due before it; `repeated`: it was
    done before, under this key, and this was the answer."""

    site: Site
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
    repeated: bool


class Hold(Answer):
    """Since when a site is kept down by order, or a reinstatement is asked for; by whom, why."""

    by: str
    at: str
    reason: str | None


class ClosureRequest(Answer):
    """A closure on one person's word that waits for a second: who asked, when, by which rule, and
    for what, an incident (R5) or a filed detail (R4)."""

    by: str
    at: str
    rule: str
    incident: str | None
    field: str | None
    reason: str | None


class Closure(Answer):
    """What has closed a site."""

    rule: str
    at: str
    incidents: list[str]
    needed: int
    policy: str
    upheld_at: int | None


class Task(Answer):
    """A task of the desk; `filing` is what of a filing it is about: a day, a detail and a finding,
    or what the foot of a page lacks."""

    id: str
    kind: str
    incidents: list[str]
    filing: list[str]
    opened_at: str


class SiteInFull(Site):
    """A site with all that waits, and its newest incidents, of `incidents_total`."""

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


class IncidentInFull(Incident):
    """An incident with its site. `report_due`: by when the police are to be told."""

    lapsed_at: str | None
    suspension: int | None
    site_seq: int
    site_document: Site
    report_due: str | None


class Line(Answer):
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


class Due(Answer):
    """What falls due next."""

    due: str
    overdue: bool
    what: str


class Why(Answer):
    """Why a site stands as it does, in plain words."""

    site: Site
    seq: int
    text: list[str]
    timeline: list[Line]
    timeline_untold: int
    next: Due | None
    would_change: list[str]
    commands: list[str]
    hints: list[Hint]


class SitePage(Answer):
    """Some sites; `next` is the cursor of those that follow."""

    items: list[Site]
    next: str | None


class IncidentPage(Answer):
    """Some incidents; `next` is the cursor of those that follow."""

    items: list[Incident]
    next: str | None


class LinePage(Answer):
    """Some lines of a timeline; `next` is the cursor of those that follow."""

    items: list[Line]
    next: str | None


class Found(Answer):
    """The first sites and incidents in which something stands; `next` leads on in their lists."""

    sites: SitePage
    incidents: IncidentPage


class Link(Answer):
    """The address of the customer's page of an incident, and until when it holds."""

    incident: str
    link: str
    until: str


class Result(Answer):
    """What came of one command of a batch: an answer, or a problem."""

    status: int
    answer: Acted | None
    problem: dict[str, Any] | None


class Results(Answer):
    """What came of each command, in their order."""

    items: list[Result]
    done: int
    refused: int
