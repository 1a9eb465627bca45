"""The tables of sites, with their incidents, suspensions and work.

A site's rows are written only under the lock of its row in `sites`; views read them without it.
`note`, `text`, `reason`, `phone`, `email`, `person` and the like hold references into `sealed`
(`desk_tables`), the only table with personal text.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Index,
    Integer,
    Table,
    and_,
    literal_column,
)

from incidents.store.schema.types import (
    JSONText,
    Number,
    UTCDateTime,
    Word,
    metadata,
    partial_index,
    words,
)

# The due time, in `work`, of items without one, so that one index gives the order of the queue.
FAR = datetime(9999, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 2, tzinfo=UTC)
"""The due time of items that come after all others."""

sites = Table(
    "sites",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Word, nullable=False, unique=True),
    Column("state", Word, nullable=False),
    Column("rule", Word),
    Column("epoch", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("disputed", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("hold_by", Word),
    Column("hold_at", UTCDateTime),
    Column("hold_reason", Word),
    Column("closure", JSONText),
    Column("closed_at", UTCDateTime),
    Column("suspended_until", UTCDateTime),
    Column("request_by", Word),
    Column("request_at", UTCDateTime),
    Column("request_reason", Word),
    Column("closing_by", Word),
    Column("closing_at", UTCDateTime),
    Column("closing_said_at", UTCDateTime),
    Column("closing_incident", Integer),
    Column("closing_field", Word),
    Column("closing_text", Word),
    Column("phone", Word),
    Column("email", Word),
    Column("person", Word),
    Column("created_at", UTCDateTime),
    Column("last_entry_at", UTCDateTime),
    Column("seq", Number, nullable=False),
    Column("last_incident", Integer, nullable=False),
    Column("last_suspension", Integer, nullable=False),
    Column("last_task", Integer, nullable=False),
    Column("next_due", UTCDateTime),
    Column("in_force", Word, nullable=False),
    Column("last_act", Number, nullable=False),
    CheckConstraint("state IN ('active', 'suspended', 'closed')", name="state"),
)
partial_index("ix_sites_due", sites.c.next_due.is_not(None), sites.c.next_due, sites.c.id)

incidents = Table(
    "incidents",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("state", Word, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("occurred_at", UTCDateTime, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    Column("contact_due", UTCDateTime),
    Column("removal_due", UTCDateTime),
    Column("lapsed_at", UTCDateTime),
    Column("suspension", Integer),
    Column("recurs", Integer),
    Column("category", Word),
    Column("note", Word),
    Column("corrections", Integer, nullable=False),
    Column("reached_in_time", Boolean, nullable=False),
    Column("reported_at", UTCDateTime),
    Column("removal_said_at", UTCDateTime),
    # None if they never were.
    Column("links_revoked", Integer),
    CheckConstraint(
        "state IN ('open', 'notified', 'unreached', 'removed', 'refused', 'voided', 'moot')",
        name="state",
    ),
)


# The epoch of imported incidents.
_IMPORTED: ColumnElement[int] = literal_column("0")
# The conditions of a slice of the history (see `slices`), each with an index of its own.


def unsettled(of: FromClause = incidents) -> ColumnElement[bool]:
    """The incidents that still need an action of the desk."""
    return of.c.state.in_(words("open", "unreached", "notified"))


def countable(of: FromClause = incidents) -> ColumnElement[bool]:
    """The incidents that R1 may count."""
    return of.c.state.not_in(words("voided", "moot"))


def in_time(of: FromClause = incidents) -> ColumnElement[bool]:
    """The incidents that end a run (R3), because the responsible person was reached in time."""
    return and_(of.c.reached_in_time, of.c.state != words("voided")[0])


def unlisted(of: FromClause = incidents) -> ColumnElement[bool]:
    """The unsettled incidents that are not in the queue."""
    return of.c.state.in_(words("refused", "moot"))


def unreported(of: FromClause = incidents) -> ColumnElement[bool]:
    """The incidents not reported to the police; the desk need not report imported incidents."""
    return and_(
        of.c.reported_at.is_(None), of.c.state != words("voided")[0], of.c.epoch > _IMPORTED
    )


def member(of: FromClause = incidents) -> ColumnElement[bool]:
    """The incidents on which a suspension is based."""
    return of.c.suspension.is_not(None)


_of = incidents.c
partial_index("ix_incidents_unsettled", unsettled(), _of.site_id)
partial_index("ix_incidents_countable", countable(), _of.site_id, _of.epoch, _of.occurred_at, _of.n)
partial_index("ix_incidents_in_time", in_time(), _of.site_id, _of.epoch, _of.contact_due, _of.n)
partial_index("ix_incidents_unlisted", unlisted(), _of.site_id)
partial_index("ix_incidents_unreported", unreported(), _of.recorded_at, _of.site_id, _of.n)
partial_index("ix_incidents_member", member(), _of.site_id, _of.suspension)
Index("ix_incidents_recorded_at", _of.recorded_at)


def _incident() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site_id", "incident"], ["incidents.site_id", "incidents.n"])


incident_urls = Table(
    "incident_urls",
    metadata,
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("url", Word, nullable=False),
    # None if it was written in that form.
    Column("written", Word),
    _incident(),
)

contacts = Table(
    "contacts",
    metadata,
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Word, nullable=False),
    Column("occurred_at", UTCDateTime, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    Column("stopped_clock", Boolean, nullable=False),
    Column("voided_at", UTCDateTime),
    Column("note", Word),
    _incident(),
)

evidence = Table(
    "evidence",
    metadata,
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("digest", Word, nullable=False),
    Column("size", Number, nullable=False),
    Column("name", Word),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    _incident(),
)
Index("ix_evidence_digest", evidence.c.digest)

notes = Table(
    "notes",
    metadata,
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("audience", Word, nullable=False),
    Column("text", Word, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    _incident(),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("starter", Integer, nullable=False),
    Column("due", UTCDateTime, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("until", UTCDateTime),
    Column("ended_at", UTCDateTime),
    Column("struck", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
)
partial_index(
    "uq_suspensions_running", suspensions.c.ended_at.is_(None), suspensions.c.site_id, unique=True
)
standing = suspensions.c.struck.is_(False)
partial_index(
    "ix_suspensions_run", standing,
    suspensions.c.site_id, suspensions.c.epoch, suspensions.c.due, suspensions.c.starter,
)  # fmt: skip

tasks = Table(
    "tasks",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", Word, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("incidents", JSONText, nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("done_at", UTCDateTime),
    Column("outcome", Word),
    Column("note", Word),
    Column("by", Word),
    # Of a task about a filing; None also for tasks from before there were filings.
    Column("about", JSONText),
)
partial_index("ix_tasks_open", tasks.c.done_at.is_(None), tasks.c.site_id)

claims = Table(
    "claims",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("item", Word, primary_key=True),
    Column("by", Word, nullable=False),
    Column("at", UTCDateTime, nullable=False),
)
Index("ix_claims_by", claims.c.by)

work = Table(
    "work",
    metadata,
    Column("site_id", Number, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("item", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("incident", Integer),
    Column("due", UTCDateTime),
    Column("sort_due", UTCDateTime, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
)
Index("ix_work_queue", work.c.sort_due, work.c.recorded_at, work.c.site_id, work.c.item)
in_dispute = work.c.kind == words("disputed")[0]
partial_index("ix_work_disputed", in_dispute, work.c.recorded_at, work.c.site_id)
to_be_confirmed = work.c.kind == words("closure")[0]
partial_index("ix_work_closure", to_be_confirmed, work.c.recorded_at, work.c.site_id)
