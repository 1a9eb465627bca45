"""The timeline of a site: its entries in order, in plain words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, cast

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, or_, select

from incidents.contract import effects
from incidents.contract.case_documents import event_document
from incidents.locale import event_sentence
from incidents.locale.language import ENGLISH, Language
from incidents.locale.words import TimeFormat, Wording
from incidents.machine.command import LEFT_DOWN, REACHED
from incidents.machine.events import ContactRecorded, OrderCancelled
from incidents.record import entry
from incidents.store import deliveries
from incidents.store.archive import whole
from incidents.store.archive.parts import listed
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.tables import contacts, incidents, sites
from incidents.values.ids import contact_id, incident_id
from incidents.views import left_down, record_entries

if TYPE_CHECKING:
    from incidents.contract.documents.actions import Event
    from incidents.contract.documents.sites import Line


MAX_LOOKED_AT = 10_000
"""The maximum number of a site's entries to search for one part of an incident's story."""

_BATCH = 500
_QUOTED = ("note", "text", "evidence")


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of an incident's story, earliest first.

    `ahead`: the number of the site's entry after which the search continues (for the newest part:
    before which it continues); None at the end.
    """

    lines: list[Line]
    ahead: int | None


def timeline(
    connection: Connection,
    site_id: int,
    incident: int | None = None,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    language: Language = ENGLISH,
    after: int = 0,
    most: int | None = None,
) -> Iterator[Line]:
    """The events of the site after its entry number `after`, or only those about one incident.

    At most the first `most` events are returned. They are read in batches, so a long history needs
    no more memory than a short one. Each line has `at` (when the event happened) and `recorded_at`;
    `by` and its `login`; `words` in `zone` and `language`; `kind`, `rule`, `incident` and `seq`;
    `said`, the text that a person wrote, null if there is none or if it was erased; and a note's
    `audience`.
    """
    wanted = _entries_of(site_id)
    if incident is not None:
        wanted = wanted.where(_concerning(connection, site_id, incident))
        after = max(after, _before(connection, site_id, incident))
    wording = _wording(connection, site_id, TimeFormat(zone=zone, now=now, language=language))
    yield from _lines(connection, wording, wanted, after, most)


def part_of_story(
    connection: Connection,
    site_id: int,
    incident: int,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    language: Language = ENGLISH,
    after: int = 0,
    most: int,
) -> Part:
    """The next lines, at most `most`, of an incident's `timeline` after the site's entry `after`.

    At most MAX_LOOKED_AT entries are searched, however long the site's history is. So the part may
    have fewer lines, or none, although the story continues.
    """
    after = max(after, _before(connection, site_id, incident))
    last = connection.scalar(select(sites.c.seq).where(sites.c.id == site_id)) or 0
    until = min(last, after + MAX_LOOKED_AT)
    wanted = _entries_of(site_id).where(
        entries.c.site_seq <= until, _concerning(connection, site_id, incident)
    )
    wording = _wording(connection, site_id, TimeFormat(zone=zone, now=now, language=language))
    lines = list(_lines(connection, wording, wanted, after, most + 1))
    if len(lines) > most:
        until = lines[most - 1]["seq"]
    return Part(lines[:most], until if until < last else None)


def newest_of_story(
    connection: Connection,
    site_id: int,
    incident: int,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    language: Language = ENGLISH,
    before: int | None = None,
    most: int,
) -> Part:
    """The last lines, at most `most`, of an incident's `timeline` before the site's entry `before`.

    The search has the limit of `part_of_story`.
    """
    first = _before(connection, site_id, incident)
    last = connection.scalar(select(sites.c.seq).where(sites.c.id == site_id)) or 0
    end = last if before is None else min(last, before - 1)
    begin = max(first, end - MAX_LOOKED_AT)
    wanted = _entries_of(site_id).where(
        entries.c.site_seq > begin, entries.c.site_seq <= end,
        _concerning(connection, site_id, incident),
    )  # fmt: skip
    backwards = wanted.order_by(entries.c.site_seq.desc()).limit(most + 1)
    found = whole.of_one_site(connection, backwards, site_id, newest_first=True, most=most + 1)
    if len(found) > most:
        begin = found[most - 1].site_seq - 1
    bodies = [row.body for row in found[:most][::-1]]
    wording = _wording(connection, site_id, TimeFormat(zone=zone, now=now, language=language))
    lines = [
        line
        for start in range(0, len(bodies), _BATCH)
        for line in timeline_lines(connection, wording, bodies[start : start + _BATCH])
    ]
    return Part(lines, begin + 1 if begin > first else None)


def timeline_lines(connection: Connection, wording: Wording, bodies: list[str]) -> list[Line]:
    """The lines of the timeline for those entries, in a few queries whatever their number."""
    decoded = [entry.decode(body) for body in bodies]
    events = [event_document(head.site_id, event, head.site_seq) for head, event in decoded]
    if effects.may_open(events):
        left = _left_down(connection, wording.site_id)
        events = [
            effects.of_left_down(event) if head.site_seq in left else event
            for (head, _), event in zip(decoded, events, strict=True)
        ]
    called = {
        event.incident
        for (_, event), each in zip(decoded, events, strict=True)
        if isinstance(event, ContactRecorded) and effects.may_be_late(each)
    }
    if called:
        events = effects.made_in_time(events, _late_on_record(connection, wording.site_id, called))
    revealed = record_entries.reveal_texts(connection, events)
    return [
        _line(wording, written, shown, head.login)
        for (head, _), written, shown in zip(decoded, events, revealed, strict=True)
    ]


