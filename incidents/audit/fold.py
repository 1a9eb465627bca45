"""The fold of entries: a site's entries into its case, the desk's own entries into periods.

A site's entries go through `machine.apply`. The desk's own entries tell which policy was active
from one activation to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from incidents.audit.rows import Finding, Problem, Row, WriteTime
from incidents.audit.site_tables import Outbox
from incidents.errors import Cause
from incidents.machine import policy
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.events import Event, IncidentEvent, SiteAdded, SiteEvent
from incidents.machine.policy import DOCUMENTED, NotTomlError, Policy, PolicyError
from incidents.record.entry import Header, UnreadableEntryError, decode, json_cause
from incidents.record.own_events import PolicyActivated
from incidents.store.archive import whole
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.values.parsing import MisreadError

# The columns of a row of `entries`.
_SEQ, _RECORDED_AT, _BODY = 2, 3, 4
UNREADABLE = (
    UnreadableEntryError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip
"""The errors in reading an entry that the desk did not write."""

_IMPOSSIBLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, StopIteration)
_NEW = "new"
_MAX_SHOWN = 200
"""The maximum number of characters shown of an error about a wrong entry: it can quote anything."""


class Fold:
    """One site's history so far. `case` is None before the site's first entry.

    `write_time`: converts a time into the driver's format (see `rows.time_writer`).
    """

    def __init__(self, site_id: int, outbox: Outbox, write_time: WriteTime) -> None:
        self.site_id = site_id
        self.case: Case | None = None
        self._outbox = outbox
        self._write_time = write_time

    @property
    def site(self) -> str:
        """The site's name; the site's number until an entry states the name."""
        return str(self.site_id) if self.case is None else self.case.site

    def take(self, row: Row) -> Finding | None:
        """Apply an entry. If that fails, return the finding: no later entry can be trusted."""
        due = 1 if self.case is None else self.case.seq + 1
        seq = row[_SEQ]
        if seq != due:
            problem: Problem = "missing_entry" if seq > due else "misplaced_entry"
            found = Cause.of("flaw_comes_next", "entry {seq} comes next", seq=seq)
            return self._finding(min(seq, due), problem, found=found)
        try:
            header, event = decode(row[_BODY])
        except UNREADABLE as error:
            return self._finding(seq, "unreadable_entry", found=describe(error))
        return self._misplaced(header, event, row) or self._apply(header, event, seq)

    def _misplaced(self, header: Header, event: Event, row: Row) -> Finding | None:
        """Return a finding if the entry states another place than the one where it is stored."""
        seq, at = row[_SEQ], row[_RECORDED_AT]
        case = self.case
        name = header.site if case is None else case.site
        if (header.site_id, header.site_seq, header.site) != (self.site_id, seq, name):
            return self._finding(
                seq, "misplaced_entry", expected=f"{self.site_id}-{seq} of {name}",
                found=Cause.of(
                    "flaw_of_site", "{id} of {site}",
                    id=f"{header.site_id}-{header.site_seq}", site=header.site,
                ),
            )  # fmt: skip
        if self._write_time(event.recorded_at) != at:
            return self._finding(
                seq, "changed", column="recorded_at", expected=str(event.recorded_at), found=str(at)
            )
        last = None if case is None else case.last_entry_at
        if last is not None and event.recorded_at < last:
            before = "it is recorded before the entry before it"
            return self._finding(
                seq, "misplaced_entry", found=Cause.of("flaw_recorded_before", before)
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
            return self._finding(seq, "impossible_entry", found=describe(error))
        self.case = case
        self._outbox.take(case, event)
        return None

    def _finding(self, seq: int, problem: Problem, **what: Any) -> Finding:
        return Finding(
            site=self.site, table=entries.name, row=f"{self.site_id}-{seq}", problem=problem, **what
        )


def _check(case: Case, event: Event) -> None:
    """Check that the event can follow the events of the case."""
    if isinstance(event, SiteAdded) is not (case.created_at is None):
        once = "a site's record begins with site_added, and has it once"
        raise MisreadError(Cause.of("flaw_site_added", once))
    if isinstance(event, IncidentEvent):
        incident = case.incidents.get(event.incident)
        state = _NEW if incident is None else incident.state
        if event.state_from != state:
            raise MisreadError(Cause.of(
                "flaw_incident_state", "incident {incident} is {state}, but it says {said}",
                incident=event.incident, state=state, said=event.state_from,
            ))  # fmt: skip
        if incident is None and event.incident != case.last_incident + 1:
            raise MisreadError(Cause.of(
                "flaw_incident_number", "incident {incident} comes after {last}",
                incident=event.incident, last=case.last_incident,
            ))  # fmt: skip
    elif isinstance(event, SiteEvent) and event.site_from != case.state:
        raise MisreadError(Cause.of(
            "flaw_site_state", "the site is {state}, but it says {said}",
            state=case.state, said=event.site_from,
        ))  # fmt: skip


def describe(error: BaseException) -> str:
    """Describe what is wrong with an entry, from the error in reading or applying it."""
    if isinstance(error, UnreadableEntryError):
        detail = error.facts.get("detail")
        return detail if isinstance(detail, Cause) else str(detail)
    if isinstance(error, NotTomlError):
        return Cause.of("flaw_no_toml", "it is not valid TOML")
    if isinstance(error, MisreadError | PolicyError):
        why = error.args[0] if error.args else ""
        return why if isinstance(why, Cause) and len(why) <= _MAX_SHOWN else str(error)[:_MAX_SHOWN]
    if isinstance(error, UnicodeError | RecursionError):
        return json_cause(error)
    return Cause.of("flaw_cannot_follow", "it cannot follow the entries before it")


def activations(connection: Connection) -> Iterator[tuple[Header, PolicyActivated]]:
    """All activations on record, the earliest first.

    Raises:
        UnreadableEntryError: if the desk cannot have written an entry.
    """
    ours = select(entries.c.body).where(entries.c.site_id == DESK_STREAM)
    for (body,) in whole.all_rows(connection, ours.order_by(entries.c.site_seq)):
        header, event = decode(body)
        if isinstance(event, PolicyActivated):
            yield header, event


NAME = Cause.of("at_desk", "the desk")
"""The name of the desk's own stream, shown where other findings have a site's name."""


class Periods:
    """The policies in the order in which they were active, the documented policy first.

    `place`: an entry's place in the order of all entries: its leaf number or its id. An activation
    waits for all other actions and blocks new ones, so all entries before the activation were
    decided under the previous policy, whatever the machines' clocks showed. `digests`: the digests
    of the policies.
    """

    def __init__(self) -> None:
        self.policies: dict[str, Policy] = {DOCUMENTED.digest: DOCUMENTED}
        self.digests = [DOCUMENTED.digest]
        self._begins: list[int] = []
        self._done_until: list[datetime | None] = []
        self._last: datetime | None = None

    def take(self, header: Header, event: Event, place: int) -> Finding | None:
        """Process the next entry of the desk's own stream; return any flaw of the activation."""
        last, self._last = self._last, event.recorded_at
        if not isinstance(event, PolicyActivated):
            return None
        wrong = self._wrong(event, place)
        if wrong is not None:
            return Finding(
                site=NAME, table=entries.name, row=f"{header.site_id}-{header.site_seq}",
                problem="not_decided", found=wrong,
            )  # fmt: skip
        self.digests.append(event.policy)
        self._begins.append(place)
        # After a clock was set back, less had been done; how much less is not on record.
        exact = last is None or event.recorded_at > last
        self._done_until.append(event.recorded_at if exact else None)
        return None

    def at(self, place: int) -> int:
        """The index, from 0, of the period in which an entry at that place was decided."""
        return bisect_right(self._begins, place)

    @property
    def last(self) -> int:
        """The index of the present period."""
        return len(self._begins)

    def ended_since(self, size: int) -> bool:
        """Whether a policy was activated after the first `size` leaves, which ended a period."""
        return bool(self._begins) and self._begins[-1] >= size

    def done_until(self, after: int, until: int) -> datetime | None:
        """Return the time (UTC) up to which all due actions were done when period `until` began.

        Only the activations after the period `after` count. None if the time is unknown.
        """
        times = [time for time in self._done_until[after:until] if time is not None]
        return max(times, default=None)

    def _wrong(self, event: PolicyActivated, place: int) -> str | None:
        active = self.digests[-1]
        if self._begins and place <= self._begins[-1]:
            before = "it stands before the activation before it"
            return Cause.of("flaw_before_activation", before)
        if event.previous != active:
            return Cause.of(
                "flaw_other_policy", "the active policy was {active}, but it says {said}",
                active=active, said=event.previous,
            )  # fmt: skip
        if event.policy == active:
            return Cause.of("flaw_active_already", "that policy was active already")
        try:
            read = policy.read(event.toml)
        except PolicyError as error:
            cannot = "the policy in it cannot be used: {why}"
            return Cause.of("flaw_policy_unusable", cannot, why=describe(error))
        if read.digest != event.policy:
            return Cause.of(
                "flaw_policy_digest", "the policy in it is {digest}, but it says {said}",
                digest=read.digest, said=event.policy,
            )  # fmt: skip
        self.policies[read.digest] = read
        return None
