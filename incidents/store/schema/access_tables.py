"""The tables of access: accounts, what signs them in, and sign-ins with their refusals.

Entries of the desk's own stream confirm `accounts`, `tokens`, `passwords`, `invitations` and
`factors`. No other data about access is on record: not data that expires within an hour, nor
sign-ins with their addresses.
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
    # SHA-256 of the secret, in hexadecimal: with 128 random bits it reveals nothing.
    Column("digest", Word, nullable=False),
    # The actions it is limited to, among those of its account's role; None: all of them.
    Column("acts", JSONText),
    Column("made_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("revoked_at", UTCDateTime),
    # The seal by `serve`'s key, which is in no entry; None before its first start.
    Column("seal", Word, info=UNRECORDED),
)
Index("uq_tokens_digest", tokens.c.digest, unique=True)

passwords = Table(
    "passwords",
    metadata,
    Column("handle", Word, ForeignKey("accounts.handle"), primary_key=True),
    # Argon2id, in its PHC format.
    Column("hash", Text, nullable=False),
    Column("set_at", UTCDateTime, nullable=False),
    # Who else set it, or the one before it, and since when its owner counts as a second person.
    Column("given_by", Word),
    Column("counts_from", UTCDateTime),
    # As for a token.
    Column("seal", Word),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie's value.
    Column("digest", LargeBinary, primary_key=True),
    # The public id of the session.
    Column("id", Word, nullable=False),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    # When the person last authenticated.
    Column("proved_at", UTCDateTime, nullable=False),
    # The method and the address of its sign-in.
    Column("how", Word, nullable=False),
    Column("place", Word),
    # As for a token.
    Column("seal", Word),
)
Index("uq_sessions_id", sessions.c.id, unique=True)
Index("ix_sessions_handle", sessions.c.handle)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Word, primary_key=True),
    # The path of the list, and its filters as they stand in its address.
    Column("page", Word, nullable=False),
    Column("name", Word, nullable=False),
    Column("query", Word, nullable=False),
    # No foreign key: a view that is shared outlives its owner's account.
    Column("owner", Word, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
)
Index("ix_saved_views_page_owner", saved_views.c.page, saved_views.c.owner)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Word, primary_key=True),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    # As for a token.
    Column("digest", Word, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    # The person who can read the link, so may know the password that is chosen by it.
    Column("by", Word, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
    # As for a token.
    Column("seal", Word, info=UNRECORDED),
)
Index("uq_invitations_digest", invitations.c.digest, unique=True)
Index("ix_invitations_handle", invitations.c.handle)

factors = Table(
    "factors",
    metadata,
    Column("id", Word, primary_key=True),
    Column("handle", Word, ForeignKey("accounts.handle"), nullable=False),
    # totp, webauthn or recovery.
    Column("kind", Word, nullable=False),
    # The name that its owner gave it.
    Column("name", Text, nullable=False),
    # The shared secret of codes, a public key, or the SHA-256 of a recovery code; empty once gone.
    Column("secret", Text, nullable=False),
    # The id of the credential (WebAuthn).
    Column("credential", Word),
    # The last time step whose code was used, or the authenticator's count of signatures.
    Column("counter", Number, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    Column("removed_at", UTCDateTime),
    # As for a token.
    Column("seal", Word),
)
Index("ix_factors_handle", factors.c.handle)

serve_keys = Table(
    "serve_keys",
    metadata,
    # The keys that `serve` has sealed with; the newest is valid.
    Column("number", Number, primary_key=True, autoincrement=False),
    # SHA-256 of the key, in hexadecimal: with 256 random bits it reveals nothing.
    Column("digest", Word, nullable=False),
    Column("since", UTCDateTime, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    # The name that was given, or the address that it came from.
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
    # The account, the other person, and the address: pseudonyms once erased.
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
    # The login as in an entry, beside the name; for a sign-in the address.
    Column("login", Word, primary_key=True),
    Column("act", Word, primary_key=True),
    Column("why", Word, primary_key=True),
    # The subject of the last one.
    Column("about", Word),
    Column("count", Integer, nullable=False),
    Column("first_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Column("erased", Boolean, nullable=False),
)
Index("ix_refusals_last_at", refusals.c.last_at)
