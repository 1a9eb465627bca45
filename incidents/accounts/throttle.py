"""The throttle of sign-ins, with their log: limits for guesses by account, address and browser.

Failures do not count as the named person's: the guesser is someone else. An unknown name is not
stored, only the fact that there was one.

Each failure at an account has a line with its time, reason and address. Unknown names can be made
up without end, from any number of addresses, and the log is kept for half a year. So only the first
few attempts from an address on a day have a line. All attempts are counted by day, reason and
address, those from further addresses together. This limits the log's size, and the count stays
exact.

Others can cause only a short wait that never grows: for a name, anybody who guesses at it, and for
an address, anybody who shares it. A growing wait affects only those who made the mistakes: one name
from one address, one known browser or address of the name, one program of theirs, one session, one
terminal, one second person for somebody. These are counted separately, as are the first guesses at
a name from another address: otherwise a persistent guesser would lock everybody out. A guess counts
before it is checked, so parallel guesses gain nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from incidents.accounts import open_sessions
from incidents.accounts.identity import is_handle
from incidents.accounts.open_sessions import KNOWN_FOR
from incidents.accounts.serve_key import Seal, password_facts
from incidents.errors import RefusedError
from incidents.log import logger
from incidents.store import accounts, passwords, sign_ins
from incidents.store.database.engine import plainly, writing
from incidents.store.sign_ins import OK, Refusal, SignIn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.accounts.identity import Identity
    from incidents.store.accounts import Account


How = Literal["password", "provider", "terminal"]
"""The method by which somebody proves their identity."""

UNKNOWN_NAME = "?"
"""The log's text for an unknown name, which may be anything that was typed, even a password."""

MOST_LINES = 5
"""The most failures under unknown names with a line each, by address and day (UTC)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in, in the terms of `sign_ins.SignIn`."""

    what: str
    how: How
    place: str | None
    by: str | None = None
    session: str | None = None


class SignInLog:
    """The log of one database; `clock` gives aware times in UTC.

    All methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def record_success(
        self, attempt: Attempt, handle: str, within: Connection | None = None
    ) -> None:
        """Log that somebody signed in as `handle`; `within` a transaction, or in one of its own."""
        line = _line(attempt, OK, handle, self._clock())
        if within is not None:
            sign_ins.add(within, line)
            return
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.add(connection, line)

    def record_failure(self, attempt: Attempt, account: Account | None, *, right: bool) -> None:
        """Log a failed attempt; `right`: the password, or the provider's answer, was right."""
        if account is None:
            self._record_failure(attempt, "no_account", None)
        else:
            self._record_failure(attempt, "disabled" if right else "wrong_password", account.handle)

    def record_unknown(self, how: How, place: str | None, why: str) -> None:
        """Log a failed attempt by an unknown person."""
        self._record_failure(Attempt("sign_in", how, place), why, None)

    def record_blocked(self, attempt: Attempt, account: Account | None) -> None:
        """Count an attempt that was blocked unchecked: a row for each could fill the disk."""
        handle = UNKNOWN_NAME if account is None else account.handle
        self.count(Refusal(handle, attempt.place or "", attempt.what, "blocked", attempt.by))

    def count(self, refusal: Refusal) -> None:
        """Count, by day and address, a refusal that anybody can cause."""
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count_bounded(connection, refusal, self._clock())

    def _record_failure(self, attempt: Attempt, why: str, handle: str | None) -> None:
        """Log a failure, in the same time whether the account exists or not."""
        now, unknown = self._clock(), Refusal(UNKNOWN_NAME, attempt.place or "", attempt.what, why)
        with plainly(self._engine), writing(self._engine) as connection:
            n = sign_ins.count_bounded(connection, unknown, now, wanted=handle is None)
            sign_ins.add_if(connection, _line(attempt, why, handle, now), n <= MOST_LINES)


def _line(attempt: Attempt, result: str, handle: str | None, at: datetime) -> SignIn:
    return SignIn(
        at, attempt.what, result, attempt.how, handle, attempt.by, attempt.place, attempt.session
    )


FORGET_AFTER = timedelta(hours=1)
"""The time after the last mistake at which mistakes stop counting."""


class BlockedError(RefusedError):
    """too many failed sign-ins: try again in {wait_s} seconds"""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The number of free mistakes; each further one costs a wait, `first`, doubled up to `most`.

    `shared`: others' mistakes count as well, so a sign-in clears none of them. It does not apply to
    somebody with fewer than `spared` mistakes of their own.
    """

    free: int
    first: timedelta
    most: timedelta
    shared: bool = False
    spared: int = 0

    def wait(self, failures: int, last: datetime, now: datetime) -> timedelta:
        """The wait before the next check, if above zero; `last`: the last failure's time (UTC)."""
        beyond = failures - self.free
        if beyond < 0:
            return timedelta(0)
        wait: timedelta = min(self.most, self.first * 2 ** min(beyond, 10))
        return last + wait - now


