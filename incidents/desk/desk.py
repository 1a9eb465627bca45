"""The desk's acts: a batch of commands, what is due, a new policy; each is one transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from incidents import clock
from incidents.clock import rfc3339
from incidents.desk import activation, collector, log_key
from incidents.desk.batch import Batch
from incidents.desk.envelope import Answer, Envelope, nothing_done
from incidents.desk.locked import (
    Locked,
    StillLockedError,
    has_waited_enough,
    sites_of,
    what_is_due,
)
from incidents.desk.log_key import LogKey
from incidents.desk.text import unfit_address
from incidents.errors import DatabaseError, InputError, RefusedError
from incidents.log import logger
from incidents.machine import policy as machine_policy
from incidents.machine.commands import Elapse
from incidents.machine.policy import Policy
from incidents.machine.refusals import Refusal
from incidents.store import clocks, policies
from incidents.store.engine import plainly, reading, writing
from incidents.store.round_trip import together
from incidents.store.server_clock import database_time

MAX_BATCH = 1_000
MAX_AHEAD = timedelta(minutes=5)
T = TypeVar("T")

# Each time that a key is lost to another transaction, that one has been done.
_ATTEMPTS = 5


class _LostError(Exception):
    """The database was lost before anything was written: `error` says how."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


# With these it is the database that does not answer, whichever site was asked for.
_NO_DATABASE = (OperationalError, InterfaceError, DatabaseError)

_log = logger("desk")


