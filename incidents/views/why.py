"""The why of a site: its rule, incidents and times in plain words, its story, what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection

from incidents.documents import site_document
from incidents.views import personal, prospects, record
from incidents.views.grounds import grounds


def why(connection: Connection, name: str, now: datetime, zone: tzinfo = UTC) -> dict[str, Any]:
    """Why the site stands as it does at `now`, from the record alone; times in words in `zone`.

    `text` are lines to read; `timeline` has the latest entries (`timeline_untold` more came before
    them); `next` what falls due next, null when nothing will; `would_change` and `commands` what
    people can do about it. Looking does nothing: what is overdue is said to be overdue.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    found = record.read(connection, name, now, zone)
    return {
        "site": personal.reveal(connection, [site_document(found.case)])[0],
        "seq": found.case.seq,
        "text": [*grounds(found), *prospects.told(found)],
        "timeline": found.story,
        "timeline_untold": found.untold,
        "next": prospects.next_due(found),
        "would_change": prospects.would_change(found),
        "commands": prospects.commands(found),
    }