_HALF_A_MINUTE, _MINUTE, _LONGEST = (timedelta(seconds=s) for s in (30, 60, 900))
OWN = RateLimit(5, _HALF_A_MINUTE, _LONGEST)
"""Twelve guesses in the first hour, then four an hour."""
OF_ADDRESS = RateLimit(20, _MINUTE, _MINUTE, shared=True)
"""Eighty guesses in the first hour, then sixty an hour."""
OF_NAME = RateLimit(50, _MINUTE, _MINUTE, shared=True, spared=2)
"""110 guesses in the first hour, then sixty an hour, beside the first two from each place."""

Guess = Mapping[str, RateLimit]
"""The rate limits of a guess, by counter."""


def from_unknown_browser(handle: str, address: str) -> Guess:
    """A guess from a browser and an address that are unknown for that name."""
    return {
        f"as {handle} from {address}": OWN, f"from {address}": OF_ADDRESS, f"as {handle}": OF_NAME,
    }  # fmt: skip


def from_known_browser(handle: str, word: str) -> Guess:
    """A guess from a known browser: others' mistakes do not delay it."""
    return {f"known {handle} {word}": OWN}


def from_known_address(handle: str, address: str) -> Guess:
    """A guess from an address that this name has signed in from."""
    return {f"known {handle} at {address}": OWN}


def with_token(handle: str, token: str) -> Guess:
    """A guess with a token of the name, as the command line sends it over a server."""
    return {f"{handle} by token {token}": OWN}


def in_session(handle: str, session: str) -> Guess:
    """A guess in a session of that name."""
    return {f"in {handle} {session}": OWN}


def at_terminal(handle: str, place: str) -> Guess:
    """A guess at a terminal beside the database, not over the network."""
    return {f"as {handle} from {place}": OWN}


def beside(handle: str, first: str) -> Guess:
    """A guess as the second person for an action of `first`, who has signed in."""
    return {f"second {handle} beside {first}": OWN, f"second beside {first}": OF_ADDRESS}


class Throttle:
    """The throttle of one database; `clock` gives aware times in UTC.

    Both methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def count(self, guess: Guess) -> Guess:
        """Count a guess before it is checked, and return the rate limits that counted it.

        Raises:
            BlockedError: if it is too early for a guess; it is not counted then.
        """
        now = self._clock()
        with plainly(self._engine), writing(self._engine) as connection:
            known = passwords.failures(connection, guess, now)
            so_far = {
                key: (0 if now - last >= FORGET_AFTER else failures, last)
                for key, (failures, last) in known.items()
            }
            own = max(so_far[key][0] for key, allowed in guess.items() if not allowed.shared)
            counts = {key: each for key, each in guess.items() if own >= each.spared}
            wait = max(allowed.wait(*so_far[key], now) for key, allowed in counts.items())
            if wait > timedelta(0):
                raise BlockedError(wait_s=-(-wait // timedelta(seconds=1)))
            for key in counts:
                passwords.count(connection, key, so_far[key][0] + 1, now)
            passwords.delete_old_failures(connection, now - FORGET_AFTER)
        return counts

    def uncount(self, guess: Guess) -> None:
        """Remove a right guess from the counts.

        From a shared count only this guess is removed: others may be guessing at that name or from
        that address, and the person may be guessing at another account.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            for key in sorted(guess):
                if guess[key].shared:
                    passwords.undo_failure(connection, key)
                else:
                    passwords.delete_failures(connection, key)


_log = logger("accounts")


@dataclass(frozen=True, slots=True)
class Claimant:
    """Somebody who claims to be `name`, with the name's account and its password's hash."""

    name: str
    account: Account | None
    hash: str | None
    is_known_here: bool

    def guess(self, address: str, browser: str, program: Identity | None, now: datetime) -> Guess:
        """Return the rate limits at `now` (UTC); `program`: the owner of the token, or None."""
        known = open_sessions.known_browser(browser, self.name, self.hash, now)
        if known is not None:
            return from_known_browser(self.name, known)
        if program is not None and program.handle == self.name:
            return with_token(self.name, str(program.token))
        if self.is_known_here:
            return from_known_address(self.name, address)
        return from_unknown_browser(self.name, address)


def find_claimant(
    connection: Connection, handle: str, address: str | None, seal: Seal, now: datetime
) -> Claimant:
    """Look up a name at that address at `now` (UTC), with the same work for an unknown name.

    A password counts only if it has the `seal` and is the last one on record.
    """
    # Text that is no handle may have characters that databases refuse.
    name = handle if is_handle(handle) else UNKNOWN_NAME
    kept, recorded = passwords.of(connection, name), passwords.last_on_record(connection, name)
    if kept is not None and not (
        seal.holds(kept.seal, password_facts(kept))
        and passwords.is_last_on_record(recorded, kept.hash)
    ):
        _log.warning("a password was set outside the record", handle=name)
        kept = None
    return Claimant(
        name,
        accounts.account(connection, name),
        None if kept is None else kept.hash,
        address is not None and sign_ins.has_signed_in(connection, name, address, now - KNOWN_FOR),
    )
