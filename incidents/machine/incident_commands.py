"""The commands about one incident: log, tell, correct, state what became of it.

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
    """Log a violation (R1, R2); `again` says that it is another one at the same address.

    `urls` are in their normal form; `written` has for each the text as it was written, an empty one
    where it was the same, and nothing where all were.
    """

    at: datetime | None = None
    urls: tuple[str, ...] = ()
    written: AsWritten = ()
    category: Short | None = None
    note: Own | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportIncident(Command):
    """Put a past incident on record: it starts no clock and counts in no rule.

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
    """Write something about an incident, for the desk or for the customer (see `note`)."""

    incident: int
    audience: Audience = FOR_DESK
    text: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordContact(Command):
    """Record a contact (R2) of one incident or, with None, one call for the whole site."""

    incident: int | None
    outcome: Outcome
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidContact(Command):
    """Take back a wrong contact record.

    `shortens` is what older programs did: the fresh hour may end before the one that the incident
    had.
    """

    incident: int
    contact: int
    reason: Own
    shortens: Annotated[bool, Replayed()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRemoved(Command):
    """State that the content is gone."""

    incident: int
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRefused(Command):
    """State that the customer was told and does not delete (R5).

    Like `StateFalse` it closes the site at once or, where the policy asks for two people, asks for
    that.
    """

    incident: int
    at: datetime | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recur(Command):
    """Log that the content of an incident is still there: a new incident, linked to it.

    `again` says that it is another one than the recurrence that nobody has been told of yet.
    """

    incident: int
    at: datetime | None = None
    note: Own | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidIncident(Command):
    """Void an incident: logged in error, or not a violation on review."""

    incident: int
    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Command):
    """Take back the incident's last `removed` or `refused`; `shortens` as in `VoidContact`."""

    incident: int
    reason: Own
    shortens: Annotated[bool, Replayed()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReported(Command):
    """State that an incident was reported to the police, with the receipt (L.1)."""

    incident: int
    note: Own | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SayRemoved(Command):
    """The customer says that the content is gone: a task for the desk, and no more."""

    incident: int
    note: Own | None = None
    by: str = CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeLinks(Command):
    """Revoke all links to the customer's page of an incident that were given out until now."""

    incident: int
