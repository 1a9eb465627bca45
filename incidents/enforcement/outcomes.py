"""The outcomes of attempts, recorded through the desk, many in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from incidents.desk import Answer, Envelope
from incidents.enforcement import waiting
from incidents.enforcement.attempts import log_error
from incidents.enforcement.dispatcher import AttemptResult, Dispatcher
from incidents.enforcement.port import Delivered, Failed, Retry, Skipped
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN
from incidents.machine.command import SUPERSEDED
from incidents.machine.orders import ACT
from incidents.store import deliveries, leases
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.desk_state import database_time

BATCH = 500
_NONE = timedelta(0)
# The refusals that mean that the order is settled.
_SETTLED = ("unknown_order", "order_dead", "not_lifted", "order_of_hold")

SiteCommand = tuple[int, c.Command]
"""A site's id and a command for it."""


class Outcomes:
    """The outcomes that are not yet recorded; they are kept if the database fails.

    `counts`: the number of outcomes by kind. `only_logged`: the number of orders that changed
    nothing in the live system.
    """

    def __init__(self, dispatcher: Dispatcher, recorded: Callable[[list[Answer]], object]) -> None:
        self._dispatcher = dispatcher
        self._recorded = recorded
        self._left: list[AttemptResult] = []
        self.counts: Counter[str] = Counter()
        self.only_logged = 0

    def __len__(self) -> int:
        return len(self._left)

    def add(self, done: AttemptResult) -> None:
        """Add an outcome, to be recorded by the next call of `record`."""
        outcome = done.outcome
        self._left.append(done)
        self.counts[type(outcome).__name__.lower()] += 1
        if isinstance(outcome, Delivered):
            self.only_logged += done.claimed.lane == ACT and not outcome.enforced

    def record(self) -> list[AttemptResult]:
        """Record a batch of outcomes, and postpone the orders that will be tried again.

        Returns the batch.

        Raises:
            DatabaseError: if the database fails; the outcomes are kept.
        """
        done, now = self._left[:BATCH], self._dispatcher.clock()
        asked = [(each, self._command(each, now)) for each in done]
        given_up = [
            each for each, command in asked if command and isinstance(command[1], c.RecordFailure)
        ]
        self.submit(_cancelling_reopenings(given_up))
        unrecorded = self.submit([command for _, command in asked if command is not None])
        self.submit(self._cancelling_overtaken(done))
        again = [each for each, command in asked if command is None]
        again += [
            AttemptResult(each.claimed, each.adapter, _UNRECORDED)
            for each, command in asked
            if command is not None and command in unrecorded
        ]
        self.postpone(again)
        # Only after the release: a later hold finds them unclaimed.
        self.submit(_cancelling_reopenings(again))
        self._keep_details(done)
        del self._left[: len(done)]
        for each in done:
            self._dispatcher.observed(each, now)
        return done

    def submit(self, commands: Sequence[SiteCommand]) -> list[SiteCommand]:
        """Submit the commands to the desk in one transaction; return those that failed.

        If one site's command fails, because of a damaged row for example, the others are still
        recorded.
        """
        if not commands:
            return []
        try:
            return self._submit(commands)
        except Exception as error:
            if _is_database_failure(error):
                raise
            if len(commands) == 1:
                log_error("an outcome cannot be recorded", site_id=commands[0][0], error=error)
                return [*commands]
        half = len(commands) // 2
        return self.submit(commands[:half]) + self.submit(commands[half:])

    def postpone(self, done: Sequence[AttemptResult], wait: timedelta = _NONE) -> None:
        """Release orders until their next attempts; untried orders, until `wait` ends."""
        dispatcher = self._dispatcher
        if not done:
            return
        with plainly(dispatcher.engine), writing(dispatcher.engine) as connection:
            now = database_time(connection) or dispatcher.clock()
            for each in sorted(done, key=_lock_order):
                claimed, outcome = each.claimed, each.outcome
                if not isinstance(outcome, Retry):
                    leases.postpone(connection, claimed, now + wait, tried=False)
                    continue
                after = waiting.wait(claimed.attempt, dispatcher.jitter(), outcome.after)
                leases.postpone(
                    connection, claimed, now + after, adapter=each.adapter,
                    problem=outcome.problem, detail=outcome.detail,
                )  # fmt: skip

    def _cancelling_overtaken(self, done: Sequence[AttemptResult]) -> list[SiteCommand]:
        """Commands to cancel dead letters that an order just carried out has overtaken."""
        last = {
            each.claimed.site_id: each.claimed.seq
            for each in done
            if each.claimed.lane == ACT and isinstance(each.outcome, Delivered)
        }
        if not last:
            return []
        engine = self._dispatcher.engine
        with plainly(engine), reading(engine) as connection:
            dead = deliveries.dead_letters(connection, last)
        return [
            (site, c.CancelOrder(by=c.DISPATCHER, order=order, lane=ACT, why="overtaken"))
            for site, order in dead
            if order < last[site]
        ]

    def _keep_details(self, done: Sequence[AttemptResult]) -> None:
        """Store the details of dead letters for the desk, outside the record."""
        details = [
            (each.claimed, each.outcome.detail)
            for each in sorted(done, key=_lock_order)
            if isinstance(each.outcome, Failed) and each.outcome.detail
        ]
        engine = self._dispatcher.engine
        if details:
            with plainly(engine), writing(engine) as connection:
                leases.explain(connection, details)

    def _submit(self, commands: Sequence[SiteCommand]) -> list[SiteCommand]:
        """Submit the commands; return the refused ones, except where others settled the order."""
        login = self._dispatcher.login
        answers = self._dispatcher.desk.submit(
            [Envelope(site=site, command=command, login=login) for site, command in commands]
        )
        self._recorded(answers)
        refused = []
        for asked, answer in zip(commands, answers, strict=True):
            # Another process has carried it out, or decided about it.
            if answer.refusal is not None and answer.refusal.name not in _SETTLED:
                log_error("an outcome was refused", site=answer.site, refusal=answer.refusal.name)
                refused.append(asked)
        return refused

    def _command(self, done: AttemptResult, now: datetime) -> SiteCommand | None:
        """The command that records an outcome; None for an attempt that will be repeated."""
        claimed, outcome = done.claimed, done.outcome
        own: dict[str, Any] = {"order": claimed.seq, "lane": claimed.lane}
        tried: dict[str, Any] = {"adapter": done.adapter, "attempts": claimed.attempt}
        match outcome:
            case Delivered(enforced=enforced):
                return claimed.site_id, c.RecordDelivery(**own, **tried, enforced=enforced)
            case Skipped(why=why):
                tried_before = claimed.attempt > 1
                return claimed.site_id, c.CancelOrder(
                    by=c.DISPATCHER, **own, why=why, tried=tried_before
                )
            case Failed(problem=problem):
                return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
            case Retry(problem=problem):
                if waiting.is_given_up(claimed.since, now, self._dispatcher.give_up_after):
                    return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
        return None


def _cancelling_reopenings(done: Sequence[AttemptResult]) -> list[SiteCommand]:
    """Commands to cancel orders to open sites that were held after the order was claimed.

    Otherwise the hold's own order would wait behind such an order's next attempt. The desk refuses
    these commands if there is no hold.
    """
    return [
        (
            each.claimed.site_id,
            c.CancelOrder(
                by=c.DISPATCHER, order=each.claimed.seq, lane=ACT, why=SUPERSEDED, tried=True
            ),
        )
        for each in done
        if (each.claimed.lane, each.claimed.kind) == (ACT, REOPEN) and each.outcome is not None
    ]


def _lock_order(done: AttemptResult) -> tuple[int, str, int]:
    """The sort key that gives the order in which the desk locks rows."""
    return done.claimed.site_id, done.claimed.lane, done.claimed.seq


_UNRECORDED = Retry(problem="unrecorded", detail="what came of it could not be recorded")


def _is_database_failure(error: Exception) -> bool:
    """Whether the database itself has failed, so that no site's command can be recorded."""
    cause = error.__cause__
    return isinstance(error, DatabaseError) and not isinstance(cause, IntegrityError | DataError)
