"""Actions on incidents: log violations (R1, R2), removals, police reports, evidence, notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from incidents.machine import commands
from incidents.machine import decider as checks
from incidents.machine import events as e
from incidents.machine.decider import Decider, complete_rechecks, open_task
from incidents.machine.events import Reason
from incidents.machine.handlers import Handlers
from incidents.machine.incident import Incident
from incidents.machine.refusal import CUSTOMERS, RefusedError
from incidents.machine.rules import closure_grounds, repeat_rule
from incidents.machine.state import move_incident, move_site
from incidents.values.incident_states import UNSETTLED, UNTOLD

decisions = Handlers[Decider]()

_RECURRING = ("notified", "unreached", "removed")


@decisions.on(commands.Log)
def log(decider: Decider, command: commands.Log) -> None:
    """Log a violation: its contact clock starts (R2), and it can close the site (R1)."""
    at = checks.time_of(decider, command.at)
    if not command.again:
        _refuse_double_entry(decider, at, command.urls, command.written, _has_its_urls)
    _log(
        decider, at, urls=command.urls, written=command.written, category=command.category,
        note=command.note,
    )  # fmt: skip


@decisions.on(commands.Recur)
def recur(decider: Decider, command: commands.Recur) -> None:
    """Log that an incident's content is still online, as a new incident linked to the first."""
    first = checks.known_incident(decider, command.incident)
    at = checks.time_of(decider, command.at)
    checks.site_is_open(decider, "recur")
    checks.state_is_one_of(decider, first, _RECURRING, "recur")
    checks.not_before(first, at)
    if not command.again:
        _refuse_second_recurrence(decider, at, first)
        to_tell = partial(_is_still_to_tell, first)
        _refuse_double_entry(decider, at, first.urls, first.written, to_tell)
    _log(
        decider, at, urls=first.urls, written=first.written, category=first.category,
        note=command.note, recurs=first.n,
    )  # fmt: skip


@decisions.on(commands.ImportIncident)
def import_incident(decider: Decider, command: commands.ImportIncident) -> None:
    """Record a past incident; it starts no clock and counts in no rule."""
    for at in (command.at, command.contact_at, command.removed_at):
        checks.time_of(decider, at)
        if at is not None and at < command.at:
            raise RefusedError("before_incident", at=at, occurred_at=command.at)
    decider.add(
        e.IncidentImported,
        at=command.at,
        incident=decider.case.last_incident + 1,
        state_from="new",
        state_to=move_incident("new", "import", command),
        urls=command.urls,
        written=command.written,
        category=command.category,
        note=command.note,
        contact=command.contact,
        contact_at=command.contact_at,
        removed_at=command.removed_at,
    )


@decisions.on(commands.Attach)
def attach(decider: Decider, command: commands.Attach) -> None:
    """Attach a file as evidence; attaching the same file again has no effect."""
    incident = checks.known_incident(decider, command.incident)
    if all(evidence.digest != command.digest for evidence in incident.evidence):
        decider.add(
            e.EvidenceAttached, incident=incident.n, digest=command.digest, size=command.size,
            name=command.name,
        )  # fmt: skip


@decisions.on(commands.AddNote)
def add_note(decider: Decider, command: commands.AddNote) -> None:
    """Add a note to an incident in any state; the state stays the same."""
    incident = checks.known_incident(decider, command.incident)
    decider.add(
        e.NoteAdded, incident=incident.n, audience=command.audience, text=command.text
    )  # fmt: skip


@decisions.on(commands.StateRemoved)
def state_removed(decider: Decider, command: commands.StateRemoved) -> None:
    """Record that the content is removed: found deleted, or deleted after a contact."""
    incident = checks.known_incident(decider, command.incident)
    at = checks.time_of(decider, command.at)
    lapsed = _lapsed_deadline(decider, incident, command.at)
    checks.state_allows(decider, incident, "remove", "removed", **lapsed)
    checks.not_before(incident, at)
    decider.add(
        e.IncidentRemoved,
        at=at,
        incident=incident.n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "remove"),
        note=command.note,
    )
    complete_rechecks(decider)


def _lapsed_deadline(
    decider: Decider, incident: Incident, at: datetime | None
) -> dict[str, datetime]:
    """The lapsed removal deadline, as a fact for the refusal of a removal that might be in time.

    The program does not undo the closure: a person must first withdraw the refusal that the lapsed
    deadline recorded.
    """
    due = incident.removal_due
    if due is None or (at is not None and at > due):
        return {}
    return {"deadline": due} if closure_grounds.refused_by_deadline(decider.case, incident) else {}


@decisions.on(commands.StateReported)
def state_reported(decider: Decider, command: commands.StateReported) -> None:
    """Record that the incident was reported to the police; its state stays the same (L.1)."""
    incident = checks.known_incident(decider, command.incident)
    at = checks.time_of(decider, command.at)
    if incident.state == "voided":
        checks.refuse_state(decider, incident, "reported", ["not voided"])
    checks.not_before(incident, at)
    if incident.reported_at is not None:
        raise RefusedError(
            "already_reported", incident=decider.name(incident.n), at=incident.reported_at
        )
    decider.add(e.IncidentReported, at=at, incident=incident.n, note=command.note)


@decisions.on(commands.SayRemoved)
def say_removed(decider: Decider, command: commands.SayRemoved) -> None:
    """Record that the customer reports a removal: the desk must check it; no clock stops (R2)."""
    incident = checks.known_incident(decider, command.incident)
    checks.state_allows(decider, incident, "remove", CUSTOMERS)
    if incident.removal_said_at is not None:
        raise RefusedError("already_said", incident=decider.name(incident.n))
    decider.add(e.RemovalSaid, incident=incident.n, note=command.note)
    open_task(decider, "recheck", (incident.n,))


