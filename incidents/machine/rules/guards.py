"""The guards of the state tables, which name them: conditions on a case, and on an incident."""

from __future__ import annotations

from incidents.machine.case import Case
from incidents.machine.command import REACHED
from incidents.machine.incident import Incident
from incidents.machine.incident_commands import ImportIncident
from incidents.machine.policy import Policy
from incidents.machine.rules.repeat_rule import window_with
from incidents.machine.rules.unreachable_rules import attempts, cases_up_to


def completes_window(case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the incident completes a window that closes a site (R1)."""
    return bool(window_with(case, incident, policy))


def unreachable(_case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the policy's minimum number of attempts was made by the contact deadline (R2)."""
    return policy.min_attempts == 0 or attempts(incident) >= policy.min_attempts


def completes_run(case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the incident's missed deadline completes the run that closes a site (R3)."""
    if not unreachable(case, incident, policy):
        return False
    before = cases_up_to(case, incident.place, total=policy.run == "total")
    return len(before) + 1 >= policy.run_count


def held(case: Case) -> bool:
    """Whether an authority's order keeps the site down."""
    return case.held


def suspension_runs(case: Case) -> bool:
    """Whether a suspension is still running (R2)."""
    return case.suspension is not None


def site_closed(case: Case) -> bool:
    """Whether the site is closed: new incidents on it are then moot."""
    return case.closed


def told(incident: Incident) -> bool:
    """Whether the customer was reached by a contact that has not been voided (R2)."""
    return any(contact.tells for contact in incident.contacts)


def lapsed(incident: Incident) -> bool:
    """Whether the incident's contact clock has lapsed (R2)."""
    return incident.lapsed_at is not None


def known_removed(past: ImportIncident) -> bool:
    """Whether the time when a past incident's content was removed is known."""
    return past.removed_at is not None


def known_told(past: ImportIncident) -> bool:
    """Whether it is known that the customer was reached about a past incident."""
    return past.contact == REACHED
