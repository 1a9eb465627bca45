"""Commands on one incident: log it, record contacts, correct it, record its outcome.

As in `commands`, times are aware, in UTC; `at` is when the fact happened, None meaning now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from incidents.machine.command import (
    CUSTOMER,
    FOR_DESK,
    AsWritten,
    Audience,
    Command,
    Name,
    Outcome,
    Own,
    Replayed,
    Short,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log(Command):
    """Log a violation (R1, R2); `again`: a separate violation at an address already on record.

    `urls` are in normal form. `written` has the original text of each URL, empty where it equals
    the normal form; it is an empty list if that is so for all.
    """

    at: datetime | None = None
    urls: tuple[str, ...] = ()
    written: AsWritten = ()
    category: Short | None = None
    note: Own | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportIncident(Command):
    """Record a past incident: it starts no clock and counts in no rule.

    `urls` and `written` are as in `Log`.
    """

    at: datetime
    urls: tuple[str, ...] = ()
    written: AsWritten = ()
    category: Short | None = None
    note: Own | None = None
    contact: Outcome | None = None
    contact_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(Command):
    """Attach evidence by its SHA-256 in hexadecimal; `size` is in bytes."""

    incident: int
    digest: str
    size: int
    name: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(Command):
    """Add a note about an incident, for the desk or for the customer (see `note`)."""

    incident: int
    audience: Audience = FOR_DESK
    text: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordContact(Command):
    """Record a contact (R2) about one incident or, if `incident` is None, about the whole site."""

    incident: int | None
    outcome: Outcome
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidContact(Command):
    """Void a wrong contact record.

    `shortens`, as in older versions of this program: the new contact deadline can be earlier than
    the incident's previous one.
    """

    incident: int
    contact: int
    reason: Own
    shortens: Annotated[bool, Replayed()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRemoved(Command):
    """Record that the content is removed."""

    incident: int
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRefused(Command):
    """Record that a customer who was told refuses to delete (R5).

    Like `StateFalse`, this closes the site at once or, if the policy requires two people, requests
    its closure.
    """

    incident: int
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recur(Command):
    """Log that an incident's content is still online, as a new incident linked to the first.

    `again`: a separate recurrence, although nobody was reached about the previous one.
    """

    incident: int
    at: datetime | None = None
    note: Own | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidIncident(Command):
    """Void an incident that was logged in error, or that is not a violation on review."""

    incident: int
    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Command):
    """Withdraw the last recorded removal or refusal of an incident.

    `shortens`: as in `VoidContact`.
    """

    incident: int
    reason: Own
    shortens: Annotated[bool, Replayed()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReported(Command):
    """Record that an incident was reported to the police, with the receipt (L.1)."""

    incident: int
    note: Own | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SayRemoved(Command):
    """Record that the customer reports a removal; this only opens a task for the desk."""

    incident: int
    note: Own | None = None
    by: str = CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeLinks(Command):
    """Revoke all links to the incident's customer page that have been issued."""

    incident: int
