"""Netcraft: takedown requests about phishing. Most bring XARF, whose reader is asked before."""

from __future__ import annotations

from incidents.inbox.readers import known_sender
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source


def read(source: Source) -> Reading | None:
    """Read a mail of Netcraft; None for another one."""
    # Below each mail is a line about the format, with an address.
    return known_sender.read(source, "netcraft.com", usual="phishing", victims="our customer|x-arf")
