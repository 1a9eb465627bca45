"""The tables of who may come in: accounts, how they prove who they are, what they are let in with.

`accounts` and `tokens` are borne out by the entries of the desk's own stream. The others hold
secrets, as digests, or what is over in an hour: no part of the record.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from incidents.store.metadata import metadata
from incidents.store.types import JSONText, UTCDateTime, Word

accounts = Table(
    "accounts",
    metadata,
    Column("handle", Word, primary_key=True),
    Column("role", Word, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("disabled_at", UTCDateTime),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Word, primary_key=True),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    # SHA-256 of the secret, in hexadecimal: of 128 random bits it betrays nothing.
    Column("digest", Word, nullable=False),
    # What it may be used for, of what its account's role may; None: all of it.
    Column("acts", JSONText),
    Column("made_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("revoked_at", UTCDateTime),
)
Index("uq_tokens_digest", tokens.c.digest, unique=True)

passwords = Table(
    "passwords",
    metadata,
    Column("handle", Word, ForeignKey("accounts.handle"), primary_key=True),
    # Argon2id, in the format of its own (PHC).
    Column("hash", Text, nullable=False),
    Column("set_at", UTCDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of what the cookie holds.
    Column("digest", LargeBinary, primary_key=True),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    # When the person last proved who they are.
    Column("proved_at", UTCDateTime, nullable=False),
)
Index("ix_sessions_handle", sessions.c.handle)

attempts = Table(
    "attempts",
    metadata,
    # Whose name was given, or where it came from.
    Column("key", Word, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
)
