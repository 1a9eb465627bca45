"""The record of one site, for `why`: its case, its story, its last decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from incidents.accounts.identity import distinct_login
from incidents.locale.language import ENGLISH, Language
from incidents.locale.words import TimeFormat, Wording
from incidents.machine import events as e
from incidents.machine.case import UNKNOWN, Case
from incidents.machine.commands import CLOCK
from incidents.machine.events import Event
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines, repeat_rule, unreachable_rules
from incidents.record import entry
from incidents.store.archive import whole
from incidents.store.cases import cases, sites
from incidents.store.cases.slices import Need
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import braked, deliveries
from incidents.store.schema.tables import incidents, unlisted
from incidents.values.ids import ACT, order_id
from incidents.views import left_down, record_entries, register, withheld
from incidents.views.timeline import timeline

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Line


MAX_TIMELINE = 2_000
"""The maximum number of entries in an explanation, the latest; `timeline` streams them all."""

MAX_TRIED = 10
"""The maximum number of incidents to try, to find what would change the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The facts of a site at `now`.

    `closing` and `suspending`: the events that closed and suspended it, each with the login.
    `moot`: the numbers of the first few incidents found on the closed site. `texts`: people's text
    by reference. `has_orders`: an order to the live system waits, or is a dead letter. `braked`:
    the id of an order that the brake holds. `left_down_since`: when the reason for the site to be
    down may have been lost; None if it was not. `is_believed`: the site was added after a loss and
    its state is unknown, but it counts as up. `stays_down`: a loss has left the site down, and
    neither a clock nor lifting a hold opens it. `only_logged`: the actual state differs from the
    order, because the last order to the live system was only logged; `is_cancelled`: the actual
    state differs because somebody cancelled that order.
    """

    case: Case
    policy: Policy
    now: datetime
    wording: Wording
    story: list[Line]
    omitted: int
    closing: tuple[e.SiteClosed, str | None] | None
    suspending: tuple[e.SiteSuspended, str | None] | None
    moot: list[int]
    texts: Mapping[str, str]
    has_orders: bool
    braked: str | None
    left_down_since: datetime | None
    is_believed: bool
    stays_down: bool
    only_logged: bool
    is_cancelled: bool

    @property
    def stays_closed(self) -> bool:
        """Whether the site is actually closed, but not on record."""
        return self.stays_down and self.case.in_force == "closed"

    @property
    def may_end_down(self) -> bool:
        """Whether the site is suspended, and the end of the suspension does not open it."""
        is_suspended = self.case.suspension is not None and not self.case.closed
        return is_suspended and self.stays_down and not self.stays_closed

    @property
    def not_in_force(self) -> str | None:
        """The code of the reason why the actual state differs from the order, or None."""
        if self.case.in_force == self.case.state:
            return None
        if self.braked is not None:
            return "braked"
        if self.stays_closed:
            return "left_closed"
        if self.left_down_since is not None:
            return "unknown" if self.case.in_force == UNKNOWN else "left_down"
        if self.is_believed:
            return "believed"
        # An order that was only logged, or was carried out by hand, is no longer listed.
        without = "logged" if self.only_logged else "lost"
        return "waits" if self.has_orders else without

    @property
    def when(self) -> TimeFormat:
        """The format of times: their zone and language, and the present moment."""
        return self.wording.when

    @property
    def overdue_since(self) -> datetime | None:
        """The due time of the first overdue action; None if nothing is overdue."""
        due = deadlines.next_due(self.case)
        return due if due is not None and due < self.now else None

    @property
    def run(self) -> int:
        """The run of cases under the active policy (R3)."""
        return unreachable_rules.run(self.case, self.policy)

    @property
    def resting(self) -> list[Incident]:
        """The incidents on which the running suspension is based (R2)."""
        return [
            incident
            for _, incident in sorted(self.case.incidents.items())
            if self.case.running is not None and incident.suspension == self.case.running
        ]

    @property
    def recent(self) -> list[Incident]:
        """The incidents that R1 can still count together with a violation that happens now."""
        return [
            incident
            for incident in self.case.incidents.values()
            if repeat_rule.counts(self.case, incident)
            and timedelta(0) <= self.now - incident.occurred_at <= self.policy.repeat_within
        ]

    def was_held(self, incident: Incident) -> bool:
        """Whether the site was held when the incident's clock lapsed; False if not in `story`."""
        name, held, found = self.wording.name(incident.n), None, False
        for line in reversed(self.story):
            if line["kind"] in ("hold_set", "hold_lifted"):
                held = line["kind"] == "hold_set"
                if found:
                    return held
            elif line["kind"] == "clock_lapsed" and line.get("incident") == name:
                found = True
        # The hold may be older than the story: then its end is in it, or it still runs.
        return found and self.omitted > 0 and (self.case.held if held is None else not held)

    def say(self, code: str, /, **facts: Any) -> str:
        """The phrase `why.CODE` with its facts."""
        return self.wording.say(f"why.{code}", site=self.case.site, **facts)

    def quoted(self, ref: str | None) -> str:
        """The text of a reference in quotation marks, or a sentence that says it was erased."""
        if ref is None:
            return self.say("no_reason")
        return self.say("quoted", text=self.texts[ref]) if ref in self.texts else self.say("erased")

    def recorded_by(self, kind: str, incident: int | None = None) -> str:
        """The person of the site's last entry of that kind, with the login."""
        name = None if incident is None else self.wording.name(incident)
        for line in reversed(self.story):
            if line["kind"] == kind and name in (None, line.get("incident")):
                return signed(line["by"], line["login"], self.wording.language)
        return ""


