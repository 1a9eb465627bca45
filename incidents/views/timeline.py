"""The timeline: a site's entries, told one after the other in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select

from incidents import event_words
from incidents.audit import entry
from incidents.documents import event_document
from incidents.machine.ids import incident_id
from incidents.store.tables import entries, incidents, sites
from incidents.views import personal
from incidents.words import Teller, When

Document = dict[str, Any]

_BATCH = 500
_QUOTED = ("note", "text", "evidence")


def timeline(
    connection: Connection,
    site_id: int,
    incident: int | None = None,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    after: int = 0,
    most: int | None = None,
) -> Iterator[Document]:
    """What happened to the site after its `after`th entry, or only what concerns one incident; at
    most the first `most` of it.

    Read and told in batches, so that a long history needs no more memory than a short one. Each
    has `at` (when it happened) and `recorded_at`, `by` and the `login` beside that name, `words`
    in `zone`, `kind`, `rule`, `incident` and `seq`; `said` is what a person wrote, null where
    nothing was or where it has been erased; `audience` is for whom, of a note.
    """
    teller = _teller(connection, site_id, When(zone=zone, now=now))
    concerning = None if incident is None else _concerning(connection, site_id, incident)
    left = _BATCH if most is None else most
    while left and (batch := _read(connection, site_id, after, concerning, min(left, _BATCH))):
        after = batch[-1][0]
        left -= 0 if most is None else len(batch)
        yield from told(connection, teller, [body for _, body in batch])


def told(connection: Connection, teller: Teller, bodies: list[str]) -> list[Document]:
    """The lines of the timeline for those entries; one query, whatever their number."""
    decoded = [entry.decode(body) for body in bodies]
    events = [event_document(head.site_id, event, head.site_seq) for head, event in decoded]
    revealed = personal.reveal(connection, events)
    return [
        _line(teller, written, shown, head.login)
        for (head, _), written, shown in zip(decoded, events, revealed, strict=True)
    ]


def _line(teller: Teller, written: Document, shown: Document, login: str | None) -> Document:
    said = [shown[name] for name in _QUOTED if written.get(name) is not None]
    words = event_words.sentence(teller, written)
    words += "".join(" (erased)" if text is None else f": “{text}”" for text in said)
    return {
        "at": written["occurred_at"],
        "recorded_at": written["recorded_at"],
        "by": written["by"],
        "login": login,
        "words": words,
        "said": said[0] if said else None,
        "kind": written["kind"],
        "rule": written["rule"],
        "incident": written.get("incident"),
        "audience": written.get("audience"),
        "seq": written["seq"],
    }


def _teller(connection: Connection, site_id: int, when: When) -> Teller:
    name = connection.scalar(select(sites.c.name).where(sites.c.id == site_id))
    return Teller(site=name or "", site_id=site_id, when=when)


def _read(
    connection: Connection,
    site_id: int,
    after: int,
    concerning: ColumnElement[bool] | None,
    most: int,
) -> list[tuple[int, str]]:
    found = select(entries.c.site_seq, entries.c.body)
    found = found.where(entries.c.site_id == site_id, entries.c.site_seq > after)
    if concerning is not None:
        found = found.where(concerning)
    rows = connection.execute(found.order_by(entries.c.site_seq).limit(most))
    return [(row.site_seq, row.body) for row in rows]


def _concerning(connection: Connection, site_id: int, incident: int) -> ColumnElement[bool]:
    """Entries that name the incident, or the suspension that rests on it.

    What they name stands as a quoted id in their text, so the database can tell without any of
    them being read here.
    """
    name = json.dumps(incident_id(site_id, incident))
    row = connection.execute(
        select(incidents.c.suspension).where(
            incidents.c.site_id == site_id, incidents.c.n == incident
        )
    ).one_or_none()
    named = entries.c.body.contains(name, autoescape=True)
    if row is None or row.suspension is None:
        return named
    about_it = entries.c.body.contains(f'"suspension":"{row.suspension}"', autoescape=True)
    # What lapsed for another incident of the same suspension is that one's story.
    another = entries.c.body.contains('"kind":"clock_lapsed"', autoescape=True)
    return or_(named, and_(about_it, not_(another)))
