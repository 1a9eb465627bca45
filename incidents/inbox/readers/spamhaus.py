"""Spamhaus: notices about addresses and domains on its lists (SBL, XBL, DBL)."""

from __future__ import annotations

from incidents.inbox.readers import known_sender
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source


def read(source: Source) -> Reading | None:
    """Read a notice of Spamhaus; None for another mail."""
    return known_sender.read(source, "spamhaus.org", "spamhaus.com", "spamhaus.net", usual="spam")
