"""The throttle of sign-ins, with their log: how many guesses an hour, by whom, at which account.

Nobody is named as having failed: whoever guesses is not whose name they give, and of a name that is
nobody's only that there was one is kept.

Each failure at an account has a line with its time, reason and address. Names that are nobody's can
be made up without end, from addresses without end, and the log is kept for half a year: so of these
only the first few of an address and a day have a line, and all are counted, by the day, reason and
address; those of further addresses together. No more than that is kept however long somebody
guesses, and the count is true.

What somebody else can bring about is a short wait that never grows: for a name, whoever guesses at
it, and for an address, whoever shares it. A wait that grows is only for who has made the mistakes:
one name from one address, one browser or address that the name has come in by, one program of
theirs, one session, one terminal, one second person beside somebody. These have slots of their own,
which nobody else takes, and so have the first guesses at a name from another address: or whoever
guesses for long enough would keep everybody out. A guess counts before it is looked at, so that
many at once gain nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from incidents.accounts import open_sessions
from incidents.accounts.identity import is_handle
from incidents.accounts.open_sessions import KNOWN_FOR
from incidents.accounts.serve_key import Seal, of_password
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
"""By what somebody proves who they are."""

NOBODY = "?"
"""In place of a name that is nobody's: it may be anything that was typed, a password too."""

FEW = 5
"""So many failures under unknown names have a line each, of an address and a day (UTC)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What somebody tries to come in for: as `sign_ins.SignIn` has it."""

    what: str
    how: How
    place: str | None
    by: str | None = None
    session: str | None = None


class SignInLog:
    """The log of one database; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def let_in(self, trial: Trial, handle: str, within: Connection | None = None) -> None:
        """That somebody came in as `handle`; `within` a transaction, or in one of its own."""
        line = _line(trial, OK, handle, self._clock())
        if within is not None:
            sign_ins.add(within, line)
            return
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.add(connection, line)

    def refuse(self, trial: Trial, account: Account | None, *, right: bool) -> None:
        """That somebody was not let in, though they were looked at; `right`: by the password, or by
        what their provider says, it was the person of that account."""
        if account is None:
            self._refuse(trial, "no_account", None)
        else:
            self._refuse(trial, "disabled" if right else "wrong_password", account.handle)

    def refuse_unknown(self, how: How, place: str | None, why: str) -> None:
        """That somebody, nobody knows who, was not let in."""
        self._refuse(Trial("sign_in", how, place), why, None)

    def count_blocked(self, trial: Trial, account: Account | None) -> None:
        """That nobody was looked at, after too many mistakes; a row for each would be a way to fill
        the disk."""
        handle = NOBODY if account is None else account.handle
        self.count(Refusal(handle, trial.place or "", trial.what, "blocked", trial.by))

    def count(self, refusal: Refusal) -> None:
        """Counts, by the day and address, what anybody can bring about."""
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count_bounded(connection, refusal, self._clock())

    def _refuse(self, trial: Trial, why: str, handle: str | None) -> None:
        """As much is done whether there is such an account or not: time would tell."""
        now, unknown = self._clock(), Refusal(NOBODY, trial.place or "", trial.what, why)
        with plainly(self._engine), writing(self._engine) as connection:
            n = sign_ins.count_bounded(connection, unknown, now, wanted=handle is None)
            sign_ins.add_if(connection, _line(trial, why, handle, now), n <= FEW)


def _line(trial: Trial, result: str, handle: str | None, at: datetime) -> SignIn:
    return SignIn(at, trial.what, result, trial.how, handle, trial.by, trial.place, trial.session)


FORGOTTEN_AFTER = timedelta(hours=1)
"""So long after the last one, mistakes count no more."""


class BlockedError(RefusedError):
    """too many failed sign-ins: try again in {wait_s} seconds"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many mistakes are free; each one more costs a wait, `first`, which doubles up to `most`.

    `shared`: others' mistakes count as well, so that to come in takes none of them away. It is no
    matter of who has made fewer than `spared` mistakes of their own.
    """

    free: int
    first: timedelta
    most: timedelta
    shared: bool = False
    spared: int = 0

    def wait(self, failures: int, last: datetime, now: datetime) -> timedelta:
        """How long nobody is looked at still, after so many mistakes, the last of them at `last`
        (UTC); none if it is zero or less."""
        beyond = failures - self.free
        if beyond < 0:
            return timedelta(0)
        wait: timedelta = min(self.most, self.first * 2 ** min(beyond, 10))
        return last + wait - now


_HALF_A_MINUTE, _MINUTE, _LONGEST = (timedelta(seconds=s) for s in (30, 60, 900))
OWN = Allowance(5, _HALF_A_MINUTE, _LONGEST)
"""Twelve guesses in the first hour, then four an hour."""
OF_ADDRESS = Allowance(20, _MINUTE, _MINUTE, shared=True)
"""Eighty guesses in the first hour, then sixty an hour."""
OF_NAME = Allowance(50, _MINUTE, _MINUTE, shared=True, spared=2)
"""A hundred and ten guesses in the first hour, then sixty an hour, from however many places, beside
the first two from each."""

Guess = Mapping[str, Allowance]
"""By what a guess counts."""


def by_stranger(handle: str, address: str) -> Guess:
    """A guess from a browser and an address that are not known as that name's."""
    return {
        f"as {handle} from {address}": OWN, f"from {address}": OF_ADDRESS, f"as {handle}": OF_NAME,
    }  # fmt: skip


