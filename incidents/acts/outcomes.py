"""The outcomes: what came of attempts, put on record through the desk, many in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError

from incidents.acts import schedule
from incidents.acts.crew import cry
from incidents.acts.port import Delivered, Failed, Outcome, Retry, Skipped
from incidents.desk import Answer, Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import leases
from incidents.store.engine import plainly, writing
from incidents.store.leases import Claimed

if TYPE_CHECKING:
    from incidents.acts.courier import Courier

BATCH = 500

Asked = tuple[int, c.Command]
"""A site's id and what is asked of it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an attempt; no outcome: it was not made."""

    claimed: Claimed
    adapter: str
    outcome: Outcome | None


class Outcomes:
    """Those that are not on record yet; what the database would not take is kept.

    `counts` says how many there were of each kind, `only_logged` how many orders into the world
    changed nothing there.
    """

    def __init__(self, courier: Courier, recorded: Callable[[list[Answer]], object]) -> None:
        self._courier = courier
        self._recorded = recorded
        self._left: list[Done] = []
        self.counts: Counter[str] = Counter()
        self.only_logged = 0

    def __len__(self) -> int:
        return len(self._left)

    def add(self, done: Done) -> None:
        """One more, to be put on record the next time."""
        outcome = done.outcome
        self._left.append(done)
        self.counts[type(outcome).__name__.lower()] += 1
        if isinstance(outcome, Delivered):
            self.only_logged += done.claimed.lane == ACT and not outcome.enforced

    def record(self) -> None:
        """Puts the first of them on record; what is tried again is put off.

        Raises:
            DatabaseError: when the database does not do its part; what was added is kept.
        """
        done, now = self._left[:BATCH], self._courier.clock()
        asked = [(each, self._command(each, now)) for each in done]
        untold = self.submit([command for _, command in asked if command is not None])
        for each, command in asked:
            if command is None:
                self.put_off(each, now)
            elif command in untold:
                self.put_off(Done(each.claimed, each.adapter, _UNRECORDED), now)
        del self._left[: len(done)]
        for each in done:
            self._courier.observed(each, now)

    def submit(self, commands: Sequence[Asked]) -> list[Asked]:
        """Asks the desk, in one transaction; what could not even be asked.

        One site that cannot be decided, a spoilt row say, holds up no other.
        """
        if not commands:
            return []
        try:
            self._submit(commands)
            return []
        except Exception as error:
            if _is_of_the_database(error):
                raise
            if len(commands) == 1:
                cry("an outcome cannot be recorded", site_id=commands[0][0], error=error)
                return [*commands]
        half = len(commands) // 2
        return self.submit(commands[:half]) + self.submit(commands[half:])

    def put_off(self, done: Done, now: datetime) -> None:
        """Lets go of an order: until its next attempt; one that was not made, until `now`."""
        claimed, outcome, courier = done.claimed, done.outcome, self._courier
        with plainly(courier.engine), writing(courier.engine) as connection:
            if not isinstance(outcome, Retry):
                leases.put_off(connection, claimed, now, tried=False)
                return
            wait = schedule.wait(claimed.attempt, courier.chance(), outcome.after)
            leases.put_off(
                connection, claimed, now + wait, adapter=done.adapter, problem=outcome.problem,
                detail=outcome.detail,
            )  # fmt: skip

    def _submit(self, commands: Sequence[Asked]) -> None:
        login = self._courier.login
        answers = self._courier.desk.submit(
            [Envelope(site=site, command=command, login=login) for site, command in commands]
        )
        for answer in answers:
            # Somebody else has carried it out, or decided about it: that stands.
            if answer.refusal is not None and answer.refusal.name != "unknown_order":
                cry("an outcome was refused", site=answer.site, refusal=answer.refusal.name)
        self._recorded(answers)

    def _command(self, done: Done, now: datetime) -> Asked | None:
        """What goes on record; nothing does of an attempt that is made again."""
        claimed, outcome = done.claimed, done.outcome
        own: dict[str, Any] = {"order": claimed.seq, "lane": claimed.lane}
        tried: dict[str, Any] = {"adapter": done.adapter, "attempts": claimed.attempt}
        match outcome:
            case Delivered(enforced=enforced):
                return claimed.site_id, c.RecordDelivery(**own, **tried, enforced=enforced)
            case Skipped(why=why):
                return claimed.site_id, c.CancelOrder(by=c.COURIER, **own, why=why)
            case Failed(problem=problem):
                return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
            case Retry(problem=problem):
                if schedule.is_given_up(claimed.since, now, self._courier.give_up_after):
                    return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
        return None


_UNRECORDED = Retry(problem="unrecorded", detail="what came of it could not be recorded")


def _is_of_the_database(error: Exception) -> bool:
    """Whether it is the database that does not answer, whichever site was asked for."""
    cause = error.__cause__
    return isinstance(error, DatabaseError) and not isinstance(cause, IntegrityError | DataError)
