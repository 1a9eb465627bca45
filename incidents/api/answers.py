"""The answers: what the API's documents hold, for its description and for who reads them typed.

They describe; nothing is turned into them on its way out, and nothing is lost to them. The tests
hold each answer against them. Times are RFC 3339 in UTC; what has been erased is null.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SiteState = Literal["active", "suspended", "closed"]
IncidentState = Literal["open", "notified", "unreached", "removed", "refused", "voided", "moot"]


class Answer(BaseModel):
    """What all answers have in common: they hold what is said here, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Site(Answer):
    """A site as it stands. `run` counts misses (R3); `in_force` is how it stands in the world."""

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


class Incident(Answer):
    """An incident as it stands."""

    id: str
    site: str
    state: IncidentState
    occurred_at: str
    recorded_at: str
    contact_due: str | None
    removal_due: str | None
    reported_at: str | None
    removal_said_at: str | None
    by: str
    category: str | None
    note: str | None
    urls: list[str]
    recurs: str | None
    corrections: int
    contacts: list[Contact]
    evidence: list[Evidence]


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


class Closure(Answer):
    """What has closed a site."""

    rule: str
    at: str
    incidents: list[str]
    needed: int
    policy: str
    upheld_at: int | None


class Task(Answer):
    """A task of the desk."""

    id: str
    kind: str
    incidents: list[str]
    opened_at: str


class SiteInFull(Site):
    """A site with all that waits, and its newest incidents, of `incidents_total`."""

    seq: int
    overdue: bool
    hold: Hold | None
    closure: Closure | None
    reinstatement: Hold | None
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
    """A line of a timeline; `said` is what a person wrote."""

    at: str
    recorded_at: str
    by: str
    login: str | None
    words: str
    said: str | None
    kind: str
    rule: str | None
    incident: str | None
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


class Attempt(BaseModel):
    """A call that was made already."""

    model_config = ConfigDict(extra="allow")


class Item(BaseModel):
    """Something that must be done."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str
    site: str
    state: SiteState
    in_force: SiteState
    rule: str | None
    incident: str | None
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
    category: str | None
    note: str | None
    warning: str | None
    say: Any
    next: str
    commands: list[str]


class Queue(Answer):
    """What must be done, the most urgent first, and whether anything enforces the clock."""

    items: list[Item]
    more: bool
    next: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: dict[str, Any]
    acts: dict[str, Any]
    report: dict[str, Any] | None


class HandedOver(Answer):
    """What was handed over, site by site."""

    items: list[Acted]


class Duty(Answer):
    """An incident that the police are to be told of."""

    model_config = ConfigDict(extra="allow")

    incident: str
    site: str
    state: IncidentState
    due: str


class Duties(Answer):
    """What the police are to be told of, the longest overdue first; null: nobody is reminded."""

    items: list[Duty]
    summary: dict[str, Any] | None


class Order(BaseModel):
    """An order into the world, and how it stands."""

    model_config = ConfigDict(extra="allow")

    id: str
    site: str
    kind: str
    lane: str
    state: Literal["dead", "waiting", "in_hand", "delivered", "failed", "cancelled", "retried"]
    ordered_at: str


class Orders(Answer):
    """Orders that are not carried out, dead letters first."""

    items: list[Order]


class OrderInFull(Order):
    """An order, what it says, and what became of it."""

    order: dict[str, Any]
    story: list[Line]


class Comparison(Answer):
    """A site as it is ordered, as it is on record, and as it really stands."""

    site: str
    ordered: str
    on_record: str
    really: str | None
    adapter: str
    verdict: Literal[
        "agrees", "differs", "cannot_be_asked", "waits", "ordered_again", "changed_meanwhile"
    ]


class Reconciled(Answer):
    """What was compared; `left` sites were not looked at, being too many for one request."""

    items: list[Comparison]
    left: int


class Change(Answer):
    """A number of the policy that differs."""

    key: str
    before: str
    after: str


class Activation(Answer):
    """When a policy was made the active one, by whom and why."""

    policy: str
    previous: str
    activated_at: str
    by: str
    login: str | None
    reason: str | None
    toml: str
    changes: list[Change]


class Activations(Answer):
    """All that were ever active, the earliest first."""

    items: list[Activation]


class Policy(Answer):
    """The active policy: its digest, its file, its numbers, and each rule in words."""

    policy: str
    toml: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    activation: Activation | None


class Checked(Answer):
    """A policy that could be activated, and what it would change."""

    policy: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    changes: list[Change]


class Activated(Answer):
    """A new active policy, and what had fallen due under the one before."""

    policy: str
    previous: str
    changes: list[Change]
    events: list[dict[str, Any]]


class Mismatch(Answer):
    """What came out otherwise; `step` is null for the last look."""

    step: int | None
    at: str
    what: str
    expected: str
    got: str


class Trial(Answer):
    """What became of a scenario."""

    name: str
    passed: bool
    policy: str
    mismatches: list[Mismatch]


class Trials(Answer):
    """What became of all of them."""

    policy: str
    passed: bool
    items: list[Trial]


class Graphs(Answer):
    """The state machines, as Mermaid has them."""

    site: str
    incident: str


class Link(Answer):
    """The address of the customer's page of an incident, and until when it holds."""

    incident: str
    link: str
    until: str


class Alarm(BaseModel):
    """Something that the desk is to know now."""

    model_config = ConfigDict(extra="allow")

    key: str
    kind: str
    subject: str
    site: str | None
    raised_at: str | None
    attempts_to_tell: int
    told_at: str | None


class Alarms(Answer):
    """What is alarming now; of the `capped` kinds there may be more."""

    items: list[Alarm]
    capped: list[str]


class Notice(Answer):
    """A notice: to whom, and when."""

    notice: str
    to: str
    when: str


class Notices(Answer):
    """All notices."""

    items: list[Notice]


class Letter(Answer):
    """A notice as it would read, in one language."""

    notice: str
    to: str
    language: str
    subject: str
    text: str
    html: str | None


class Letters(Answer):
    """A notice as it would read, in each language."""

    items: list[Letter]


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


class Account(Answer):
    """An account; `disabled_at`: nobody comes in with it."""

    handle: str
    role: str
    made_at: str
    disabled_at: str | None


class Accounts(Answer):
    """All accounts."""

    items: list[Account]


class Token(Answer):
    """A token, by its id; `acts` null: for all that its account may."""

    id: str
    handle: str
    acts: list[str] | None
    made_at: str
    expires_at: str
    revoked_at: str | None


class NewToken(Token):
    """A new token; `secret` is told once."""

    secret: str


class Tokens(Answer):
    """Tokens, the newest first."""

    items: list[Token]


class Session(Answer):
    """Who asks, and what they may do: `in_person` after they have just proved who they are, which
    holds until `proved_until`. `csrf` goes with all but GET of a session."""

    handle: str
    role: str
    token: str | None
    may: list[str]
    in_person: list[str]
    proved_until: str | None
    csrf: str | None


class Status(Answer):
    """It is there."""

    status: Literal["ok"]
