"""The resumption: the desk's own action of continuing although entries are known to be lost.

Orders after a resumption have higher numbers than all earlier orders. The live system still shows
the effects of missing entries, so every site is compared with the record. The number of an epoch is
the number of days since the beginning of 2026, or the number after the highest known epoch. So even
if an epoch was lost with all its records, its number is not used again on another day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from incidents.desk import accounts, own_stream
from incidents.desk.access import DENIALS, RECOVER, Access
from incidents.desk.own_stream import Actor
from incidents.errors import RefusedError
from incidents.machine import policy as machine_policy
from incidents.machine.command import DAEMON
from incidents.machine.refusal import Refusal
from incidents.record.own_events import HistoryResumed
from incidents.store import desk_state, entries
from incidents.store.desk_state import database_time
from incidents.store.log import lineage
from incidents.store.log.lineage import MAY_BE_LOST_FOR, UNKNOWN_SERVER, Standing
from incidents.values.ids import EPOCHS

ANOTHER_SERVER, ENTRIES_LOST, ASKED = "another_server", "entries_lost", "asked"

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LAST = 7_000
"""The last day, in 2045, that gives an epoch its number.

After that day, epochs are only counted; the same happens if a clock shows a later day. Receivers
keep the number of an order below 2^53, and each epoch has 10^12 numbers. So at least 2,000 epochs
are always left.
"""

AGAIN = timedelta(hours=1)
"""The minimum time between two resumptions by daemons, so that a person learns of the first.

Without it, two copies of a database that share one mark would resume in turn until all numbers are
used up.
"""


class EpochsUsedUpError(RefusedError):
    """no new epoch can start: {highest:,} was the last, because receivers keep no order number
    above 2^53. Find out whether a clock, or a mark beside the log's key, was wrong. If so, restore
    a copy from before that, and move the mark away"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """The cause of a resumption, and the known loss: see `HistoryResumed`.

    `epoch`: the highest epoch known anywhere, or 0 for the epoch of the database. `since`: the last
    time (UTC) when the history was complete; None if unknown. `reason`: text of a person, who
    thereby acknowledges that entries are missing.
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
    """The refusal if that person may not resume the record; the refusal is counted.

    Call this before `resume`. The resumption compares each site with the live system and repeats
    its order in the person's name, as `orders reconcile` does. So the person must be a supervisor
    if there are accounts. No sign-in is needed, because a resumption makes no decision about a
    site, and everybody who can run it has the log's key.
    """
    policy = machine_policy.read(
        desk_state.policy_toml(connection, desk_state.active_policy(connection))
    )
    refusal = Access(connection, policy, clock()).refused_recovery(by)
    if refusal is not None:
        why = DENIALS[refusal.name]
        accounts.refuse(connection, Actor(person=by, login=login), clock, action=RECOVER, why=why)
    return refusal


def resume(
    connection: Connection, request: Resumption, clock: Callable[[], datetime]
) -> HistoryResumed:
    """Record the resumption, and begin the next epoch, at the database's time if it has a clock.

    Raises:
        EpochsUsedUpError: if no epoch is left.
    """
    desk_state.lock_policy_shared(connection)
    # One clock for all machines. If it was ahead once, the record's time never goes back, but the
    # days of epochs do.
    now = database_time(connection) or clock()
    place = own_stream.place(connection, lambda: now)
    before, on = lineage.standing(connection), lineage.read(connection)
    event = own_stream.record(
        connection, place, HistoryResumed, request.by, request.login, reason=request.reason,
        epoch=next_epoch(max(before.epoch, request.epoch), now), cause=request.cause,
        entries=entries.last_id(connection), since=request.since or place.now, had=request.had,
        signed=request.signed,
    )  # fmt: skip
    new = _standing(before, request, event.epoch, now, is_moved=on.is_new)
    lineage.resume(connection, new, on.found)
    return event


def next_epoch(highest: int, now: datetime) -> int:
    """The number of an epoch that begins at `now` (UTC), after the highest known one.

    Raises EpochsUsedUpError if no epoch is left.
    """
    day = (now - FIRST_DAY).days
    found = max(highest + 1, day if day <= LAST else 0)
    if found >= EPOCHS:
        raise EpochsUsedUpError(highest=highest)
    return found


def is_too_soon(standing: Standing, at: datetime) -> bool:
    """Whether a loss at `at` (UTC) is too soon after another for daemons to resume.

    If the last resumption was for a change of server, the loss does not count as a second one,
    because another daemon may know more than the first daemon did.
    """
    if standing.resumed_at is None or standing.moved_at is not None:
        return False
    return standing.lost_since is not None or abs(at - standing.resumed_at) < AGAIN


def _standing(
    before: Standing, request: Resumption, epoch: int, now: datetime, *, is_moved: bool
) -> Standing:
    """The state of the record from `now` (UTC) on.

    A daemon's resumption ends a halt only if the halt was by a daemon that did not know the new
    server; a person's resumption ends any halt.
    """
    known = request.reason is not None
    is_lost = request.cause == ENTRIES_LOST
    lost_since = before.lost_since or (now if is_lost else None)
    is_lifted = known or (is_moved and before.halted_why == UNKNOWN_SERVER)
    return Standing(
        epoch=epoch,
        resumed_at=now,
        lost_since=None if known else lost_since,
        moved_at=now if request.cause == ANOTHER_SERVER and not known else None,
        unproved_since=now,
        halted_since=None if is_lifted else before.halted_since,
        halted_why=None if is_lifted else before.halted_why,
        noticed_at=_noticed_at(before, request, now),
        compared_at=None,
    )


def _noticed_at(before: Standing, request: Resumption, now: datetime) -> datetime | None:
    """When the last loss was noticed: at `now` (UTC), or earlier.

    A person's resumption is not a new loss, unless nobody had noticed the loss before.
    """
    known = before.noticed_at
    is_loss = request.cause == ENTRIES_LOST or (request.had, request.signed) != (None, None)
    if request.reason is None:
        return now if is_loss else known
    if is_loss:
        is_known = before.lost_since is not None and before.halted_since is None
        return known if is_known else now
    if known is None:
        # If another server took over with nothing missing, a resumption is no news of a loss.
        return None if before.moved_at is not None else now
    return known if before.lost_since is not None or now < known + MAY_BE_LOST_FOR else now
