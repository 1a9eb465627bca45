"""The search for a text in incidents: in the site's name, web addresses, and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, and_, exists, or_

from incidents.store.schema.desk_tables import sealed
from incidents.store.schema.tables import contacts, incident_urls, incidents, notes, sites
from incidents.values import site_name
from incidents.views.name_search import has_part, is_called, stored_form

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Incident


def found_by(connection: Connection, q: str) -> ColumnElement[bool]:
    """The condition that one of the incident's texts contains `q`."""
    of, quoted = incidents.c, quote(q, safe="/:?&=.-_~%#+")
    site = exists().where(sites.c.id == of.site_id, is_called(connection, q))
    url = exists().where(
        incident_urls.c.site_id == of.site_id,
        incident_urls.c.incident == of.n,
        or_(
            has_part(incident_urls.c.url, q, quoted, stored_form(q)),
            has_part(incident_urls.c.written, q),
        ),
    )
    note = exists().where(sealed.c.ref == of.note, has_part(sealed.c.value, q))
    contact_note = exists().where(
        contacts.c.site_id == of.site_id,
        contacts.c.incident == of.n,
        and_(sealed.c.ref == contacts.c.note, has_part(sealed.c.value, q)),
    )
    written = exists().where(
        notes.c.site_id == of.site_id,
        notes.c.incident == of.n,
        and_(sealed.c.ref == notes.c.text, has_part(sealed.c.value, q)),
    )
    return or_(site, url, note, contact_note, written)


def where(document: Incident, q: str) -> list[str]:
    """The shown texts of an incident in which `q` was found."""
    notes = [document["note"], *(contact["note"] for contact in document["contacts"])]
    notes += [note["text"] for note in document["notes"]]
    urls = [*document["urls"], *document["urls_written"]]
    texts = [document["site"], site_name.shown(document["site"]), *urls, *notes]
    wanted = [
        each.casefold() for each in (q, quote(q, safe="/:?&=.-_~%#+"), stored_form(q)) if each
    ]
    found = (text for text in texts if text and any(part in text.casefold() for part in wanted))
    return list(dict.fromkeys(found))
