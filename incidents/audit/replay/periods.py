"""The periods: which policy was the active one, from one activation to the next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from incidents.audit.replay.fold import said
from incidents.audit.replay.rows import Finding
from incidents.machine import policy
from incidents.machine.events import Event
from incidents.machine.policy import DOCUMENTED, Policy, PolicyError
from incidents.record.entry import Header, decode
from incidents.record.own_events import PolicyActivated
from incidents.store.schema.tables import DESK_STREAM, entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One act: `by`, logged in as `login`, made `policy` the active one at that time (UTC).
    `seconded_by` signed in for it as well, where it took two people.

    `policy` and `previous` are digests; `reason` is a reference to a sealed value.
    """

    at: datetime
    by: str
    login: str | None
    policy: str
    previous: str
    toml: str
    reason: str
    seconded_by: str | None


def history(connection: Connection) -> Iterator[Activation]:
    """All activations on record, the earliest first.

    Raises:
        UnreadableEntryError: of an entry that the desk has not written.
    """
    ours = select(entries.c.body).where(entries.c.site_id == DESK_STREAM)
    for body in connection.scalars(ours.order_by(entries.c.site_seq)):
        header, event = decode(body)
        if isinstance(event, PolicyActivated):
            yield Activation(
                at=event.recorded_at,
                by=event.by,
                login=header.login,
                policy=event.policy,
                previous=event.previous,
                toml=event.toml,
                reason=event.text,
                seconded_by=event.seconded_by,
            )


NAME = "the desk"
_ENTRIES = "entries"


class Periods:
    """The policies in the order in which they were active, the documented one first.

    Where an entry stands in the order of all entries is its `place`: its number among the leaves,
    or its id. An activation waits for all other acts and lets none begin, so that what stands
    before it was decided under the policy before it, whatever the machines' clocks showed.
    """

    def __init__(self) -> None:
        self.policies: dict[str, Policy] = {DOCUMENTED.digest: DOCUMENTED}
        self._digests = [DOCUMENTED.digest]
        self._begins: list[int] = []
        self._done_until: list[datetime | None] = []
        self._last: datetime | None = None

    def take(self, header: Header, event: Event, place: int) -> Finding | None:
        """The next entry of the desk's own stream; what is wrong with it as an activation."""
        last, self._last = self._last, event.recorded_at
        if not isinstance(event, PolicyActivated):
            return None
        wrong = self._wrong(event, place)
        if wrong is not None:
            return Finding(
                site=NAME, table=_ENTRIES, row=f"{header.site_id}-{header.site_seq}",
                problem="not_decided", found=wrong,
            )  # fmt: skip
        self._digests.append(event.policy)
        self._begins.append(place)
        # A clock that stepped back did less before it: how much, is not on record.
        exact = last is None or event.recorded_at > last
        self._done_until.append(event.recorded_at if exact else None)
        return None

    def at(self, place: int) -> int:
        """The number of the period in which an entry at that place was decided; the first is 0."""
        return bisect_right(self._begins, place)

    @property
    def last(self) -> int:
        """The number of the period that has not ended."""
        return len(self._begins)

    def ended_since(self, size: int) -> bool:
        """Whether a period has ended with an activation that is not among the first `size`
        leaves."""
        return bool(self._begins) and self._begins[-1] >= size

    def digest(self, period: int) -> str:
        """The policy of a period."""
        return self._digests[period]

    def done_until(self, after: int, until: int) -> datetime | None:
        """Before the period `until` began, and after the period `after`: what had been due before
        this time (UTC) was done first. None where nothing is known of it."""
        times = [time for time in self._done_until[after:until] if time is not None]
        return max(times, default=None)

    def _wrong(self, event: PolicyActivated, place: int) -> str | None:
        active = self._digests[-1]
        if self._begins and place <= self._begins[-1]:
            return "it stands before the activation before it"
        if event.previous != active:
            return f"the active policy was {active}, and it says {event.previous}"
        if event.policy == active:
            return "that policy was active already"
        try:
            read = policy.read(event.toml)
        except PolicyError as error:
            return f"the policy in it cannot be used: {said(error)}"
        if read.digest != event.policy:
            return f"the policy in it is {read.digest}, and it says {event.policy}"
        self.policies[read.digest] = read
        return None