class Desk:
    """The desk of one database.

    `clock` gives the machine's time, aware and in UTC. On PostgreSQL an act is refused when that
    time is more than five minutes ahead of the database's, unless `own_clock` (by default the
    variable INCIDENTS_CLOCK=own) says that time is simulated.

    All acts raise DatabaseError when the database does not do its part.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = clock.now,
        own_clock: bool | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._own_clock = (
            os.environ.get("INCIDENTS_CLOCK") == "own" if own_clock is None else own_clock
        )
        self._policies: dict[str, Policy] = {}

    def submit(
        self,
        envelopes: Sequence[Envelope],
        *,
        dry_run: bool = False,
        policy: Policy | None = None,
        patience: timedelta | None = None,
    ) -> list[Answer]:
        """Takes the commands in order, in one transaction; answers in the same order.

        A dry run decides the same, under `policy` if there is one, and leaves no trace. With
        `patience` it waits no longer for each lock that somebody else has (PostgreSQL).

        Raises:
            InputError: for more commands than a batch may have.
            StillLockedError: when the patience is at its end; nothing is done.
        """
        if policy is not None and not dry_run:
            raise ValueError("only a dry run may be decided under another policy")
        if len(envelopes) > MAX_BATCH:
            raise InputError(
                f"a batch has {MAX_BATCH:,} commands at most, got {len(envelopes):,}: send it in "
                "parts"
            )
        unfit = {n: refusal for n, e in enumerate(envelopes) if (refusal := unfit_address(e))}
        fit = [envelope for n, envelope in enumerate(envelopes) if n not in unfit]
        with plainly(self._engine):
            answers = iter(
                self._submit_again(fit, dry_run=dry_run, policy=policy, patience=patience)
            )
        return [
            nothing_done(str(envelope.site), unfit[n]) if n in unfit else next(answers)
            for n, envelope in enumerate(envelopes)
        ]

    def _submit_again(
        self, envelopes: Sequence[Envelope], *, dry_run: bool, policy: Policy | None,
        patience: timedelta | None,
    ) -> list[Answer]:  # fmt: skip
        """Submits, and once more when nothing was done and the next time may go better."""
        if not envelopes:
            return []
        for left in reversed(range(_ATTEMPTS)):
            try:
                return self._submit(envelopes, dry_run=dry_run, policy=policy, patience=patience)
            except IntegrityError:
                # Another transaction has used one of the keys: look again, and answer as it.
                if not left or all(envelope.key is None for envelope in envelopes):
                    raise
            except _LostError as lost:
                # The server went away while the connection lay idle; it may be back.
                if left < _ATTEMPTS - 1:
                    raise lost.error from lost
            except OperationalError as error:
                if patience is not None and has_waited_enough(error):
                    raise StillLockedError from error
                raise
        raise AssertionError("the last attempt answers or fails")

    def elapse(self, *, limit: int = 500) -> list[Answer]:
        """Does what is due on up to `limit` sites, earliest first, in one transaction.

        Sites that somebody else has locked are left to them (PostgreSQL). Empty if nothing is due.
        One site that cannot be decided, a spoilt row say, does not stop the clock of the others.
        """
        with plainly(self._engine):
            if not clocks.any_may_be_due(self._engine, self._clock):
                return []
            try:
                return self._elapse_together(limit)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is one site's
                _log.error("batch_not_enforced", error=type(error).__name__)
                return self._elapse_singly(limit)

    def _elapse_together(self, limit: int) -> list[Answer]:
        with writing(self._engine) as connection:
            locked = self._what_is_due(connection, self._clock(), limit)
            if locked.behind(self._clock()) > MAX_AHEAD:
                _log.error("clock_ahead", now=self._clock())
                return []
            return self._done(connection, _elapsing(locked.rows), locked)

    def _elapse_singly(self, limit: int) -> list[Answer]:
        with writing(self._engine, keep=False) as connection:
            due = list(self._what_is_due(connection, self._clock(), limit).rows)
        answers: list[Answer] = []
        for site_id in due:
            try:
                with writing(self._engine) as connection:
                    envelopes = _elapsing([site_id])
                    answers += self._done(
                        connection, envelopes, self._locked(connection, envelopes)
                    )
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - told, and the next site's turn
                _log.error("site_not_enforced", site_id=site_id, error=type(error).__name__)
        return answers

    def activate(
        self,
        policy_text: str,
        *,
        by: str,
        login: str | None,
        reason: str,
        key: str | None = None,
        signed_in: bool = False,
        second: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Makes the policy in `policy_text` (TOML) the active one, on record with the reason.

        The answer has what that has changed of the policy that was active before; of a repeated act
        what it changed then.

        Raises:
            PolicyError: if it is not a policy.
            RefusedError: if it is active already, the key was used for another act, or it takes
                somebody who has signed in, or a `second` person who has.
        """
        wanted = activation.Activation(
            policy=machine_policy.read(policy_text), by=by, login=login, reason=reason, key=key,
            signed_in=signed_in, second=second,
        )  # fmt: skip
        if dry_run:
            with plainly(self._engine), reading(self._engine) as connection:
                return activation.expected(connection, wanted)
        try:
            return self.on_record(
                lambda connection: activation.activate(
                    connection, wanted, self._clock, partial(self._do_what_is_due, connection)
                )
            )
        except activation.NotLetError as refused:
            self.on_record(
                partial(activation.refuse, act=wanted, clock=self._clock, refusal=refused.refusal)
            )
            raise

    def make_log_key(self, key: LogKey) -> None:
        """Puts on record that `key` signs the log's checkpoints from now on.

        Raises:
            RefusedError: if another key signs than the one that it is to replace.
        """
        self.on_record(lambda connection: log_key.make(connection, key, self._clock))

    def on_record(self, act: Callable[[Connection], T]) -> T:
        """Does an act of the desk's own (see `own_stream`), in one transaction.

        Raises:
            RefusedError: if the act is refused, or this machine's clock is far ahead.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            there = None if self._own_clock else database_time(connection)
            if there is not None and self._clock() - there > MAX_AHEAD:
                raise RefusedError(
                    f"this machine's clock, {rfc3339(self._clock())}, is more than five minutes "
                    "ahead of the database's: set it right first"
                )
            return act(connection)

    def policy(self) -> Policy:
        """The active policy."""
        with plainly(self._engine), reading(self._engine) as connection:
            return self._read_policy(connection, policies.active(connection))

    def _do_what_is_due(self, connection: Connection, now: datetime) -> list[dict[str, Any]]:
        """All that fell due before `now`, under the policy that is active still: its events."""
        events: list[dict[str, Any]] = []
        while (locked := self._what_is_due(connection, now, MAX_BATCH)).rows:
            batch = self._batch(connection, _elapsing(locked.rows), locked, now)
            for answer in batch.take():
                site = {"site": answer.site}
                events += [site | event for event in answer.document["events"]]
            batch.write()
        return events

    def _submit(
        self, envelopes: Sequence[Envelope], *, dry_run: bool, policy: Policy | None,
        patience: timedelta | None,
    ) -> list[Answer]:  # fmt: skip
        with writing(self._engine, keep=not dry_run) as connection:
            try:
                locked = self._locked(connection, envelopes, patience)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _LostError(error) from error
                raise
            ahead = locked.behind(self._clock())
            if ahead > MAX_AHEAD:
                connection.rollback()
                facts = {"now": self._clock(), "ahead_s": int(ahead.total_seconds())}
                return [nothing_done(str(e.site), Refusal("clock_ahead", facts)) for e in envelopes]
            return self._done(connection, envelopes, locked, policy, keep=not dry_run)

    def _done(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        locked: Locked,
        policy: Policy | None = None,
        *,
        keep: bool = True,
    ) -> list[Answer]:
        """Takes what is asked of the locked sites, writes what it comes to, and ends with it."""
        if not envelopes:
            return []
        with collector.waits():
            # Read when the locks are ours: no entry made while we waited is later.
            batch = self._batch(connection, envelopes, locked, self._clock(), policy)
            answers = batch.take()
            batch.write_not_let()
            with together(connection, commit=keep):
                batch.write()
        return answers

    def _batch(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        locked: Locked,
        now: datetime,
        policy: Policy | None = None,
    ) -> Batch:
        active = self._read_policy(connection, locked.policy)
        return Batch(connection, envelopes, locked, policy or active, now)

    def _locked(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        patience: timedelta | None = None,
    ) -> Locked:
        return sites_of(connection, envelopes, ask_time=not self._own_clock, patience=patience)

    def _what_is_due(self, connection: Connection, now: datetime, limit: int) -> Locked:
        most = min(limit, MAX_BATCH)
        return what_is_due(connection, now, most, ask_time=not self._own_clock)

    def _read_policy(self, connection: Connection, digest: str) -> Policy:
        if digest not in self._policies:
            self._policies[digest] = machine_policy.read(policies.toml(connection, digest))
        return self._policies[digest]


def _elapsing(site_ids: Iterable[int]) -> list[Envelope]:
    return [Envelope(site=id_, command=Elapse()) for id_ in site_ids]
