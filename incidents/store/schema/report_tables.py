"""The tables of reports: what came in from outside, how each report ended, and the intake rules.

Entries of the desk's own stream confirm `reports`, except what its sealed reading says again so
that it can be searched, and that is erased with it.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, func

from incidents.store.schema.types import (
    UNRECORDED,
    Number,
    UTCDateTime,
    Word,
    metadata,
    partial_index,
)

reports = Table(
    "reports",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    # The SHA-256 (hexadecimal) of all its bytes, and of the first ones if only these are kept.
    Column("digest", Word, nullable=False),
    Column("kept", Word),
    Column("size", Number, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("channel", Word, nullable=False),
    Column("format", Word, nullable=False),
    Column("unread", Word),
    # A reference to the sealed reading.
    Column("reading", Word, nullable=False),
    # The first report with the same Message-ID, if its bytes differ.
    Column("same_id_as", Number),
    Column("state", Word, nullable=False),
    Column("settled_at", UTCDateTime),
    Column("settled_by", Word),
    Column("site_id", Number),
    Column("incident", Integer),
    Column("reason", Word),
    # See `store.reports.reporter_key`.
    Column("reporter", Word, info=UNRECORDED),
    Column("category", Text, info=UNRECORDED),
    Column("seen_at", UTCDateTime, info=UNRECORDED),
    # The SHA-256 (hexadecimal) of its Message-ID.
    Column("message_id", Word, info=UNRECORDED),
    # The intake rule that it matched when it came in, the digest of the rules then in force, and
    # why the rule left it to the desk; None if the rule is to act, or has acted.
    Column("rule", Word),
    Column("rules", Word),
    Column("asks", Word),
    # The order in which waiting reports are listed: see `store.reports.rank`.
    Column("rank", Number, nullable=False, server_default="2", info=UNRECORDED),
    # The report that it answers: see `values.report_token`.
    Column("answers", Number),
    # When it was opened again last; it may have ended since.
    Column("reopened_at", UTCDateTime),
)
Index("uq_reports_digest", reports.c.digest, unique=True)
Index("ix_reports_state", reports.c.state, reports.c.id)
Index("ix_reports_reporter", reports.c.reporter, reports.c.state)
Index("ix_reports_message_id", reports.c.message_id)
Index("ix_reports_incident", reports.c.site_id, reports.c.incident)
Index("ix_reports_category", reports.c.category, reports.c.state, reports.c.id)
Index("ix_reports_format", reports.c.format, reports.c.state, reports.c.id)
Index("ix_reports_channel", reports.c.channel, reports.c.state, reports.c.id)
Index("ix_reports_reading", reports.c.reading)
partial_index("ix_reports_kept", reports.c.kept.is_not(None), reports.c.kept)
partial_index("ix_reports_rule", reports.c.rule.is_not(None), reports.c.rule, reports.c.settled_at)
partial_index(
    "ix_reports_due",
    reports.c.rule.is_not(None) & reports.c.asks.is_(None) & reports.c.settled_at.is_(None),
    reports.c.id,
)

# The rules that were ever in force, each time that they came into force; the last ones are.
intake_rules = Table(
    "intake_rules",
    metadata,
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("digest", Word, nullable=False),
    Column("toml", Text, nullable=False),
    Column("activated_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    # A reference to a sealed value.
    Column("reason", Word, nullable=False),
)
# The desk had looked at one that was opened again: until then nobody has let it wait.
waits_since = func.coalesce(reports.c.reopened_at, reports.c.received_at)
partial_index("ix_reports_answers", reports.c.answers.is_not(None), reports.c.answers)
# Not by the state: SQLite would take the index on states, and sort all reports that wait.
waits = reports.c.settled_at.is_(None)
partial_index("ix_reports_waiting", waits, reports.c.rank, reports.c.id)
partial_index(
    "ix_reports_waiting_category", waits, reports.c.category, reports.c.rank, reports.c.id
)

# The incidents to which a report led before it ended, in order; `reports` has the last one.
report_incidents = Table(
    "report_incidents",
    metadata,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("n", Number, primary_key=True, autoincrement=False),
    # As of a report that has ended so.
    Column("state", Word, nullable=False),
    Column("site_id", Number, nullable=False),
    Column("incident", Integer, nullable=False),
)
Index("ix_report_incidents_incident", report_incidents.c.site_id, report_incidents.c.incident)

# Who was marked by the desk: see `store.reporters`.
reporters = Table(
    "reporters",
    metadata,
    Column("reporter", Word, primary_key=True),
    Column("standing", Word, nullable=False),
    Column("marked_at", UTCDateTime, nullable=False),
    Column("marked_by", Word, nullable=False),
    # A reference to the sealed address and reason, as JSON.
    Column("words", Word, nullable=False),
)

# The mails to reporters: what each was told about a report.
answers = Table(
    "answers",
    metadata,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("letter", Word, primary_key=True),
    Column("told_at", UTCDateTime, nullable=False),
    # Why it was not sent, after the last attempt.
    Column("problem", Word),
    # The first report of the mail, which may be about several.
    Column("mail", Number, nullable=False),
    # Of the address: see `store.reports.reporter_key`.
    Column("reporter", Word, info=UNRECORDED),
)
Index("ix_answers_reporter", answers.c.reporter, answers.c.letter, answers.c.told_at)
Index("ix_answers_told_at", answers.c.told_at)

# The mails that wait to be sent, each about one or more reports: see `store.answers`.
waiting_answers = Table(
    "waiting_answers",
    metadata,
    Column("reporter", Word, primary_key=True),
    Column("letter", Word, primary_key=True),
    Column("report", Number, primary_key=True, autoincrement=False),
    # The numbers of the other reports, as JSON, and how many more there are.
    Column("others", Text, nullable=False),
    Column("more", Number, nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    # None as long as an incident has not ended, which the reporter will be told.
    Column("next_at", UTCDateTime),
    Column("site_id", Number),
    Column("incident", Integer),
)
Index("ix_waiting_answers_next_at", waiting_answers.c.next_at)

# What was found at the addresses of a report: see `store.snapshots`.
report_snapshots = Table(
    "report_snapshots",
    metadata,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("taken_at", UTCDateTime, nullable=False),
    Column("by", Word, nullable=False),
    Column("status", Integer),
    # Why there is no page, or why a redirect was not followed.
    Column("problem", Word),
    # Of the body, or of its first bytes if it was cut.
    Column("size", Number),
    Column("digest", Word),
    Column("cut", Boolean, nullable=False),
    # A reference to the sealed addresses, title and text, as JSON.
    Column("words", Word, nullable=False),
    # The digest of the page's picture, or why there is none, as a code.
    Column("screenshot", Word),
    Column("no_screenshot", Word),
)
Index("ix_report_snapshots_taken_at", report_snapshots.c.taken_at)
Index("ix_report_snapshots_digest", report_snapshots.c.digest)
Index("ix_report_snapshots_words", report_snapshots.c.words)
Index("ix_report_snapshots_screenshot", report_snapshots.c.screenshot)

# The reports whose addresses a daemon is to look at.
waiting_snapshots = Table(
    "waiting_snapshots",
    metadata,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime, nullable=False),
)
Index("ix_waiting_snapshots_next_at", waiting_snapshots.c.next_at)

# Who had what, and when: it only suggests to whom a report belongs, and is in no entry.
holdings = Table(
    "holdings",
    metadata,
    Column("kind", Word, primary_key=True),
    Column("value", Word, primary_key=True),
    Column("customer", Word, primary_key=True),
    Column("since", UTCDateTime, primary_key=True),
    Column("until", UTCDateTime),
)
Index("ix_holdings_customer", holdings.c.customer, holdings.c.kind)

# How the reports that were opened again had ended before.
report_reopenings = Table(
    "report_reopenings",
    metadata,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("reopened_at", UTCDateTime, nullable=False),
    Column("reopened_by", Word, nullable=False),
    # References to sealed values: why it was opened again, and why it had been dismissed.
    Column("why", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("settled_at", UTCDateTime, nullable=False),
    Column("settled_by", Word, nullable=False),
    Column("site_id", Number),
    Column("incident", Integer),
    Column("reason", Word),
)

report_hosts = Table(
    "report_hosts",
    metadata,
    # Not a foreign key: no report is deleted.
    Column("report_id", Number, primary_key=True, autoincrement=False),
    Column("host", Word, primary_key=True),
)
Index("ix_report_hosts_host", report_hosts.c.host, report_hosts.c.report_id)
