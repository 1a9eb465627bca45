"""The tables of the desk itself: its policies, the keys of commands, the daemons that beat."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, Text

from incidents.store.metadata import UNRECORDED, metadata
from incidents.store.types import JSONText, Number, UTCDateTime, Word

keys = Table(
    "keys",
    metadata,
    Column("key", Word, primary_key=True),
    Column("fingerprint", Word, nullable=False),
    Column("answer", JSONText(sort_keys=False), nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("person", Word, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("digest", Word, primary_key=True),
    Column("toml", Text, nullable=False),
    # None for the documented policy, which is active from the start.
    Column("activated_at", UTCDateTime),
    Column("by", Word),
    Column("reason", Word),
)

desk = Table(
    "desk",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("policy", Word, ForeignKey("policies.digest"), nullable=False),
    Column("seq", Number, nullable=False),
    # Raised whenever this history goes on from less, or on another server, than it was known to be.
    Column("epoch", Number, nullable=False, server_default="0"),
    # Drawn when the database was made; a copy of it has the same.
    Column("identity", Word, nullable=False, server_default="", info=UNRECORDED),
    # The server that it was on when it was looked at last (see `lineage`); None before the first
    # look, and on SQLite.
    Column("lineage", Word, info=UNRECORDED),
    # When the epoch began; since when entries are known to be missing, until a person knows of it;
    # when it was found on another server with nothing known to be missing; since when the world has
    # to be compared with the record; and since when nothing is carried out, until a person goes on.
    Column("resumed_at", UTCDateTime, info=UNRECORDED),
    Column("lost_since", UTCDateTime, info=UNRECORDED),
    Column("moved_at", UTCDateTime, info=UNRECORDED),
    Column("unproved_since", UTCDateTime, info=UNRECORDED),
    Column("halted_since", UTCDateTime, info=UNRECORDED),
    # By a code of `lineage`; None also where a version of before 0017 halted it.
    Column("halted_why", Word, info=UNRECORDED),
    # When the last loss was noticed, whoever has gone on since; None where nothing is known to be
    # missing.
    Column("noticed_at", UTCDateTime, info=UNRECORDED),
    CheckConstraint("id = 1", name="single"),
)

# Its one row says that the database is a rehearsal: any clock is taken. It was put there when the
# database was made, and no entry knows of it.
rehearsal = Table(
    "rehearsal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    CheckConstraint("id = 1", name="single"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("daemon", Word, primary_key=True),
    Column("host", Word, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("beat_at", UTCDateTime, nullable=False),
    Column("standing_aside", Text),
    # Why it carries nothing out, since it cannot read its mark, and since when.
    Column("mark_unread", Text),
    Column("mark_unread_since", UTCDateTime),
)
