"""The checks that acts share: each returns what it looked for, or refuses by name."""

from __future__ import annotations

from datetime import datetime
from unicodedata import normalize

from incidents.machine.draft import Draft
from incidents.machine.incident import Incident
from incidents.machine.refusals import RefusedError
from incidents.machine.state import INCIDENT_STATES, can_move_incident


def known_incident(draft: Draft, n: int) -> Incident:
    """The incident, which must exist."""
    found = draft.case.incidents.get(n)
    if found is None:
        raise RefusedError("unknown_incident", incident=draft.name(n))
    return found


def time_of(draft: Draft, at: datetime | None) -> datetime:
    """When a fact happened: `at`, which must not be in the future, else now."""
    if at is not None and at > draft.now:
        raise RefusedError("future", at=at, now=draft.now)
    return at or draft.now


def not_before(incident: Incident, at: datetime) -> None:
    """What has to do with an incident cannot have happened before it."""
    if at < incident.occurred_at:
        raise RefusedError("before_incident", at=at, occurred_at=incident.occurred_at)


def site_is_open(draft: Draft, act: str) -> None:
    """The site must not be closed."""
    case = draft.case
    if case.closed:
        raise RefusedError("site_closed", site=case.site, rule=case.rule, act=act)


def state_allows(draft: Draft, incident: Incident, trigger: str, act: str) -> None:
    """The incident's table must have a move by `trigger` from its state."""
    if not can_move_incident(incident.state, trigger):
        needs = [state for state in INCIDENT_STATES if can_move_incident(state, trigger)]
        refuse_state(draft, incident, act, needs)


def state_is_one_of(draft: Draft, incident: Incident, states: tuple[str, ...], act: str) -> None:
    """The incident must be in one of the states."""
    if incident.state not in states:
        refuse_state(draft, incident, act, list(states))


def another_person(asked_by: str, by: str) -> None:
    """Who answers must be another person than who asked."""
    if _as_one_reads_it(asked_by) == _as_one_reads_it(by):
        raise RefusedError("same_person", by=asked_by)


def _as_one_reads_it(name: str) -> str:
    """The name without its case and its width: nobody becomes two persons by spelling."""
    return normalize("NFKC", normalize("NFKC", name).casefold())


def refuse_state(draft: Draft, incident: Incident, act: str, needs: list[str]) -> None:
    """Refuse, since the incident's state forbids the act."""
    raise RefusedError(
        "state_forbids", incident=draft.name(incident.n), state=incident.state, act=act,
        needs=" or ".join(needs),
    )  # fmt: skip