def by_known(handle: str, word: str) -> Guess:
    """A guess from a browser that is: it waits for nobody else's mistakes."""
    return {f"known {handle} {word}": OWN}


def at_known_place(handle: str, address: str) -> Guess:
    """A guess from an address that this name has come in from."""
    return {f"known {handle} at {address}": OWN}


def with_token(handle: str, token: str) -> Guess:
    """A guess beside a token of that name's, as the command line has one over a server."""
    return {f"{handle} by token {token}": OWN}


def in_session(handle: str, session: str) -> Guess:
    """A guess of somebody who has that session of that name."""
    return {f"in {handle} {session}": OWN}


def at_terminal(handle: str, place: str) -> Guess:
    """A guess at a terminal beside the database, where nobody comes over the network."""
    return {f"as {handle} from {place}": OWN}


def beside(handle: str, first: str) -> Guess:
    """A guess as the second person to what `first` does, who has come in."""
    return {f"second {handle} beside {first}": OWN, f"second beside {first}": OF_ADDRESS}


class Throttle:
    """The throttle of one database; `clock` gives aware times in UTC.

    Both raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def count(self, guess: Guess) -> Guess:
        """Counts a guess that is about to be looked at; by what it counts.

        Raises:
            BlockedError: if it is too early for one; it counts for nothing then.
        """
        now = self._clock()
        with plainly(self._engine), writing(self._engine) as connection:
            known = passwords.failures(connection, guess, now)
            so_far = {
                key: (0 if now - last >= FORGOTTEN_AFTER else failures, last)
                for key, (failures, last) in known.items()
            }
            own = max(so_far[key][0] for key, allowed in guess.items() if not allowed.shared)
            counts = {key: each for key, each in guess.items() if own >= each.spared}
            wait = max(allowed.wait(*so_far[key], now) for key, allowed in counts.items())
            if wait > timedelta(0):
                raise BlockedError(wait_s=-(-wait // timedelta(seconds=1)))
            for key in counts:
                passwords.count(connection, key, so_far[key][0] + 1, now)
            passwords.delete_old_failures(connection, now - FORGOTTEN_AFTER)
        return counts

    def was_right(self, guess: Guess) -> None:
        """It was no mistake, as it was counted. Of what is shared only this one was none: who has
        an account may be guessing at another one, and who is guessed at comes in meanwhile."""
        with plainly(self._engine), writing(self._engine) as connection:
            for key in sorted(guess):
                if guess[key].shared:
                    passwords.undo_failure(connection, key)
                else:
                    passwords.delete_failures(connection, key)


_log = logger("accounts")


@dataclass(frozen=True, slots=True)
class Claimant:
    """Somebody who says that they are `name`: the account of that name, the digest of its password,
    and whether its person has come in before from where they are."""

    name: str
    account: Account | None
    hash: str | None
    is_known_here: bool

    def guess(self, address: str, browser: str, program: Identity | None, now: datetime) -> Guess:
        """By what a guess counts at `now` (UTC): by what is known as the name's alone, if anything
        is. `program` is whose token came with it."""
        known = open_sessions.word_of(browser, self.name, self.hash, now)
        if known is not None:
            return by_known(self.name, known)
        if program is not None and program.handle == self.name:
            return with_token(self.name, str(program.token))
        if self.is_known_here:
            return at_known_place(self.name, address)
        return by_stranger(self.name, address)


def find_claimant(
    connection: Connection, handle: str, address: str | None, seal: Seal, now: datetime
) -> Claimant:
    """Who gives that name, at that address, at `now` (UTC): as much is done for one that is
    nobody's.

    Of a password only what bears the `seal`, and is the last one by the record, counts.
    """
    # What is no handle is nobody's name, and may hold what no database takes.
    name = handle if is_handle(handle) else NOBODY
    kept, said = passwords.of(connection, name), passwords.last_on_record(connection, name)
    if kept is not None and not (
        seal.holds(kept.seal, of_password(kept)) and passwords.is_last_on_record(said, kept.hash)
    ):
        _log.warning("a password was put there beside the record", handle=name)
        kept = None
    return Claimant(
        name,
        accounts.account(connection, name),
        None if kept is None else kept.hash,
        address is not None and sign_ins.has_signed_in(connection, name, address, now - KNOWN_FOR),
    )
