"""The desk's own stream: recorded actions that belong to no site, with their author.

An account action locks the desk's row first, so that two account actions never run at once. Anybody
who can reach the database can create the first accounts. As soon as an administrator has a
password, only a signed-in person can manage accounts: otherwise, one person could give another
account a new password, and then act as two people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, update

from incidents.clock import rfc3339
from incidents.errors import RefusedError
from incidents.machine.events import Event
from incidents.record.entry import DESK, encode
from incidents.record.sealing import digest_of, is_digest_of, seal
from incidents.store import desk_state, entries
from incidents.store.accounts import accounts
from incidents.store.expired_keys import SPENT
from incidents.store.schema.desk_tables import DESK_STREAM, desk

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Place:
    """The position of the next entry, under the desk's lock.

    `policy`: the digest of the active policy. `seq`: the number of the entry. `now`: its time
    (UTC).
    """

    policy: str
    seq: int
    now: datetime


def locked(connection: Connection) -> tuple[str, int]:
    """Lock the desk's row; return the active policy's digest and the last entry's number."""
    return desk_state.lock_desk(connection)


def place(connection: Connection, clock: Callable[[], datetime]) -> Place:
    """The position of the next entry, for `record`.

    Any needed locks on sites must be taken before.
    """
    policy, last = locked(connection)
    return after(connection, policy, last, clock())


def after(connection: Connection, policy: str, last: int, now: datetime) -> Place:
    """The position after the entry `last`; the time of entries never goes back."""
    return Place(policy, last + 1, max(now, entries.last_of_desk(connection) or now))


def record(
    connection: Connection, at: Place, kind: type[E], by: str, login: str | None, *,
    reason: str | None = None, **own: Any,
) -> E:  # fmt: skip
    """Record an event of that kind at the position `at`.

    The reason, if any, is sealed, and is the `text` of the event.
    """
    if reason is not None:
        words = seal(reason)
        entries.add_sealed(connection, [entries.Sealed(*words, DESK_STREAM, at.now)])
        own["text"] = words[0]
    facts = {"policy": at.policy, **own}
    event = kind(occurred_at=at.now, recorded_at=at.now, by=by, **facts)
    body = encode(event, DESK, DESK_STREAM, at.seq, login)
    entries.add_entries(connection, [entries.Entry.of(DESK_STREAM, at.seq, at.now, body)])
    connection.execute(update(desk).values(seq=at.seq))
    return event


class Recorded:
    """An event to record with `record_all`: its kind, its own facts, and its text, sealed here."""

    __slots__ = ("facts", "kind", "text")

    def __init__(self, kind: type[Event], text: str, facts: Mapping[str, Any]) -> None:
        self.text = seal(text)
        self.kind, self.facts = kind, {**facts, "text": self.text[0]}


def record_all(
    connection: Connection, at: Place, events: Sequence[Recorded], by: str, login: str | None
) -> None:
    """Record events of one action, from the position `at` on; the entries are written at once."""
    bodies, sealed = [], []
    for seq, each in enumerate(events, start=at.seq):
        event = each.kind(
            occurred_at=at.now, recorded_at=at.now, by=by, policy=at.policy, **each.facts
        )
        body = encode(event, DESK, DESK_STREAM, seq, login)
        bodies.append(entries.Entry.of(DESK_STREAM, seq, at.now, body))
        sealed.append(entries.Sealed(*each.text, DESK_STREAM, at.now))
    if events:
        entries.add_sealed(connection, sealed)
        entries.add_entries(connection, bodies)
        connection.execute(update(desk).values(seq=at.seq + len(events) - 1))


class KeyReusedError(RefusedError):
    """the key {key!r} was used for another action: choose another one"""


class KeySpentError(RefusedError):
    """the key {key!r} was used at {at}, and the answer is no longer stored: nothing was done again;
    if this is another action, choose another key"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """An idempotency key, with the person and the request that it belongs to.

    A repeated request must have the same person and content. Without a key, every request is
    performed. For `given_key`, see `Envelope`.
    """

    key: str | None
    by: str
    request: str
    given_key: str | None = None

    def before(self, connection: Connection) -> Mapping[str, Any] | None:
        """The stored answer if the action was already performed, otherwise None.

        Locks the desk's row.

        Raises:
            KeyReusedError: if the key was used for another action.
            KeySpentError: if it was used so long ago that the answer is gone.
        """
        if self.key is None:
            return None
        locked(connection)
        kept = desk_state.answers_kept(connection, [self.key]).get(self.key)
        if kept is None:
            return None
        if kept.fingerprint == SPENT:
            raise KeySpentError(key=self.given_key or self.key, at=rfc3339(kept.recorded_at))
        if not is_digest_of(kept.fingerprint, self.request):
            raise KeyReusedError(key=self.given_key or self.key)
        return kept.answer

    def keep(self, connection: Connection, answer: Mapping[str, Any], now: datetime) -> None:
        """Store the answer for repetitions of the action, which was performed at `now` (UTC)."""
        if self.key is not None:
            kept = desk_state.KeptAnswer(self.key, digest_of(self.request), answer, now, self.by)
            desk_state.save_answers(connection, [kept], ())


Clock = Callable[[], datetime]


class AccountSignInError(RefusedError):
    """{by} is not signed in: an administrator of this desk has a password, so only signed-in people
    can manage accounts, passwords and tokens"""

    @property
    def name(self) -> str:
        """The name shared by all refusals for a missing sign-in."""
        return "sign_in_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person who acts, with their login.

    `signed_in`: the person is authenticated as an account of this database, and may perform the
    action by its role, or because the action concerns only their own account.
    """

    person: str
    login: str | None
    signed_in: bool = False


class AccountAction:
    """An action on accounts, at its position in the stream.

    Further entries of the same action follow directly.

    Raises:
        AccountSignInError: if the action needs a sign-in, and nobody has signed in.
    """

    def __init__(
        self, connection: Connection, by: Actor, clock: Clock, *, open_to_all: bool = False
    ) -> None:
        self._connection, self._by = connection, by
        self._place = place(connection, clock)
        self.now = self._place.now
        if not (open_to_all or by.signed_in) and accounts.password_admins(connection):
            raise AccountSignInError(by=by.person)

    def record(self, kind: type[Event], *, reason: str | None = None, **own: Any) -> None:
        """Record an event of that kind, by the person and at the time of the action."""
        by = self._by
        record(self._connection, self._place, kind, by.person, by.login, reason=reason, **own)
        self._place = replace(self._place, seq=self._place.seq + 1)
