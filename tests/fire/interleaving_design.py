"""The design of a transaction, as data: in which order each database's transactions take steps.

The search of `interleavings` follows these orders, and a test holds them against the statements
that a real desk sends. A design that is wrong is one with its steps in another order.
"""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = "begin"
"""The transaction has begun; nothing is read or locked yet."""
PEEK = "peek"
"""A look without a lock for anything due; if there is nothing, the daemon goes to sleep again."""
LOCK = "lock"
"""Waits until the site is free, and takes it (`FOR UPDATE`; SQLite: `BEGIN IMMEDIATE`)."""
LOCK_DUE = "lock due"
"""Takes the site if it is free and, as its row is now, due (`next_due < now … SKIP LOCKED`)."""
LOCK_FREE = "lock free"
"""Takes the site if it is free, due or not. No design has this; a mutant does."""
CHOOSE = "choose"
"""Whether the site is due, read under a lock that is held already; if it is not, the end."""
CLOCK = "clock"
"""Reads the clock: the `now` by which the transaction decides."""
KEYS = "keys"
"""Looks for the command's key among those that are kept."""
READ = "read"
"""Reads the site's case."""
WRITE = "write"
"""Decides, and writes entries, orders, rows and key: nobody else sees them yet."""
COMMIT = "commit"
"""All of it is there at once, and the site is free."""
ACKNOWLEDGE = "acknowledge"
"""The person who acts gets the answer."""


@dataclass(frozen=True, slots=True)
class Design:
    """The order of an operator's steps and of a daemon's, and what a commit brings with it."""

    name: str
    operator: tuple[str, ...]
    daemon: tuple[str, ...]
    keeps_key: bool = True
    saves_next_due: bool = True


POSTGRESQL = Design(
    "postgresql",
    operator=(BEGIN, LOCK, KEYS, CLOCK, READ, WRITE, COMMIT, ACKNOWLEDGE),
    daemon=(BEGIN, LOCK_DUE, CLOCK, READ, WRITE, COMMIT),
)
"""The site's row is the lock. Daemons pass a locked site by."""

SQLITE = Design(
    "sqlite",
    operator=(BEGIN, LOCK, KEYS, CLOCK, READ, WRITE, COMMIT, ACKNOWLEDGE),
    daemon=(PEEK, LOCK, CHOOSE, CLOCK, READ, WRITE, COMMIT),
)
"""The whole file is the lock, and is waited for; so a daemon first looks whether it needs it."""

DESIGNS = {design.name: design for design in (POSTGRESQL, SQLITE)}
