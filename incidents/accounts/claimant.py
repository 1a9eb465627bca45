"""The claimant: the name that somebody gives, what is there under it, and how guesses count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions, throttle
from incidents.accounts.identity import is_handle
from incidents.accounts.open_sessions import KNOWN_FOR
from incidents.accounts.seal import Seal, of_password
from incidents.accounts.throttle import NOBODY
from incidents.log import logger
from incidents.store import accounts, passwords, sign_ins

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.accounts.identity import Identity
    from incidents.accounts.throttle import Guess
    from incidents.store.accounts import Account

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
            return throttle.by_known(self.name, known)
        if program is not None and program.handle == self.name:
            return throttle.with_token(self.name, str(program.token))
        if self.is_known_here:
            return throttle.at_known_place(self.name, address)
        return throttle.by_stranger(self.name, address)


def find(
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
        address is not None and sign_ins.has_come(connection, name, address, now - KNOWN_FOR),
    )