def read(connection: Connection, name: str, when: TimeFormat) -> Record:
    """The record of the site of that name, in a fixed number of queries besides its timeline's.

    `when`: the present moment, with the zone and the language of the explanation.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    row = sites.named(connection, name)
    # As at the desk: after a clock was set back, now is the time of the last entry.
    now = max(when.now, row["last_entry_at"] or when.now)
    in_force = register.policy_in_force(connection)
    # The case must include everything that one correction of its grounds may touch.
    counted = () if row["closure"] is None else row["closure"]["incidents"]
    need = Need(
        targets=frozenset(counted), moments=frozenset({now}), corrections=1, tells_all=True
    )  # fmt: skip
    case = cases.load(connection, {row["id"]: row}, {row["id"]: need}, in_force)[row["id"]]
    wording = Wording(site=case.site, site_id=case.site_id, when=when)
    omitted = max(0, case.seq - MAX_TIMELINE)
    closing, orders = _closing(connection, case), _orders(connection, case)
    refs = [
        case.hold and case.hold.reason,
        case.request and case.request.reason,
        case.closure_request and case.closure_request.text,
        closing and closing[0].evidence,
    ]
    return Record(
        case=case,
        policy=in_force,
        now=now,
        wording=wording,
        story=list(
            timeline(
                connection,
                case.site_id,
                now=now,
                zone=when.zone,
                language=when.language,
                after=omitted,
            )
        ),
        omitted=omitted,
        closing=closing,
        suspending=_suspending(connection, case),
        moot=_moot(connection, case),
        texts=record_entries.personal_texts(connection, refs),
        has_orders=bool(orders),
        braked=next((id_ for id_, is_braked in orders if is_braked), None),
        left_down_since=left_down.since(connection, row, now),
        is_believed=left_down.is_believed(connection, row, now),
        stays_down=left_down.stays_down(connection, row),
        only_logged=case.in_force != case.state
        and withheld.was_only_logged(connection, case.site_id),
        is_cancelled=case.in_force != case.state
        and withheld.is_cancelled(connection, case.site_id),
    )


def signed(person: str, login: str | None, language: Language = ENGLISH) -> str:
    """The name of a person, with the login if it differs; or the name of the clock."""
    if person == CLOCK:
        return language.say("why.clock")
    beside = distinct_login(person, login)
    return person if beside is None else language.say("why.login", person=person, login=beside)


def _orders(connection: Connection, case: Case) -> list[tuple[str, bool]]:
    """The unsettled orders to the live system, latest first, and those that the brake holds."""
    of = deliveries.c
    found = select(of.site_seq, braked).where(of.site_id == case.site_id, of.lane == ACT)
    rows = connection.execute(found.order_by(of.site_seq.desc()))
    return [(order_id(case.site_id, seq), bool(is_braked)) for seq, is_braked in rows]


def _moot(connection: Connection, case: Case) -> list[int]:
    """The numbers of the first few incidents that were found on the closed site."""
    of = incidents.c
    found = select(of.n).where(of.site_id == case.site_id, unlisted(), of.state == "moot")
    return list(connection.scalars(found.order_by(of.n).limit(MAX_TRIED + 1)))


def _closing(connection: Connection, case: Case) -> Any:
    if case.closure is None:
        return None
    return _at(connection, case, case.closure.at, lambda event: isinstance(event, e.SiteClosed))


def _suspending(connection: Connection, case: Case) -> Any:
    running = case.suspension
    if running is None:
        return None
    return _at(
        connection,
        case,
        running.made_at,
        lambda event: isinstance(event, e.SiteSuspended) and event.suspension == running.n,
    )


def _at(
    connection: Connection, case: Case, moment: datetime, wanted: Callable[[Event], bool]
) -> tuple[Event, str | None] | None:
    """The site's last event recorded at that moment that is `wanted`, with its login."""
    found = select(entries.c.body).where(
        entries.c.site_id == case.site_id, entries.c.recorded_at == moment
    )
    rows = whole.of_one_site(
        connection, found.order_by(entries.c.site_seq.desc()), case.site_id,
        whole.at(moment), newest_first=True,
    )  # fmt: skip
    for header, event in (entry.decode(body) for (body,) in rows):
        if wanted(event):
            return event, header.login
    return None
