"""The preview of a notice for a real site; facts that are not on record are invented."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection

from incidents.enforcement import order_payload
from incidents.enforcement.port import Order
from incidents.errors import NoSuchIncidentError
from incidents.machine.incident import Incident
from incidents.machine.orders import DESK, NOTICE
from incidents.notices import record, samples
from incidents.notices.facts import AlarmFacts, AnyFacts, Facts, ReporterFacts
from incidents.notices.notice_types import NOTICES
from incidents.notices.record import Link
from incidents.notices.site_facts import SiteFacts, facts_of_incident, site_of_order
from incidents.store import entries
from incidents.store.cases import incidents, sites
from incidents.store.cases.incidents import Key
from incidents.values.ids import incident_id, order_id

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Letter
    from incidents.notices.wording import Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a preview: a site with its latest incident, or one requested incident."""

    site_id: int
    incident: Key | None
    asked: bool = False


class Preview(NamedTuple):
    """The facts of a notice; `made_up`: some of them are not on record."""

    facts: AnyFacts
    made_up: bool


class _Order(NamedTuple):
    """The kind of order behind a notice; `per_incident`: the order is about one incident."""

    kind: str
    lane: str = NOTICE
    per_incident: bool = False
    suspends: bool | None = None


# The call script of a closure uses the words of its notice.
_ORDERS = {
    "violation_found": _Order("notify", per_incident=True),
    "suspended": _Order("suspend", per_incident=True, suspends=True),
    "suspended_held": _Order("suspend", suspends=False),
    "reopened": _Order("reopen"),
    "closed": _Order("close"),
    "call_script": _Order("close"),
    "call_task": _Order("call", DESK),
    "alarm": _Order("alarm", DESK, per_incident=True),
}
_OF_CLOSURE = frozenset({"closed", "call_task", "call_script"})
_OF_INCIDENT = frozenset({"violation_found", "call_script", "alarm"})
_OF_SITE = frozenset({"suspended_held"})


def of_site(connection: Connection, name: str) -> Subject:
    """The subject for the site of that name, with the site's latest incident.

    Raises:
        UnknownSiteError: naming the most similar names.
    """
    row = sites.named(connection, name)
    last = row["last_incident"]
    return Subject(site_id=row["id"], incident=(row["id"], last) if last else None)


def of_incident(key: Key) -> Subject:
    """The subject for that incident, without a check that the incident exists."""
    return Subject(site_id=key[0], incident=key, asked=True)


def of(
    connection: Connection, name: str, subject: Subject, now: datetime, link: Link | None = None
) -> Preview:
    """The facts of the notice of that name, from the order behind the notice if there is one.

    Facts of events that have not happened (a suspension, a closure) come from the sample, with its
    times; for a site without an incident, all facts do. `link` gives the address of the customer's
    page; `now` is in UTC.

    Raises:
        UnknownIncidentError: if there is no such incident.
    """
    order = _latest_order(connection, name, subject)
    facts = None if order is None else record.of_order(connection, order)
    if order is not None and facts is not None and not _is_withdrawn(name, facts):
        facts = replace(facts, link=_link(connection, name, order, link))
        return Preview(facts, made_up=False)
    if subject.incident is None:
        return Preview(samples.of(name), made_up=True)
    return _of_incident(connection, name, subject.incident, now, link)


def letters(
    wording: Wording, name: str, facts: AnyFacts, languages: Iterable[str]
) -> Iterator[Letter]:
    """The notice of that name as a letter in each of the languages."""
    for language in languages:
        letter = wording.in_language(language).letter(name, facts, "preview")
        yield {
            "notice": name,
            "to": NOTICES[name].to,
            "language": language,
            "subject": letter.subject,
            "text": letter.text.rstrip("\n"),
            "html": letter.html,
        }


def violation(connection: Connection, key: Key) -> Facts:
    """The present facts of an incident, without a link, whether or not a notice was sent.

    Raises:
        UnknownIncidentError: if there is no such incident.
    """
    found, incident = _load(connection, _sample_order(key, samples.of("violation_found").at), key)
    return replace(facts_of_incident(connection, found, incident), at=incident.recorded_at)


def _latest_order(connection: Connection, name: str, subject: Subject) -> Order | None:
    """The latest order behind the notice, about the subject's incident if the notice is."""
    wanted = _ORDERS.get(name)
    if wanted is None:
        return None
    is_about_incident = (subject.asked and wanted.per_incident) or name == "violation_found"
    incident = incident_id(*subject.incident) if is_about_incident and subject.incident else None
    found = entries.latest_order(
        connection, subject.site_id, wanted.kind, incident=incident, suspends=wanted.suspends
    )
    return None if found is None else order_payload.as_first_attempt(found, wanted.lane, 0)


def _is_withdrawn(name: str, facts: Facts) -> bool:
    """Whether the notice is about a closure that was withdrawn, so that the case has no reasons."""
    return name in _OF_CLOSURE and facts.site_state != "closed"


def _link(connection: Connection, name: str, order: Order, link: Link | None) -> str | None:
    if link is None or NOTICES[name].to != "customer":
        return None
    return record.page_address(connection, order, link)


def _of_incident(
    connection: Connection, name: str, key: Key, now: datetime, link: Link | None
) -> Preview:
    """The facts of an incident, with the sample's facts for events that never happened."""
    sample, order = samples.of(name), _sample_order(key, now)
    found, incident = _load(connection, order, key)
    if isinstance(sample, ReporterFacts):
        # They are about reports, and nothing in them is of a site.
        return Preview(sample, made_up=True)
    if isinstance(sample, AlarmFacts):
        named = None if sample.incident is None else incident_id(*key)
        site = None if sample.site is None else found.facts.site
        return Preview(replace(sample, site=site, incident=named), made_up=True)
    about = facts_of_incident(connection, found, incident)
    if name in _OF_INCIDENT:
        # No notice was sent: it came from elsewhere, or was moot.
        needed = found.policy.min_attempts
        return Preview(
            replace(about, at=incident.recorded_at, needed=needed), made_up=name == "alarm"
        )
    findings = () if name in _OF_SITE else about.findings
    # Facts on record replace those of the sample.
    facts = replace(
        sample, site=about.site, reference=about.reference, policy=about.policy,
        person=about.person, findings=findings,
        link=None if sample.link is None else _link(connection, name, order, link),
    )  # fmt: skip
    # A recheck has no time of its own.
    return Preview(facts, made_up=name != "recheck")


def _load(connection: Connection, order: Order, key: Key) -> tuple[SiteFacts, Incident]:
    incident = incidents.whole(connection, [key]).get(key)
    found = site_of_order(connection, order)
    if incident is None or found is None:
        raise NoSuchIncidentError(given=incident_id(*key))
    return found, incident


def _sample_order(key: Key, now: datetime) -> Order:
    """An invented order about the incident, given at `now`."""
    return Order(
        id=order_id(key[0], 1, NOTICE), kind="notify", lane=NOTICE, site="", site_id=key[0], seq=1,
        ordered_at=now, incident=incident_id(*key),
    )  # fmt: skip
