"""The throttle for sign-ins: limits by account, address and browser.

Other people can cause only a short wait that never grows: for a name, anybody who guesses passwords
for that name, and for an address, anybody who shares that address. A growing wait affects only the
source of the mistakes: one name from one address, one known browser or address of the name, one
token, one session, one terminal, or one second person for somebody. Each source is counted
separately, and so are the first guesses at a name from another address; otherwise a persistent
guesser could lock everybody out. A guess is counted before it is checked, so parallel guesses gain
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions
from incidents.accounts.identity import is_handle
from incidents.accounts.open_sessions import KNOWN_FOR
from incidents.accounts.serve_key import Seal, password_facts
from incidents.accounts.sign_in_log import UNKNOWN_NAME
from incidents.errors import RefusedError
from incidents.log import logger
from incidents.store.accounts import accounts, passwords, sign_ins
from incidents.store.database.engine import plainly, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.accounts.identity import Identity
    from incidents.store.accounts.accounts import Account


FORGET_AFTER = timedelta(hours=1)
"""If nobody makes a mistake for this time, earlier mistakes no longer count."""


class BlockedError(RefusedError):
    """too many failed sign-ins: try again in {wait_s} seconds"""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The number of free mistakes, and the wait after each further one: `first`, doubled to `most`.

    `shared`: other people's mistakes count as well, so a sign-in clears none of them. The limit
    does not apply to somebody with fewer than `spared` mistakes of their own.
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
"""The limit for one source: twelve guesses in the first hour, then four an hour."""
OF_ADDRESS = RateLimit(20, _MINUTE, _MINUTE, shared=True)
"""The limit for one address: eighty guesses in the first hour, then sixty an hour."""
OF_NAME = RateLimit(50, _MINUTE, _MINUTE, shared=True, spared=2)
"""The limit for one name: 110 guesses in the first hour, then sixty an hour, in addition to the
first two guesses from each source."""

CODES = RateLimit(20, 15 * _MINUTE, 15 * _MINUTE, shared=True)
"""The limit for the codes of one name, from everywhere: of a million codes 24 in the first hour,
then four an hour. Only somebody who has just given the right password can use it up."""

Guess = Mapping[str, RateLimit]
"""The rate limits that apply to a guess, by counter."""


def from_unknown_browser(handle: str, address: str) -> Guess:
    """A guess from a browser and an address from which that name has not signed in before."""
    return {
        f"as {handle} from {address}": OWN, f"from {address}": OF_ADDRESS, f"as {handle}": OF_NAME,
    }  # fmt: skip


def from_known_browser(handle: str, word: str) -> Guess:
    """A guess from a known browser, which other people's mistakes do not delay."""
    return {f"known {handle} {word}": OWN}


def from_known_address(handle: str, address: str) -> Guess:
    """A guess from an address that this name has signed in from."""
    return {f"known {handle} at {address}": OWN}


def with_token(handle: str, token: str) -> Guess:
    """A guess with a token of the name, as the command line sends it through a server."""
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


def with_code(handle: str, place: str) -> Guess:
    """A guess at the second factor of a name whose password was right."""
    return {f"code {handle} from {place}": OWN, f"code {handle}": CODES}


class Throttle:
    """The throttle of one database; `clock` gives aware times in UTC.

    Both methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def count(self, guess: Guess) -> Guess:
        """Count a guess before it is checked, and return the rate limits that apply to it.

        Raises:
            BlockedError: if it is too early for another guess, which is then not counted.
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
        """Remove a correct guess from the counts.

        A shared count loses only this guess, because other people may be guessing at the same name
        or from the same address, and the person may be guessing at another account.
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
    """Somebody who claims to be `name`, with the account and the password hash of that name."""

    name: str
    account: Account | None
    hash: str | None
    is_known_here: bool

    def guess(self, address: str, browser: str, program: Identity | None, now: datetime) -> Guess:
        """Return the rate limits for a guess at `now` (UTC); `program`: the owner of the token."""
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
    """Look up a name at `now` (UTC); an unknown name takes equally long.

    A password counts only if it has the `seal` and is the last password on record for the name.
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
