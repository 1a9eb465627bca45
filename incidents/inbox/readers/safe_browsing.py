"""Google Safe Browsing: alerts for network administrators, and Search Console's security issues."""

from __future__ import annotations

from incidents.inbox.readers import known_sender
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source

_ONLY = (
    "safe browsing|safebrowsing|social engineering|malware|unwanted software|security issue|hacked"
)


def read(source: Source) -> Reading | None:
    """Read an alert of Google Safe Browsing; None for another mail."""
    return known_sender.read(source, "google.com", usual="malware", only=_ONLY)
