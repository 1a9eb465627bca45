"""The case: everything that the policy needs to know about one site, as a value.

A case is a slice of the site's history (see `store.cases.cases`) or, in a replay, the whole
history. All times are aware and in UTC. Free text of people (notes, reasons, names, numbers) is
never stored here: fields called `note`, `reason`, `text`, `phone`, `email`, `person` and `name`
hold a reference to a sealed value, `sha256:…`, or None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from incidents.machine.filing import Term
from incidents.machine.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """One R2 case: the desk's response when a contact clock lapsed.

    `due` is the contact deadline of the incident that started the case, and determines its position
    in the run (R3); `made_at` is when it was decided. A case that closed the site instead of
    suspending it has `closed` set and no `until`.
    """

    n: int
    epoch: int
    starter: int
    due: datetime
    made_at: datetime
    until: datetime | None = None
    ended_at: datetime | None = None
    struck: bool = False
    closed: bool = False

    @property
    def place(self) -> tuple[datetime, int]:
        """The case's position in the order of contact deadlines (R3)."""
        return self.due, self.starter

    @property
    def running(self) -> bool:
        """Whether the suspension is still running."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of the desk for a site: `tell`, `recheck` or `review`.

    A task for the site's filing is `file` or `show_number` (`about`: the last day of the term),
    `suspicion` (`about`: a detail and the finding) or `footer` (`about`: what the page footer
    lacks).
    """

    n: int
    kind: str
    epoch: int
    incidents: tuple[int, ...]
    opened_at: datetime
    done_at: datetime | None = None
    outcome: str | None = None
    note: str | None = None
    by: str | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """The reason why a site is closed: the rule, its count, and the policy's numbers at that time.

    `needed` is the count that the rule requires. `total`: all standing cases counted (R3), not only
    consecutive ones. `upheld_at` is the count that was still met when a supervisor upheld the
    disputed closure; it is cleared once the rule is met again. `said_at` is when the customer
    refused (R5), if that was before the closure; for a lapsed removal deadline, when the customer's
    time to delete began.
    """

    rule: str
    at: datetime
    incidents: tuple[int, ...]
    needed: int
    policy: str
    within: timedelta | None = None
    suspension: int | None = None
    total: bool = False
    upheld_at: int | None = None
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An order of the police or the regulator to keep the site down."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for reinstatement by one person, which waits for a second person's decision."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRequest:
    """A request to close a site on a person's statement, if the policy requires a second person.

    For R5, `incident` is the refused incident, with the time `said_at`; for R4, `field` is the
    false detail. `text` is the evidence, or the note.
    """

    by: str
    at: datetime
    said_at: datetime
    incident: int | None = None
    field: str | None = None
    text: str | None = None

    @property
    def rule(self) -> str:
        """The code of the rule under which the closure is requested."""
        return rule_to_close(self.incident)


def rule_to_close(incident: int | None) -> str:
    """The code of the rule for a requested closure: R5 for an incident, otherwise R4."""
    return "false_info" if incident is None else "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The person who works on an item of the queue."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An unsettled order in its lane: it is waiting, or it is a dead letter.

    A `braked` dead letter was never tried: it waits until a person releases it (`order_retried`).
    `attempts` and `lease_until` (UTC: reserved by a worker until then) are not part of the record;
    in a replay they are absent.
    """

    order: int
    lane: str
    kind: str
    dead: bool = False
    braked: bool = False
    attempts: int = 0
    lease_until: datetime | None = None


UNKNOWN = "unknown"


@dataclass(slots=True, kw_only=True)
class Case:
    """The case of one site. Only `apply` changes it.

    `details` and `terms` are those of the site's filing. `state` is the ordered state, `in_force`
    the known actual state (`unknown` after an attempt with an unknown effect); `last_act` is the
    last order that was carried out.
    """

    site_id: int
    site: str
    state: str = "active"
    epoch: int = 1
    phone: str | None = None
    email: str | None = None
    person: str | None = None
    run: int = 0
    disputed: bool = False
    hold: Hold | None = None
    closure: Closure | None = None
    request: Request | None = None
    closure_request: ClosureRequest | None = None
    created_at: datetime | None = None
    last_entry_at: datetime | None = None
    seq: int = 0
    last_incident: int = 0
    last_suspension: int = 0
    last_task: int = 0
    incidents: dict[int, Incident] = field(default_factory=dict)
    suspensions: dict[int, Suspension] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    running: int | None = None
    in_force: str = "active"
    last_act: int = 0
    deliveries: dict[tuple[int, str], Delivery] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)

    def copy(self) -> Case:
        """A copy that can change without affecting this case (its parts are immutable)."""
        twin = object.__new__(Case)
        for name, value in zip(Case.__slots__, _FIELDS(self), strict=True):
            setattr(twin, name, value.copy() if type(value) is dict else value)
        return twin

    @property
    def held(self) -> bool:
        """Whether an authority's order keeps the site down."""
        return self.hold is not None

    @property
    def closed(self) -> bool:
        """Whether the site is closed."""
        return self.state == "closed"

    @property
    def suspension(self) -> Suspension | None:
        """The running suspension, if any."""
        return None if self.running is None else self.suspensions[self.running]

    @property
    def rule(self) -> str | None:
        """The code of the rule that suspended or closed the site; None if active or only held."""
        if self.closure is not None:
            return self.closure.rule
        return None if self.running is None else "unreachable"

    @property
    def suspended_until(self) -> datetime | None:
        """The time at which a timer opens the site; None if no timer does, as on a held site."""
        suspension = self.suspension
        return None if suspension is None or self.held else suspension.until

    @property
    def closed_at(self) -> datetime | None:
        """When the site was closed; None if it is not closed."""
        return None if self.closure is None else self.closure.at

    def clock_runs(self, incident: Incident) -> bool:
        """Whether the incident's contact clock can still lapse (R2)."""
        return (
            incident.state == "open"
            and incident.contact_due is not None
            and incident.epoch == self.epoch
            and not self.closed
        )

    def removal_runs(self, incident: Incident) -> bool:
        """Whether the incident's removal deadline can still lapse (R5, where a policy sets one)."""
        return (
            incident.state == "notified"
            and incident.removal_due is not None
            and incident.epoch == self.epoch
            and not self.closed
        )

    def contact_due(self, incident: Incident) -> datetime | None:
        """The incident's contact deadline for display; None if set before a reinstatement."""
        return incident.contact_due if incident.epoch == self.epoch else None


_FIELDS = attrgetter(*Case.__slots__)