@decisions.on(commands.RevokeLinks)
def revoke_links(decider: Decider, command: commands.RevokeLinks) -> None:
    """Revoke the links that customers were given for an incident; its state stays the same."""
    incident = checks.known_incident(decider, command.incident)
    decider.add(e.LinksRevoked, incident=incident.n)


def _has_its_urls(incident: Incident) -> bool:
    return incident.state in UNSETTLED


def _is_still_to_tell(first: Incident, incident: Incident) -> bool:
    """Whether this incident already records that the content of `first` is still online.

    If nobody was reached about either of two incidents, the later one is the recurrence.
    """
    if incident.state == "unreached":
        return incident.n > first.n
    return incident.state == "open"


def _refuse_double_entry(
    decider: Decider,
    at: datetime,
    urls: tuple[str, ...],
    written: tuple[str, ...],
    stands: Callable[[Incident], bool],
) -> None:
    found = _entered_already(decider, urls, written, stands)
    if found is not None:
        incident, url = found
        raise RefusedError(
            "double_entry", incident=decider.name(incident.n), site=decider.case.site, url=url,
            state=incident.state, closes=_another_closes(decider, at),
            may_recur=_may_recur(decider, incident),
        )  # fmt: skip


def _entered_already(
    decider: Decider,
    urls: tuple[str, ...],
    written: tuple[str, ...],
    stands: Callable[[Incident], bool],
) -> tuple[Incident, str] | None:
    """The first matching incident that has one of the URLs, and that URL."""
    # What was written too: an older program took some of that for the normal form.
    urls = (*urls, *filter(None, written))
    for incident in filter(stands, decider.case.incidents.values()):
        url = next((url for url in urls if url in incident.urls), None)
        if url is not None:
            return incident, url
    return None


def _may_recur(decider: Decider, first: Incident) -> bool:
    """Whether a recurrence of `first` could be logged now, so that the refusal can suggest it."""
    to_tell = partial(_is_still_to_tell, first)
    entered = _entered_already(decider, first.urls, first.written, to_tell)
    return entered is None and not decider.case.closed


def _refuse_second_recurrence(decider: Decider, at: datetime, first: Incident) -> None:
    """Refuse a second recurrence about which nobody was reached since the first.

    Otherwise two people who record the same finding could close the site (R1). After the customer
    was reached about one recurrence, the next is a separate violation.
    """
    for incident in decider.case.incidents.values():
        if incident.recurs == first.n and incident.state in UNTOLD:
            raise RefusedError(
                "recurred_already", incident=decider.name(first.n), site=decider.case.site,
                recurrence=decider.name(incident.n), state=incident.state,
                closes=_another_closes(decider, at),
            )  # fmt: skip


def _another_closes(decider: Decider, at: datetime) -> bool:
    """Whether another violation found at `at` (UTC) would close the site (R1)."""
    case, policy = decider.case, decider.policy
    times = sorted([*repeat_rule.counted_times(case), at])
    counted = repeat_rule.counted_with(times, at, policy.repeat_within)
    return not case.closed and counted >= policy.repeat_count


def _log(
    decider: Decider,
    at: datetime,
    *,
    urls: tuple[str, ...],
    written: tuple[str, ...],
    category: str | None,
    note: str | None,
    recurs: int | None = None,
) -> None:
    case = decider.case
    n = case.last_incident + 1
    state_to = move_incident("new", "log", case)
    is_open = state_to == "open"
    decider.add(
        e.IncidentLogged,
        at=at,
        incident=n,
        state_from="new",
        state_to=state_to,
        contact_due=decider.now + decider.policy.unreachable_within if is_open else None,
        urls=urls,
        written=written,
        category=category,
        note=note,
        recurs=recurs,
    )
    if is_open:
        _close_by_repeat(decider, case.incidents[n])


def _close_by_repeat(decider: Decider, incident: Incident) -> None:
    """Close the site if the incident completes a window (R1), and have the customer called."""
    case, policy = decider.case, decider.policy
    site_to = move_site(case.state, "log", case, incident, policy)
    if site_to == case.state:
        _count(decider, incident)
        return
    window = repeat_rule.window_with(case, incident, policy)
    others = tuple(other.n for other in window if other is not incident)
    decider.add(
        e.SiteClosed,
        site_from=case.state,
        site_to=site_to,
        reason=Reason(
            rule="repeat",
            incidents=(*others, incident.n),
            counted=len(window),
            needed=policy.repeat_count,
            since=window[0].occurred_at,
            until=window[-1].occurred_at,
            within=policy.repeat_within,
            decided_at=decider.now,
        ),
    )
    open_task(decider, "tell", (*others, incident.n))


def _count(decider: Decider, incident: Incident) -> None:
    """Remark on the progress of R1, so that a closure by the next violation surprises nobody."""
    policy, here = decider.policy, incident.occurred_at
    times = repeat_rule.counted_times(decider.case)
    facts = {
        "n": repeat_rule.counted_with(times, here, policy.repeat_within),
        "needed": policy.repeat_count,
        "within_s": int(policy.repeat_within.total_seconds()),
    }
    until = repeat_rule.next_closes_until(times, policy, decider.now)
    if until is None:
        decider.remark("counted", **facts)
    elif here >= decider.now - policy.repeat_within:
        decider.remark("next_closes", until=until, **facts)
    else:
        decider.remark("others_close", until=until, **facts)
