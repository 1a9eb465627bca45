"""The tables of the record: its entries, and people's own words, which they refer to."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from incidents.store.metadata import metadata
from incidents.store.types import Number, UTCDateTime, Word

DESK_STREAM = 0
"""The site id of the desk's own stream of entries: acts that belong to no site."""

entries = Table(
    "entries",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # Not a foreign key: the desk's own stream is nobody's site.
    Column("site_id", Number, nullable=False),
    Column("site_seq", Number, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("body", Text, nullable=False),
    # RFC 6962, section 2.1, of the body in UTF-8.
    Column("leaf_hash", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
Index("uq_entries_site_id_site_seq", entries.c.site_id, entries.c.site_seq, unique=True)
Index("ix_entries_recorded_at", entries.c.recorded_at)

sealed = Table(
    "sealed",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("value", Text, nullable=False),
    # Whose entry refers to it, and when that was recorded: what may be erased, and when.
    Column("site_id", Number, nullable=False),
    Column("sealed_at", UTCDateTime, nullable=False),
)
Index("ix_sealed_site_id", sealed.c.site_id, sealed.c.sealed_at)
