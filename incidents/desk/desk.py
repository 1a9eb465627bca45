"""The desk: processes batches of commands, and everything that falls due."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from incidents import clock
from incidents.clock import rfc3339
from incidents.desk.envelope import Answer, Envelope, refused_answer
from incidents.desk.locks import clock_refused
from incidents.desk.text import unfit_address
from incidents.desk.transaction import MAX_BATCH, Sequel, Transactions
from incidents.errors import DatabaseError, InputError, RefusedError
from incidents.log import logger
from incidents.machine import policy as machine_policy
from incidents.machine.commands import Elapse
from incidents.machine.policy import Policy
from incidents.store import desk_state, statement
from incidents.store.cases import work
from incidents.store.database.engine import Reading, plainly, reading, writing
from incidents.store.desk_state import database_time

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Activated
    from incidents.desk.activation import LogKey

T = TypeVar("T")

# Failures of the database itself, not of one site.
_NO_DATABASE = (OperationalError, InterfaceError, DatabaseError)

_CLOCK_OFF = {
    "clock_ahead": "this machine's clock, {now}, is more than five minutes ahead of the database's:"
    " correct this clock first",
    "clock_behind": "this machine's clock, {now}, is more than five minutes behind the database's:"
    " correct this clock first",
}

_log = logger("desk")


class Desk:
    """The desk of one database.

    `clock` returns the machine's time, aware and in UTC. On PostgreSQL, the time of all decisions
    is the time of the database. An action is refused if the machine's clock differs from it by more
    than five minutes, unless the database is a rehearsal.

    All actions raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._clock = clock
        self._transactions = Transactions(engine, clock)

    def submit(
        self,
        envelopes: Sequence[Envelope],
        *,
        dry_run: bool = False,
        policy: Policy | None = None,
        lock_timeout: timedelta | None = None,
        sequel: Sequel | None = None,
    ) -> list[Answer]:
        """Process the commands in order, in one transaction; return the answers in that order.

        A dry run makes the same decisions, under `policy` if given, but leaves no trace.
        `lock_timeout`: the longest wait for a lock that another transaction holds (PostgreSQL).
        `sequel`: what follows in the same transaction; its answers come last.

        Raises:
            InputError: if there are more commands than a batch may have.
            LockTimeoutError: if a lock takes longer than `lock_timeout`; nothing is done.
        """
        if policy is not None and not dry_run:
            raise ValueError("only a dry run may be decided under another policy")
        if len(envelopes) > MAX_BATCH:
            raise InputError.coded(
                "batch_too_large",
                "the batch has {count:,} commands, and {limit:,} are the most: send it in parts",
                count=len(envelopes), limit=MAX_BATCH,
            )  # fmt: skip
        unfit = {n: refusal for n, e in enumerate(envelopes) if (refusal := unfit_address(e))}
        fit = [envelope for n, envelope in enumerate(envelopes) if n not in unfit]
        with plainly(self._engine):
            answers = iter(
                self._transactions.submit(
                    fit, dry_run=dry_run, policy=policy, lock_timeout=lock_timeout,
                    sequel=None if unfit else sequel,
                )
            )  # fmt: skip
        return [
            *(
                refused_answer(str(envelope.site), unfit[n]) if n in unfit else next(answers)
                for n, envelope in enumerate(envelopes)
            ),
            *answers,
        ]

    def warm_up(self, connections: int = 1) -> None:
        """Do what statements cost once, on so many connections, so that later nobody waits for it.

        On SQLite they are only compiled.
        """
        with plainly(self._engine), ExitStack() as open_at_once:
            statement.compile_all(self._engine.dialect)
            if self._engine.dialect.name == "sqlite":
                return
            for _ in range(connections):
                own = writing(self._engine, keep=False)
                statement.plan_all(open_at_once.enter_context(own))

    def elapse(
        self, *, limit: int = 500, full: Callable[[], object] = lambda: None
    ) -> list[Answer]:
        """Decide what is due on up to `limit` sites, the earliest first, in one transaction.

        Sites that another transaction has locked are skipped (PostgreSQL). The result is empty if
        nothing is due. A site that cannot be decided, for example because of a damaged row, does
        not delay the other sites. `full` is called as soon as `limit` sites are locked: there may
        be more, which another thread can decide meanwhile.
        """
        with plainly(self._engine):
            if not work.any_may_be_due(self._engine, self._clock):
                return []
            try:
                return self._elapse_together(limit, full)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is one site's
                _log.error("batch_not_enforced", error=type(error).__name__)
                return self._elapse_singly(limit)

    def _elapse_together(self, limit: int, full: Callable[[], object]) -> list[Answer]:
        with writing(self._engine) as connection:
            locked = self._transactions.lock_due(connection, self._clock(), limit)
            refusal = locked.refused(self._clock())
            if refusal is not None:
                _log.error(refusal.name, now=self._clock())
                return []
            if len(locked.rows) == limit:
                full()
            return self._transactions.execute_due(connection, locked)

    def _elapse_singly(self, limit: int) -> list[Answer]:
        with writing(self._engine, keep=False) as connection:
            due = list(self._transactions.lock_due(connection, self._clock(), limit).rows)
        answers: list[Answer] = []
        for site_id in due:
            try:
                with writing(self._engine) as connection:
                    alone = [Envelope(site=site_id, command=Elapse())]
                    locked = self._transactions.lock(connection, alone)
                    answers += self._transactions.execute_due(connection, locked)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 - logged, then the next site
                _log.error("site_not_enforced", site_id=site_id, error=type(error).__name__)
        # Another transaction may have decided the others meanwhile.
        return [answer for answer in answers if answer.events]

    def activate(  # noqa: PLR0913 - the fields of an Activation, by their names
        self,
        policy_text: str,
        *,
        by: str,
        login: str | None,
        reason: str,
        key: str | None = None,
        given_key: str | None = None,
        signed_in: bool = False,
        second: str | None = None,
        dry_run: bool = False,
    ) -> Activated:
        """Make the policy in `policy_text` (TOML) the active one, on record with the reason.

        The answer contains the differences from the previous policy. A repeated action gets the
        same answer.

        Raises:
            PolicyError: if the text is not a policy.
            RefusedError: if the policy is already active, if the key was used for another action,
                or if the person, or a `second` person, must have signed in.
        """
        # Loaded here with what is known of accounts, which most actions need nothing of.
        from incidents.desk import activation

        wanted = activation.Activation(
            policy=machine_policy.read(policy_text), by=by, login=login, reason=reason, key=key,
            given_key=given_key, signed_in=signed_in, second=second,
        )  # fmt: skip
        if dry_run:
            with plainly(self._engine), reading(self._engine) as connection:
                return activation.expected(connection, wanted, self._clock())
        try:
            return self.on_record(
                lambda connection: activation.activate(
                    connection,
                    wanted,
                    partial(self._now, connection),
                    partial(self._transactions.enforce_due, connection),
                )
            )
        except activation.ActivationDeniedError as refused:
            self.on_record(
                partial(
                    activation.refuse, activation=wanted, clock=self._clock, refusal=refused.refusal
                )
            )
            raise

    def make_log_key(self, key: LogKey) -> None:
        """Record that `key` signs the log's checkpoints from now on.

        Raises:
            RefusedError: if the present signing key is not the one that `key` replaces.
        """
        from incidents.desk import activation

        self.on_record(lambda connection: activation.make(connection, key, self._clock))

    def on_record(self, action: Callable[[Connection], T]) -> T:
        """Perform one of the desk's own actions (see `own_stream`), in one transaction.

        Raises:
            RefusedError: if the action is refused, or if this machine's clock is far from the
                database's clock.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            refusal = clock_refused(self._clock(), database_time(connection))
            if refusal is not None:
                raise RefusedError.coded(
                    refusal.name, _CLOCK_OFF[refusal.name], now=rfc3339(self._clock())
                )
            return action(connection)

    def _now(self, connection: Connection) -> datetime:
        """The time of decisions.

        The database's time is used if the database has a clock, otherwise this machine's time.
        """
        return database_time(connection) or self._clock()

    def policy(self) -> Policy:
        """The active policy."""
        with plainly(self._engine), reading(self._engine) as connection:
            return self._transactions.policy(connection, desk_state.active_policy(connection))


def hand_over(
    desk: Desk,
    reading: Reading,
    envelope: Envelope,
    *,
    of: Collection[int] | None = None,
    dry_run: bool = False,
) -> list[Answer]:
    """Submit the hand-over in `envelope` for each site on which its person holds an item.

    `of`: if given, only these sites. Each site has its own key, `K:12` for the key K and the site
    12. A site whose items were released meanwhile is left out, because nothing is left to hand
    over.

    Raises:
        DatabaseError: if the database fails.
    """
    sites = [site for site in _sites_in_hand(reading, envelope) if of is None or site in of]
    given: list[Answer] = []
    for start in range(0, len(sites), MAX_BATCH):
        envelopes = [
            replace(
                envelope,
                site=site,
                key=None if envelope.key is None else f"{envelope.key}:{site}",
                given_key=envelope.given_key or envelope.key,
            )
            for site in sites[start : start + MAX_BATCH]
        ]
        given += desk.submit(envelopes, dry_run=dry_run)
    return [a for a in given if a.refusal is None or a.refusal.name != "nothing_held"]


def _sites_in_hand(reading: Reading, envelope: Envelope) -> list[int]:
    """The sites on which the person holds an item.

    For a key that was already used, these are the sites of the original request.
    """
    with reading() as connection:
        held = work.sites_claimed_by(connection, envelope.command.by)
        before = [] if envelope.key is None else desk_state.sites_under(connection, envelope.key)
    # A batch is done whole or not at all: only after full batches can sites be left undone.
    return before if len(before) % MAX_BATCH else sorted({*before, *held})
