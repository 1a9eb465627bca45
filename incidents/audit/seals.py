"""The seals: whether each of people's own words is still what its reference was made of.

A value that is gone has been erased, which is no finding; one that is another than it was is.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from incidents.audit.finding import Finding
from incidents.audit.share import Span
from incidents.audit.stream import Stream
from incidents.sealing import commitment
from incidents.store.tables import sealed


def findings(connection: Connection, span: Span) -> Iterator[Finding]:
    """The values that their references do not stand for. The values themselves are not told."""
    for ref, salt, value in Stream(connection, sealed, where=span.where(sealed.c.ref)).rest():
        try:
            stands_for = commitment(bytes(salt), value)
        except (TypeError, AttributeError, UnicodeError):
            stands_for = None
        if stands_for != ref:
            yield Finding(
                site="", table=sealed.name, row=ref, problem="broken_seal", column="value"
            )