def _late_on_record(connection: Connection, site_id: int, numbers: Collection[int]) -> set[str]:
    """The ids of those incidents' contacts that were made by the deadline, and recorded later."""
    of, about = contacts.c, incidents.c
    found = connection.execute(
        select(of.incident, of.n)
        .join(incidents, (about.site_id == of.site_id) & (about.n == of.incident))
        .where(
            of.site_id == site_id, of.incident.in_(numbers), of.outcome == REACHED,
            of.occurred_at <= about.contact_due, of.recorded_at > about.contact_due,
        )
    )  # fmt: skip
    return {contact_id(site_id, n, contact) for n, contact in found}


def _left_down(connection: Connection, site_id: int) -> set[int]:
    """The numbers of the entries that would open the site if a loss had not left it down."""
    of = entries.c
    about = of.body.contains(f'"why":"{LEFT_DOWN}"')
    # Nothing was left down before the first loss.
    parts = whole.every if lineage.standing(connection).resumed_at else whole.none
    about_it = select(of.body).where(of.site_id == site_id, about)
    found = whole.of_one_site(connection, about_it, site_id, parts)
    events = (entry.decode(body)[1] for (body,) in found)
    left = {e.order for e in events if isinstance(e, OrderCancelled)}
    waiting = {each.order for _, each in deliveries.chains(connection, [site_id]) if not each.dead}
    return left | waiting if waiting and left_down.marked(connection, [site_id]) else left


def _line(wording: Wording, written: Event, shown: Event, login: str | None) -> Line:
    # The fields of a kind that are read here are texts, null once erased.
    own = cast("Mapping[str, str | None]", shown)
    texts = [own[name] for name in _QUOTED if written.get(name) is not None]
    words = event_sentence.sentence(wording, written)
    words += "".join(_quoted(wording, text) for text in texts)
    return {
        "at": written["occurred_at"],
        "recorded_at": written["recorded_at"],
        "by": written["by"],
        "login": login,
        "words": words,
        "said": texts[0] if texts else None,
        "kind": written["kind"],
        "rule": written["rule"],
        "incident": own.get("incident"),
        "audience": own.get("audience"),
        "seq": written["seq"],
    }


def _quoted(wording: Wording, text: str | None) -> str:
    if text is None:
        return wording.say("event_part.erased")
    return wording.say("event_part.said", text=text)


def _wording(connection: Connection, site_id: int, when: TimeFormat) -> Wording:
    name = connection.scalar(select(sites.c.name).where(sites.c.id == site_id))
    return Wording(site=name or "", site_id=site_id, when=when)


def _entries_of(site_id: int) -> Select[tuple[int, str]]:
    return select(entries.c.site_seq, entries.c.body).where(entries.c.site_id == site_id)


def _lines(
    connection: Connection,
    wording: Wording,
    wanted: Select[tuple[int, str]],
    after: int,
    most: int | None,
) -> Iterator[Line]:
    """The lines of the wanted entries after the site's entry `after`, at most `most`."""
    in_order = wanted.order_by(entries.c.site_seq)
    left = _BATCH if most is None else most
    those = whole.of_site(connection, wording.site_id)
    while left:
        many = min(left, _BATCH)
        ahead = in_order.where(entries.c.site_seq > after).limit(many)
        batch = whole.all_rows(connection, ahead, those, most=many)
        if not batch:
            return
        after = batch[-1].site_seq
        left -= 0 if most is None else len(batch)
        yield from timeline_lines(connection, wording, [row.body for row in batch])


def _before(connection: Connection, site_id: int, incident: int) -> int:
    """The number of the site's entry after which the incident's story begins."""
    of = incidents.c
    logged = select(of.recorded_at).where(of.site_id == site_id, of.n == incident)
    # Found by its time, which few entries share; the sum keeps the database from a full scan.
    first = select(func.min(entries.c.site_seq)).where(
        entries.c.recorded_at == logged.scalar_subquery(), entries.c.site_id + 0 == site_id
    )
    found = connection.scalar(first)
    if listed(connection):
        # Entries of the same moment can be in a part.
        earlier = _first_in_parts(connection, site_id, connection.scalar(logged))
        found = found if earlier is None else earlier
    return 0 if found is None else found - 1


def _first_in_parts(connection: Connection, site_id: int, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    of = entries.c
    first = select(of.site_seq).where(of.site_id == site_id, of.recorded_at == moment)
    in_order = first.order_by(of.site_seq).limit(1)
    found = whole.in_parts(
        connection, in_order, whole.of_site(connection, site_id, whole.at(moment))
    )
    return found[0].site_seq if found else None


def _concerning(connection: Connection, site_id: int, incident: int) -> ColumnElement[bool]:
    """The condition for entries that name the incident, or the suspension that is based on it.

    Entries name both by a quoted id in their text, so the database itself can select them.
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
    # A clock that lapsed for another incident of the same suspension belongs to that one's story.
    another = entries.c.body.contains('"kind":"clock_lapsed"', autoescape=True)
    return or_(named, and_(about_it, not_(another)))
