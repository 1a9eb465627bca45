"""The looks that a customer asks for at the page of an incident: how often, and what they found.

Anybody with the link can ask, so they are few: for one incident, and for all together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from sqlalchemy import Connection

from incidents import clock
from incidents.clock import read_rfc3339
from incidents.inbox.snapshots import of_incident
from incidents.machine.command import CUSTOMER
from incidents.store.database.engine import Reading
from incidents.store.inbox import snapshots as store
from incidents.views.inbox.snapshots import compared

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Snapshot

PAUSE, DAY = timedelta(minutes=10), timedelta(days=1)
PER_DAY = 10
"""The maximum number of looks at the pages of one incident in a day."""
PER_HOUR = 300
"""The maximum number of addresses that are looked at in an hour for all customers."""

Outcome = Literal["looked", "later", "nothing"]
"""The outcome: looked, too soon after others, or there is nothing to look at."""


class Retest(Protocol):
    """A function that looks at the incident's pages: see `ReportDesk.retest_incident`."""

    def __call__(self, incident: tuple[int, int], /, *, by: str, login: str | None) -> None: ...


class Look(NamedTuple):
    """What a customer sees of a look at one address.

    `at`: in UTC; `status`: None without an answer; `is_same`: as the first look of anybody found
    it, None for that one.
    """

    url: str
    at: datetime
    status: int | None
    is_same: bool | None


class Looks(NamedTuple):
    """The last look that the customer asked for, by address, and whether there can be another."""

    last: tuple[Look, ...]
    can_look: bool


@dataclass(frozen=True, slots=True)
class CustomerLooks:
    """The looks at the pages of incidents that customers of one desk ask for."""

    retest: Retest
    reading: Reading
    _turn: Lock = field(default_factory=Lock)

    def seen(self, connection: Connection, incident: tuple[int, int]) -> Looks:
        """What was seen of the incident's pages for the customer."""
        found = of_incident.report_of(connection, incident)
        return Looks((), False) if found is None else Looks(last_of(found["snapshots"]), True)

    def look(self, incident: tuple[int, int]) -> Outcome:
        """Look at the incident's pages, and put on record what is there.

        Each process looks for one customer at a time, since a look takes seconds.

        Raises:
            NoSnapshotLibraryError, FileError, DatabaseError: see `ReportDesk.retest_incident`.
        """
        if not self._turn.acquire(blocking=False):
            return "later"
        try:
            with self.reading() as connection:
                found = of_incident.report_of(connection, incident)
                now = clock.now()
                times = _times(() if found is None else found["snapshots"])
                in_hour = store.taken_by(connection, CUSTOMER, now - timedelta(hours=1))
            if found is None:
                return "nothing"
            if not may_look(times, now) or in_hour >= PER_HOUR:
                return "later"
            self.retest(incident, by=CUSTOMER, login=None)
            return "looked"
        finally:
            self._turn.release()


def may_look(times: Collection[datetime], now: datetime) -> bool:
    """Whether a customer who asked for looks at those times may ask for one at `now`; in UTC."""
    recent = [each for each in times if each > now - DAY]
    return len(recent) < PER_DAY and all(each <= now - PAUSE for each in recent)


def last_of(found: Sequence[Snapshot]) -> tuple[Look, ...]:
    """The last look that the customer asked for, by address."""
    times = _times(found)
    if not times:
        return ()
    until = [each for each in found if read_rfc3339(each["taken_at"]) <= max(times)]
    return tuple(
        Look(
            each.last["url"], read_rfc3339(each.last["taken_at"]), each.last["status"],
            each.is_same if each.is_again else None,
        )
        for each in compared(until)
        if read_rfc3339(each.last["taken_at"]) == max(times)
    )  # fmt: skip


def _times(found: Sequence[Snapshot]) -> set[datetime]:
    return {read_rfc3339(each["taken_at"]) for each in found if each["by"] == CUSTOMER}
