"""A plain text: a note, or a list of addresses."""

from __future__ import annotations

from incidents.inbox.readers.mail import from_text
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source, kind_of


def read(source: Source) -> Reading | None:
    """Read a plain text; None for JSON, and for bytes that are no text."""
    if kind_of(source.raw) != "text" or (source.is_json and source.objects):
        return None
    found = from_text(source)
    # What begins like JSON, but is none, may be a text; without an address it is cut or damaged.
    return None if source.is_json and not (found.urls or found.hosts or found.endpoints) else found
