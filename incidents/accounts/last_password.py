"""The last password: what the record, which nobody rewrites, says of whose was set last.

The table of passwords can be written by who has the database's password; an old row that is put
back bears its seal still.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from incidents.record.entry import decode
from incidents.record.own_events import PasswordSet
from incidents.store.accounts import passwords
from incidents.store.schema.tables import DESK_STREAM, entries


def said(connection: Connection, handle: str) -> PasswordSet | None:
    """How that account's password was set last; None if it never was."""
    of = entries.c
    found = connection.scalar(
        select(of.body)
        .where(
            of.site_id == DESK_STREAM,
            of.body.contains(f'"kind":"{PasswordSet.kind}"', autoescape=True),
            of.body.contains(f'"handle":"{handle}"', autoescape=True),
        )
        .order_by(of.site_seq.desc())
        .limit(1)
    )
    if found is None:
        return None
    event = decode(found)[1]
    assert isinstance(event, PasswordSet)
    return event


def is_it(said: PasswordSet | None, hash_: str) -> bool:
    """Whether that is the hash that was set last, as far as the record says: it does since 0015."""
    return said is None or said.kept in (None, passwords.kept(hash_))
