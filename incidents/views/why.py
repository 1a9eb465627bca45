"""The why of a site: its rule, incidents and times in plain words, its story, what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection

from incidents.documents import site_document
from incidents.views import masked, personal, prospects, record
from incidents.views.grounds import grounds
from incidents.words import When

Document = dict[str, Any]


def why(connection: Connection, name: str, now: datetime, zone: tzinfo = UTC) -> Document:
    """Why the site stands as it does at `now`, from the record alone; times in words in `zone`.

    `text` are lines to read; `timeline` has the latest entries (`timeline_untold` more came before
    them); `next` what falls due next, null when nothing will; `would_change` and `hints` what
    people can do about it. Looking does nothing: what is overdue is said to be overdue.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    found = record.read(connection, name, When(zone=zone, now=now))
    next_due, changes = prospects.next_due(found), prospects.would_change(found)
    return {
        "site": personal.reveal(connection, [site_document(found.case, found.run)])[0],
        "seq": found.case.seq,
        "text": [*grounds(found), *prospects.told(found, next_due, changes)],
        "timeline": found.story,
        "timeline_untold": found.untold,
        "next": next_due,
        "would_change": changes,
        "hints": prospects.fitting(found),
    }


def parts(connection: Connection, name: str, when: When) -> Document:
    """The same for a page, in the language of `when`: its `grounds` are lines of their own.

    A line that begins with a blank belongs to the one before. What people wrote is masked in the
    grounds (see `masked`), and not in the timeline. Raises UnknownSiteError.
    """
    found = record.read(connection, name, when)
    found = replace(found, texts={ref: masked.words(text) for ref, text in found.texts.items()})
    return {
        "grounds": grounds(found),
        "timeline": found.story,
        "timeline_untold": found.untold,
        "next": prospects.next_due(found),
        "would_change": prospects.would_change(found),
    }
