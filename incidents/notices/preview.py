"""The preview: what a notice would tell of a real incident; what is not on record is made up."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from incidents.acts.port import Order
from incidents.errors import UnknownIncidentError
from incidents.machine.ids import incident_id, order_id
from incidents.machine.orders import NOTICE
from incidents.notices import record, samples
from incidents.notices.facts import AlarmFacts, AnyFacts, Facts
from incidents.store import incidents as incident_rows
from incidents.store import sites
from incidents.store.incidents import Key

_OF_INCIDENT = frozenset({"violation_found", "alarm"})
_OF_CLOSURE = frozenset({"closed", "call_task"})
_OF_SITE = frozenset({"suspended_held"})


def latest(connection: Connection, site: str) -> Key | None:
    """The site's latest incident; None if it has none.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    row = sites.named(connection, site)
    return (row["id"], row["last_incident"]) if row["last_incident"] else None


def of(connection: Connection, name: str, key: Key) -> AnyFacts:
    """The facts of the notice of that name, as if it were written about that incident now.

    What has not happened (a suspension, a closure) is taken from the sample, with its times.

    Raises:
        UnknownIncidentError: if there is none.
    """
    sample = samples.of(name)
    incident = incident_rows.whole(connection, [key]).get(key)
    found = record.site(connection, _order(key))
    if incident is None or found is None:
        raise UnknownIncidentError(given=incident_id(*key))
    if isinstance(sample, AlarmFacts):
        named = None if sample.incident is None else incident_id(*key)
        site = None if sample.site is None else found.facts.site
        return replace(sample, site=site, incident=named)
    about = record.about(connection, found, incident)
    closed = found.case.closure is not None
    if name in _OF_INCIDENT or (name == "call_script" and not closed):
        return replace(about, at=incident.recorded_at)
    if closed and name in (*_OF_CLOSURE, "call_script"):
        return replace(record.closed(connection, found), task=sample.task)
    return _with(sample, about, findings=name not in _OF_SITE)


def _with(sample: Facts, about: Facts, *, findings: bool) -> Facts:
    """The sample, with all that the record has in place of what it has made up."""
    return replace(
        sample,
        site=about.site,
        reference=about.reference,
        policy=about.policy,
        person=about.person,
        link=about.link,
        findings=about.findings if findings else (),
    )


def _order(key: Key) -> Order:
    """An order as there might be one about it; nothing of its own is told."""
    return Order(
        id=order_id(key[0], 1, NOTICE), kind="notify", lane=NOTICE, site="", site_id=key[0], seq=1,
        ordered_at=samples.of("violation_found").at, incident=incident_id(*key),
    )  # fmt: skip
