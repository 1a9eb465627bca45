"""The desk's own action on its address book: import entries, on record with who did it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.record.report_events import AddressBookImported
from incidents.store.inbox import address_book
from incidents.store.inbox.address_book import Holding


class BookImported(NamedTuple):
    """The number of entries that were imported, and of those that were in the book before."""

    entries: int
    replaced: int


def import_(
    connection: Connection, *, holdings: Sequence[Holding], digest: str, by: str, login: str | None,
    clock: Callable[[], datetime],
) -> BookImported:  # fmt: skip
    """Import the entries of a file with that SHA-256 (hexadecimal); nothing else is removed."""
    place = own_stream.place(connection, clock)
    done = BookImported(*address_book.save(connection, holdings))
    own_stream.record(
        connection, place, AddressBookImported, by, login, digest=digest, **done._asdict()
    )
    return done
