"""The fold: a site's entries, one after the other, through `machine.apply` into its case."""

from __future__ import annotations

from typing import Any

from incidents.audit.replay.outbox import Outbox
from incidents.audit.replay.rows import Finding, Problem, Row, WriteTime
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.events import Event, IncidentEvent, SiteAdded, SiteEvent
from incidents.machine.policy import NotTomlError, PolicyError
from incidents.record.entry import Header, UnreadableEntryError, decode
from incidents.store.schema.tables import entries
from incidents.values import misread
from incidents.values.misread import MisreadError

# The columns of a row of `entries`.
_SEQ, _RECORDED_AT, _BODY = 2, 3, 4
UNREADABLE = (
    UnreadableEntryError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip
"""What reading a body that the desk has not written can lead to."""

_IMPOSSIBLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, StopIteration)
_NEW = "new"


class Fold:
    """One site's history so far. `case` is None before its first entry.

    `write_time` is how the driver gives a time (see `rows.time_writer`).
    """

    def __init__(self, site_id: int, outbox: Outbox, write_time: WriteTime) -> None:
        self.site_id = site_id
        self.case: Case | None = None
        self._outbox = outbox
        self._write_time = write_time

    @property
    def site(self) -> str:
        """The site's name, or its number as long as no entry has told it."""
        return str(self.site_id) if self.case is None else self.case.site

    def take(self, row: Row) -> Finding | None:
        """Apply an entry. If it cannot be applied, say why: nothing after it can be trusted."""
        due = 1 if self.case is None else self.case.seq + 1
        seq = row[_SEQ]
        if seq != due:
            problem: Problem = "missing_entry" if seq > due else "misplaced_entry"
            return self._finding(min(seq, due), problem, found=f"entry {seq} comes next")
        try:
            header, event = decode(row[_BODY])
        except UNREADABLE as error:
            return self._finding(seq, "unreadable_entry", found=said(error))
        return self._misplaced(header, event, row) or self._apply(header, event, seq)

    def _misplaced(self, header: Header, event: Event, row: Row) -> Finding | None:
        """Whether the entry says of itself that it stands somewhere else."""
        seq, at = row[_SEQ], row[_RECORDED_AT]
        case = self.case
        name = header.site if case is None else case.site
        if (header.site_id, header.site_seq, header.site) != (self.site_id, seq, name):
            return self._finding(
                seq, "misplaced_entry", expected=f"{self.site_id}-{seq} of {name}",
                found=f"{header.site_id}-{header.site_seq} of {header.site}",
            )  # fmt: skip
        if self._write_time(event.recorded_at) != at:
            return self._finding(
                seq, "changed", column="recorded_at", expected=str(event.recorded_at), found=str(at)
            )
        last = None if case is None else case.last_entry_at
        if last is not None and event.recorded_at < last:
            return self._finding(
                seq, "misplaced_entry", found="it is recorded before the entry before it"
            )
        return None

    def _apply(self, header: Header, event: Event, seq: int) -> Finding | None:
        case = self.case
        if case is None:
            case = Case(site_id=self.site_id, site=header.site)
        try:
            _check(case, event)
            apply(case, event)
        except _IMPOSSIBLE as error:
            return self._finding(seq, "impossible_entry", found=said(error))
        self.case = case
        self._outbox.take(case, event)
        return None

    def _finding(self, seq: int, problem: Problem, **what: Any) -> Finding:
        return Finding(
            site=self.site, table=entries.name, row=f"{self.site_id}-{seq}", problem=problem, **what
        )


def _check(case: Case, event: Event) -> None:
    """Make sure that the event goes on from where the case stands."""
    if isinstance(event, SiteAdded) is not (case.created_at is None):
        raise MisreadError("a site's record begins with site_added, and has it once")
    if isinstance(event, IncidentEvent):
        incident = case.incidents.get(event.incident)
        state = _NEW if incident is None else incident.state
        if event.state_from != state:
            raise MisreadError(
                f"incident {event.incident} is {state}, and it says {event.state_from}"
            )
        if incident is None and event.incident != case.last_incident + 1:
            raise MisreadError(f"incident {event.incident} comes after {case.last_incident}")
    elif isinstance(event, SiteEvent) and event.site_from != case.state:
        raise MisreadError(f"the site is {case.state}, and it says {event.site_from}")


def said(error: BaseException) -> str:
    """What is wrong with an entry, of an error that reading or applying it has led to."""
    if isinstance(error, UnreadableEntryError):
        return str(error.facts.get("detail"))
    if isinstance(error, NotTomlError):
        return "it is not valid TOML"
    if isinstance(error, MisreadError | PolicyError):
        return str(error)[:200]
    if isinstance(error, UnicodeError | RecursionError):
        return misread.of_json(error)
    return "it cannot follow the entries before it"
