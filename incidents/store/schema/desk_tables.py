"""The tables of the desk: access, its own state, the record's entries, and filings.

Entries of the desk's own stream confirm `accounts` and `tokens`. No other data about access is on
record: not digests of secrets, data that expires within an hour, or sign-ins with their addresses.
Rows of `entries` and `policies` are never updated.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
