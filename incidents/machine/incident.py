"""The incident: one violation with its known facts, contacts, evidence and notes.

Times are in UTC, and personal texts are sealed, as in `case`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.command import REACHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note, as a reference to a sealed value; `audience`: who can read the note.

    `recorded_at` is in UTC.
    """

    audience: str
    text: str
    recorded_at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One call or message to the responsible person, and its outcome."""

    n: int
    outcome: str
    occurred_at: datetime
    recorded_at: datetime
    by: str
    stopped_clock: bool = False
    voided_at: datetime | None = None
    note: str | None = None

    @property
    def stands(self) -> bool:
        """Whether the contact still counts: it has not been voided."""
        return self.voided_at is None

    @property
    def tells(self) -> bool:
        """Whether the responsible person was reached (R2), and the contact has not been voided."""
        return self.outcome == REACHED and self.voided_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file attached to an incident, by its SHA-256; the file's name is personal data."""

    digest: str
    size: int
    name: str | None
    recorded_at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One violation on record.

    `epoch`: 1 before the site's first reinstatement, 2 after it, and so on; 0 if imported. Only
    incidents of the case's own epoch count in R1 and R3 and have a clock. `written` has the
    original text of each of the `urls` that was not in normal form; see `Log`. `links_revoked`
    counts how often all links to the customer's page were revoked; None: never.
    """

    n: int
    state: str
    epoch: int
    occurred_at: datetime
    recorded_at: datetime
    by: str
    contact_due: datetime | None = None
    removal_due: datetime | None = None
    lapsed_at: datetime | None = None
    suspension: int | None = None
    recurs: int | None = None
    category: str | None = None
    note: str | None = None
    urls: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[Note, ...] = ()
    corrections: int = 0
    reached_in_time: bool = False
    reported_at: datetime | None = None
    removal_said_at: datetime | None = None
    links_revoked: int | None = None

    @property
    def place(self) -> tuple[datetime, int]:
        """The incident's position in the order of contact deadlines (R3)."""
        assert self.contact_due is not None, "an incident without a clock has no place in the run"
        return self.contact_due, self.n

    @property
    def stands(self) -> bool:
        """Whether its missed deadline still supports a suspension: valid, nobody reached (R2)."""
        return self.state != "voided" and not self.reached_in_time
