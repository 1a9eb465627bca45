"""abuse.ch: notices of URLhaus, ThreatFox and Feodo Tracker about malware that is served."""

from __future__ import annotations

from incidents.inbox.readers import known_sender
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source


def read(source: Source) -> Reading | None:
    """Read a notice of abuse.ch; None for another mail."""
    return known_sender.read(source, "abuse.ch", usual="malware")
