"""How events change a filing: its details, and the terms that run by them."""

from __future__ import annotations

from incidents.machine import events as e
from incidents.machine import filing
from incidents.machine.case import Case
from incidents.machine.changes import Changes

changes = Changes()


@changes.on(e.FilingChanged)
def _filing_changed(case: Case, event: e.FilingChanged) -> None:
    case.details = filing.changed(case.details, dict(event.details))
    case.terms = filing.terms(case.details, case.terms)


@changes.on(e.FilingReminded)
def _filing_reminded(case: Case, event: e.FilingReminded) -> None:
    case.terms[event.term] = filing.reminded(case.terms[event.term], event.on)


@changes.on(e.SuspicionRaised)
def _suspicion_raised(_case: Case, _: e.SuspicionRaised) -> None:
    """What comes of it is a task, which has an event of its own."""


@changes.on(e.FooterSeen)
def _footer_seen(_case: Case, _: e.FooterSeen) -> None:
    """As of a suspicion."""
