"""The resumption: the desk's own act of going on from less of its history than it is known to have.

Orders from now on have higher numbers than any before. The world still shows what was done for
entries that are missing, so every site is compared with the record.

An epoch is the day on which it begins, counted from 2026, or the next one after the highest that
is known: one that nothing here knows of any more, since it was lost with all that it was written
in, is not used again on another day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from incidents.desk import accounts, own_stream
from incidents.desk.access import NOT_LET, RECOVER, Access
from incidents.desk.own_stream import By
from incidents.errors import RefusedError
from incidents.machine import policy as machine_policy
from incidents.machine.command import DAEMON
from incidents.machine.refusal import Refusal
from incidents.record.own_events import HistoryResumed
from incidents.store import desk_state, entries, lineage
from incidents.store.desk_state import database_time
from incidents.store.lineage import STRANGE_FOR, UNKNOWN_SERVER, Standing
from incidents.values.ids import EPOCHS

ANOTHER_SERVER, ENTRIES_LOST, ASKED = "another_server", "entries_lost", "asked"

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LAST = 7_000
"""The day of the year 2045 after which epochs are counted alone, as they are by a clock that shows
a later one: a number of an order has to stay below 2^53, in which receivers keep it, and there are
10^12 in each epoch. So 2,000 are left in any case."""

AGAIN = timedelta(hours=1)
"""So soon no daemon goes on from less once more, nor as long as nobody knows of the first time: two
copies of a database that are at work beside one mark would do so in turn until the numbers are used
up."""


class EpochsUsedUpError(RefusedError):
    """no new epoch can begin: {highest:,} was the last, since receivers keep no number of an order
    above 2^53. Was a clock wrong once, or a mark beside the log's key? Go back to a copy from
    before that, and move the mark away"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """Why it goes on, and what is known to be missing: as `HistoryResumed` has it.

    `epoch`: the highest that is known anywhere, else that of the database. `since`: the last time
    (UTC) at which the history was whole, None where nobody knows. `reason`: of a person, who knows
    by it that entries are missing, if they are.
    """

    cause: str
    by: str = DAEMON
    login: str | None = None
    had: int | None = None
    signed: int | None = None
    epoch: int = 0
    since: datetime | None = None
    reason: str | None = None


def refused(
    connection: Connection, by: str, login: str | None, clock: Callable[[], datetime]
) -> Refusal | None:
    """Why that person may not let it go on, which is counted; to be asked before anything is done.

    Each site is compared with the world under their name and ordered again, as by `acts reconcile`:
    so it is a supervisor's, where there are accounts. It decides about no site, and whoever can run
    it has the log's key: so nobody signs in for it.
    """
    policy = machine_policy.read(
        desk_state.policy_toml(connection, desk_state.active_policy(connection))
    )
    refusal = Access(connection, policy, clock()).refused_recovery(by)
    if refusal is not None:
        why = NOT_LET[refusal.name]
        accounts.refuse(connection, By(person=by, login=login), clock, act=RECOVER, why=why)
    return refusal


def resume(
    connection: Connection, asked: Resumption, clock: Callable[[], datetime]
) -> HistoryResumed:
    """Puts it on record, and begins the next epoch, at the time of the database where it has one;
    raises EpochsUsedUpError."""
    desk_state.keep_policy(connection)
    # One clock for all machines, which it is compared by. The record never steps back, where a
    # clock was ahead once; the days do.
    now = database_time(connection) or clock()
    place = own_stream.place(connection, lambda: now)
    before, on = lineage.standing(connection), lineage.look(connection)
    event = own_stream.record(
        connection, place, HistoryResumed, asked.by, asked.login, reason=asked.reason,
        epoch=next_epoch(max(before.epoch, asked.epoch), now), cause=asked.cause,
        entries=entries.last_id(connection), since=asked.since or place.now, had=asked.had,
        signed=asked.signed,
    )  # fmt: skip
    new = _standing(before, asked, event.epoch, now, is_moved=on.is_new)
    lineage.resume(connection, new, on.found)
    return event


def next_epoch(highest: int, now: datetime) -> int:
    """The epoch that begins at `now` (UTC) after the highest that is known; raises
    EpochsUsedUpError."""
    day = (now - FIRST_DAY).days
    found = max(highest + 1, day if day <= LAST else 0)
    if found >= EPOCHS:
        raise EpochsUsedUpError(highest=highest)
    return found


def is_again(standing: Standing, at: datetime) -> bool:
    """Whether an end that is lost at that time (UTC) is one too many for daemons. It is no second
    loss where the server has changed last: who knows more than the first one may tell of it."""
    if standing.resumed_at is None or standing.moved_at is not None:
        return False
    return standing.lost_since is not None or abs(at - standing.resumed_at) < AGAIN


def _standing(
    before: Standing, asked: Resumption, epoch: int, now: datetime, *, is_moved: bool
) -> Standing:
    """What is to be known of it from `now` on (UTC); by a daemon alone, nothing is settled, but
    that it is on that server, where one halted it that knew nothing of it there."""
    known = asked.reason is not None
    is_lost = asked.cause == ENTRIES_LOST
    lost_since = before.lost_since or (now if is_lost else None)
    is_lifted = known or (is_moved and before.halted_why == UNKNOWN_SERVER)
    return Standing(
        epoch=epoch,
        resumed_at=now,
        lost_since=None if known else lost_since,
        moved_at=now if asked.cause == ANOTHER_SERVER and not known else None,
        unproved_since=now,
        halted_since=None if is_lifted else before.halted_since,
        halted_why=None if is_lifted else before.halted_why,
        noticed_at=_noticed_at(before, asked, now),
        compared_at=None,
    )


def _noticed_at(before: Standing, asked: Resumption, now: datetime) -> datetime | None:
    """When the last loss was noticed: at `now` (UTC), or before. A person who goes on has not lost
    anything anew, unless nobody had noticed that something is missing."""
    known = before.noticed_at
    is_loss = asked.cause == ENTRIES_LOST or (asked.had, asked.signed) != (None, None)
    if asked.reason is None:
        return now if is_loss else known
    if is_loss:
        is_known = before.lost_since is not None and before.halted_since is None
        return known if is_known else now
    if known is None:
        # Where another server took over with nothing missing, to go on is no news of a loss.
        return None if before.moved_at is not None else now
    return known if before.lost_since is not None or now < known + STRANGE_FOR else now
