"""The tables of the desk: its own state, the record's entries, and filings.

Rows of `entries` and `policies` are never updated.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from incidents.store.schema.types import (
    UNRECORDED,
    JSONText,
    Number,
    UTCDateTime,
    Word,
    metadata,
)

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
    # Incremented when the database continues with fewer entries than known, or on another server.
    Column("epoch", Number, nullable=False, server_default="0"),
    # Random, from when the database was made; copies share it.
    Column("identity", Word, nullable=False, server_default="", info=UNRECORDED),
    # The last known server (see `lineage`); None before the first check,
    # and on SQLite.
    Column("lineage", Word, info=UNRECORDED),
    # When the epoch began; since when entries are known to be missing, until a person knows of it;
    # when it was found on another server with nothing known to be missing; since when the live
    # system must be compared; and since when nothing is carried out, until a person resumes.
    Column("resumed_at", UTCDateTime, info=UNRECORDED),
    Column("lost_since", UTCDateTime, info=UNRECORDED),
    Column("moved_at", UTCDateTime, info=UNRECORDED),
    Column("unproved_since", UTCDateTime, info=UNRECORDED),
    Column("halted_since", UTCDateTime, info=UNRECORDED),
    # A code of `lineage`; also None if a version before 0017 halted it.
    Column("halted_why", Word, info=UNRECORDED),
    # When the last loss was noticed, even if a person has resumed; None if nothing is missing.
    Column("noticed_at", UTCDateTime, info=UNRECORDED),
    # When every site was compared with its actual state in this epoch.
    Column("compared_at", UTCDateTime, info=UNRECORDED),
    # The number of the desk's own entry up to which reporters were answered; None if they are not.
    Column("answered", Number, info=UNRECORDED),
    # The number of the last report whose addresses were looked at; None if none are.
    Column("looked", Number, info=UNRECORDED),
    CheckConstraint("id = 1", name="single"),
)

# A row marks the database as a rehearsal, which accepts any clock. It was added when the
# database was made, and is in no entry.
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
    # Why it cannot read its mark, so that it carries nothing out, and since when.
    Column("mark_unread", Text),
    Column("mark_unread_since", UTCDateTime),
    # Why it cannot read the mailbox that reports come in by.
    Column("mailbox_unread", Text),
)


# The sites whose actual state could not be checked since the record lost its latest entries: since
# when, and why, without personal text.
uncompared = Table(
    "uncompared",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("since", UTCDateTime, nullable=False),
    Column("problem", Text, nullable=False),
)

filing_details = Table(
    "filing_details",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("key", Word, primary_key=True),
    Column("value", Text, nullable=False),
)
Index("ix_filing_details_key", filing_details.c.key, filing_details.c.site_id)

filing_terms = Table(
    "filing_terms",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("term", Word, primary_key=True),
    Column("due_on", Word, nullable=False),
    Column("reminded_on", Word),
    Column("remind_on", Word, nullable=False),
)
Index("ix_filing_terms_remind", filing_terms.c.remind_on, filing_terms.c.site_id)
Index("ix_filing_terms_reminded", filing_terms.c.reminded_on)
Index("ix_filing_terms_due", filing_terms.c.due_on, filing_terms.c.site_id)

footers = Table(
    "footers",
    metadata,
    # Not a foreign key: it only records when the site's page was checked.
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("next_at", UTCDateTime, nullable=False),
)
Index("ix_footers_next", footers.c.next_at, footers.c.site_id)


DESK_STREAM = 0
"""The site id of the desk's own stream of entries: actions that belong to no site."""

entries = Table(
    "entries",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # Not a foreign key: the desk's own stream belongs to no site.
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
    # The site and time of the entry that refers to it, which decide about its erasure.
    Column("site_id", Number, nullable=False),
    Column("sealed_at", UTCDateTime, nullable=False),
)
Index("ix_sealed_site_id", sealed.c.site_id, sealed.c.sealed_at)
