"""The tables of who may come in: accounts, how they prove who they are, what they are let in with.

`accounts` and `tokens` are borne out by the entries of the desk's own stream. The others are no
part of the record: they hold secrets, as digests, what is over in an hour, or who signed in from
where, which is erased once the law no longer needs it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
    partial_index,
    words,
)

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
    # The mark of `serve`'s key (accounts.seal), which no entry bears out; None before its first
    # start.
    Column("seal", Word, info=UNRECORDED),
)
Index("uq_tokens_digest", tokens.c.digest, unique=True)

passwords = Table(
    "passwords",
    metadata,
    Column("handle", Word, ForeignKey("accounts.handle"), primary_key=True),
    # Argon2id, in the format of its own (PHC).
    Column("hash", Text, nullable=False),
    Column("set_at", UTCDateTime, nullable=False),
    # Somebody else has set it, or the one before it: who, and from when on its person counts as a
    # second one.
    Column("given_by", Word),
    Column("counts_from", UTCDateTime),
    # As of a token.
    Column("seal", Word),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of what the cookie holds.
    Column("digest", LargeBinary, primary_key=True),
    # What the session is called, which is no secret.
    Column("id", Word, nullable=False),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    # When the person last proved who they are.
    Column("proved_at", UTCDateTime, nullable=False),
    # How it began, and the address that it began at.
    Column("how", Word, nullable=False),
    Column("place", Word),
    # As of a token.
    Column("seal", Word),
)
Index("uq_sessions_id", sessions.c.id, unique=True)
Index("ix_sessions_handle", sessions.c.handle)

serve_keys = Table(
    "serve_keys",
    metadata,
    # The keys that `serve` has sealed with, the newest of which holds.
    Column("number", Number, primary_key=True, autoincrement=False),
    # SHA-256 of the key, in hexadecimal: of 256 random bits it betrays nothing.
    Column("digest", Word, nullable=False),
    Column("since", UTCDateTime, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    # Whose name was given, or where it came from.
    Column("key", Word, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", UTCDateTime, nullable=False),
    Column("what", Word, nullable=False),
    Column("result", Word, nullable=False),
    Column("how", Word, nullable=False),
    # Whose account it was about, who else took part, and from where: a pseudonym once erased.
    # No foreign key: a pseudonym is nobody's account.
    Column("handle", Word),
    Column("by", Word),
    Column("place", Word),
    Column("session", Word),
    Column("erased", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_sign_ins_at", sign_ins.c.at, sign_ins.c.id)
Index("ix_sign_ins_handle", sign_ins.c.handle, sign_ins.c.at)
succeeded = sign_ins.c.result == words("ok")[0]
partial_index("ix_sign_ins_succeeded", succeeded, sign_ins.c.handle, sign_ins.c.place)

refusals = Table(
    "refusals",
    metadata,
    # In UTC, as YYYY-MM-DD.
    Column("day", Word, primary_key=True),
    Column("handle", Word, primary_key=True),
    # How they came in: as it stands beside the name in an entry; of a sign-in the address.
    Column("login", Word, primary_key=True),
    Column("act", Word, primary_key=True),
    Column("why", Word, primary_key=True),
    # What the last one was about.
    Column("about", Word),
    Column("count", Integer, nullable=False),
    Column("first_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Column("erased", Boolean, nullable=False),
)
Index("ix_refusals_last_at", refusals.c.last_at)
