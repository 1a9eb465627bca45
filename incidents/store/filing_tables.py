"""The tables of the register of filings: the details, the terms that run, when a page was seen."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from incidents.store.metadata import metadata
from incidents.store.types import Number, UTCDateTime, Word

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
    # Not a foreign key: it says nothing of a site but when somebody looked.
    Column("site_id", Number, primary_key=True, autoincrement=False),
    Column("next_at", UTCDateTime, nullable=False),
)
Index("ix_footers_next", footers.c.next_at, footers.c.site_id)
