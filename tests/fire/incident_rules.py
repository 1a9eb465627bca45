"""The rules of an incident's entries: logged, called about, removed, refused, voided, lapsed."""

from __future__ import annotations

from tests.fire.facts import CONTACT, IMPORTED, Contact, Incident
from tests.fire.history import EntryRule, History
from tests.fire.record import Entry


def _logged(history: History, entry: Entry) -> None:
    facts, policy = history.facts, history.policy
    closed = facts.closure is not None
    deadline = None if closed else entry.recorded_at + policy.unreachable_within
    number = _next_number(history, entry)
    incident = Incident(number, entry.occurred_at, facts.era, deadline, moot=closed)
    facts.incidents[number] = incident
    if closed and "recurs" in entry.data:
        history.find(entry, "a recurrence on a closed site")
    if entry.time("contact_due") != deadline:
        history.find(entry, f"the contact deadline is {deadline}")
    if entry.data["state_to"] != incident.state:
        history.find(entry, f"it is {incident.state}")
    if not closed and facts.window_with(incident, policy.repeat_within) >= policy.repeat_count:
        history.owed = "site_closed repeat"


def _imported(history: History, entry: Entry) -> None:
    number, contacts = _next_number(history, entry), list[Contact]()
    if "contact" in entry.data:
        at = entry.time("contact_at") or entry.occurred_at
        contacts.append(Contact(entry.data["contact"] == "reached", at, entry.recorded_at))
    statement = "removed" if entry.data["state_to"] == "removed" else None
    history.facts.incidents[number] = Incident(
        number, entry.occurred_at, IMPORTED, None, statement=statement, contacts=contacts
    )


def _next_number(history: History, entry: Entry) -> int:
    number, expected = entry.number("incident"), len(history.facts.incidents) + 1
    if number != expected:
        history.find(entry, f"the site's next incident is number {expected}")
    return number or expected


def _contact(history: History, entry: Entry) -> None:
    incident = _incident(history, entry)
    if entry.occurred_at < incident.occurred_at:
        history.find(entry, "a contact from before its incident")
    reached = entry.data["outcome"] == "reached"
    runs = any(due[1:] == (CONTACT, incident.number) for due in history.facts.due())
    if bool(entry.data.get("stopped_clock")) != (runs and reached):
        history.find(entry, f"stopped_clock should be {runs and reached}")
    before, contact = incident.state, Contact(reached, entry.occurred_at, entry.recorded_at)
    history.move_incident(entry, incident.number, lambda: incident.contacts.append(contact))
    _learn_removal_due(history, entry, incident, before)


def _contact_voided(history: History, entry: Entry) -> None:
    incident = _incident(history, entry)
    wrong = incident.contacts[(entry.number("contact") or 0) - 1]
    before, told = incident.state, [contact for contact in incident.contacts if contact.tells]
    history.move_incident(entry, incident.number, lambda: setattr(wrong, "voided", True))
    _learn_fresh_hour(history, entry, incident, before)
    _learn_later_removal(history, entry, incident, told[1:] if told[:1] == [wrong] else [])


def _removed(history: History, entry: Entry) -> None:
    _state(history, entry, "removed")


def _refused(history: History, entry: Entry) -> None:
    if _incident(history, entry).state != "notified":
        history.find(entry, "nobody was told who could refuse")
    _state(history, entry, "refused")
    history.owed = "site_closed refusal"


def _state(history: History, entry: Entry, statement: str | None) -> None:
    incident = _incident(history, entry)
    history.move_incident(entry, incident.number, lambda: setattr(incident, "statement", statement))


def _voided(history: History, entry: Entry) -> None:
    incident = _incident(history, entry)
    history.move_incident(entry, incident.number, lambda: setattr(incident, "voided", True))


def _taken_back(history: History, entry: Entry) -> None:
    incident = _incident(history, entry)
    before = incident.state
    _state(history, entry, None)
    _learn_fresh_hour(history, entry, incident, before)
    _learn_removal_due(history, entry, incident, before)


def _lapsed(history: History, entry: Entry) -> None:
    """Let the incident lapse; whether that is due is checked against what is pending."""
    facts, policy, incident = history.facts, history.policy, _incident(history, entry)
    history.move_incident(entry, incident.number, lambda: setattr(incident, "lapsed", True))
    case, running = None, facts.running
    if incident.attempts_by_deadline() < policy.min_attempts:
        history.owed = "alarm_raised"
    elif running is not None:
        running.rests_on.append(incident.number)
        case = running.number
    elif facts.state == "active":
        case = len(facts.cases) + 1
        place = (entry.occurred_at, incident.number)
        run = len(facts.run_before(place, total=policy.total)) + 1
        closes = run >= policy.run_count
        history.owed = "site_closed unreachable_run" if closes else "site_suspended"
    if entry.number("suspension") != case:
        history.find(entry, f"it belongs to case {case}, not {entry.number('suspension')}")


def _learn_fresh_hour(history: History, entry: Entry, incident: Incident, before: str) -> None:
    due = None
    if incident.state == "open" != before:
        if _clocks_start_for(history, incident):
            due = entry.recorded_at + history.policy.unreachable_within
        incident.deadline = due
    if entry.time("contact_due") != due:
        history.find(entry, f"the fresh contact deadline is {due}")


def _learn_removal_due(history: History, entry: Entry, incident: Incident, before: str) -> None:
    due, within = None, history.policy.removal_within
    if incident.state == "notified" != before:
        if within is not None and _clocks_start_for(history, incident):
            due = entry.recorded_at + within
        incident.removal_due = due
    if entry.time("removal_due") != due:
        history.find(entry, f"the removal deadline is {due}")


def _learn_later_removal(
    history: History, entry: Entry, incident: Incident, still: list[Contact]
) -> None:
    """Nobody has less time to delete than from the first of the calls that were really made."""
    due, within, was = None, history.policy.removal_within, incident.removal_due
    counts = incident.state == "notified" and _clocks_start_for(history, incident)
    if counts and still and was is not None and within is not None:
        due = still[0].recorded_at + within
        due = due if due > was else None
    if entry.time("removal_due") != due:
        history.find(entry, f"the later removal deadline is {due}")
    incident.removal_due = due or incident.removal_due


def _clocks_start_for(history: History, incident: Incident) -> bool:
    return history.facts.closure is None and incident.era == history.facts.era


def _incident(history: History, entry: Entry) -> Incident:
    return history.facts.incidents[entry.number("incident") or 0]


RULES: dict[str, EntryRule] = {
    "incident_logged": _logged,
    "incident_imported": _imported,
    "contact_recorded": _contact,
    "contact_voided": _contact_voided,
    "incident_removed": _removed,
    "incident_refused": _refused,
    "incident_voided": _voided,
    "statement_taken_back": _taken_back,
    "clock_lapsed": _lapsed,
}
