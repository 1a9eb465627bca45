"""The readers of reports, one file for each format; the first one that knows a report reads it.

A reader is a function that takes a `Source`, and returns a `Reading`, or None for a report that is
not of its format. A provider adds its own by the entry point `incidents.report_readers`; the name
of the entry point is the name of the format, and these are asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from incidents.contract import sealed_content
from incidents.inbox.readers.mail import envelope
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source, UnreadableError, shape_of
from incidents.values.report_formats import FORMATS

Reader = Callable[[Source], Reading | None]

GROUP = "incidents.report_readers"

REASONS = (
    "empty", "binary", "encrypted", "archive", "json", "table", "deep", "slow", "memory", "crashed",
)  # fmt: skip
"""The reasons why a report cannot be read."""

_SEALED = "child_abuse"


def read(source: Source) -> Reading:
    """Read a report. What cannot be read is a reading with the reason; nothing else is raised."""
    if not source.raw.strip():
        return Reading(format="none", reason="empty")
    try:
        return _read(source)
    except UnreadableError as error:
        return _unread(source, error.reason)
    except RecursionError:
        return _unread(source, "deep")


def load() -> None:
    """Load all readers."""
    _readers()


def _read(source: Source) -> Reading:
    if source.mail is not None and source.mail.is_encrypted:
        return _unread(source, "encrypted")
    for name, reader in _readers():
        found = reader(source)
        if found is not None:
            return _sealed_if_named(replace(found, format=name).fitted())
    return _unread(source, "json" if source.is_json else "binary")


def _sealed_if_named(found: Reading) -> Reading:
    """The reading, in the category of child abuse if its words, or one of its rows, name that.

    A category that the format states precisely stays: only XARF has such. To seal one report too
    many costs a supervisor's look; one too few shows what nobody may see.
    """
    if sealed_content.is_sealed(*(row.category for row in found.rows)):
        return replace(found, category=_SEALED)
    if found.format == "xarf" and found.category and "category" not in found.guessed:
        return found
    names = (each.name for each in found.attachments)
    if not sealed_content.is_sealed(found.subject, found.text, *names):
        return found
    guessed = tuple(dict.fromkeys((*found.guessed, "category")))
    rows = tuple(replace(row, category=_SEALED) for row in found.rows)
    return replace(found, category=_SEALED, guessed=guessed, rows=rows)


def _unread(source: Source, reason: str) -> Reading:
    """What is known of a report that cannot be read: who sent it, and when."""
    shape = shape_of(source.raw)
    try:
        known = envelope(source) if shape == "mail" else {}
    except (RecursionError, UnreadableError):
        known = {}
    return Reading(format=shape, reason=reason, **known)


@cache
def _readers() -> tuple[tuple[str, Reader], ...]:
    added = [(each.name, each.load()) for each in entry_points(group=GROUP)]
    own = [(name, import_module(f"{__name__}.{name}").read) for name in FORMATS]
    return (*added, *own)
