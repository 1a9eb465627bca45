"""Notes: what is written about an incident is on record, and moves nothing."""

from collections.abc import Callable

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.command import AUDIENCES, FOR_CUSTOMER, FOR_DESK
from incidents.machine.incident import Incident, Note
from incidents.machine.policy import DOCUMENTED
from tests.machine.history import ANN, BOB, History, utc

HOWEVER_IT_STANDS: dict[str, Callable[[], History]] = {
    "open": lambda: History().log(),
    "notified": lambda: History().log().contact(1),
    "unreached, suspended": lambda: History().miss(),
    "removed": lambda: History().log().removed(1),
    "refused, closed": lambda: History().closed_by_refusal(),
    "voided": lambda: History().log().void(1),
    "moot, closed": lambda: History().false_info().log(),
    "imported": lambda: History(at="10:00").imported(at="09:00"),
    "held": lambda: History().log().hold(),
    "of before a reinstatement": lambda: History().closed_by_refusal().reopened(),
}


def test_a_note_is_recorded_with_for_whom_it_is() -> None:
    site = History(at="10:00").log().after("1h")
    site.do(c.AddNote(by=BOB, incident=1, audience=FOR_CUSTOMER, text="sha256:1"))
    assert site.recorded(e.NoteAdded) == [
        e.NoteAdded(
            occurred_at=utc("11:00"), recorded_at=utc("11:00"), by=BOB, policy=DOCUMENTED.digest,
            incident=1, audience=FOR_CUSTOMER, text="sha256:1",
        )
    ]  # fmt: skip


def test_an_incident_holds_its_notes_in_their_order_and_the_same_words_twice_are_two() -> None:
    site = History(at="10:00").log().note(1).note(1, FOR_CUSTOMER).note(1)
    written = [
        Note(audience=audience, text="sha256:1", recorded_at=utc("10:00"), by=ANN)
        for audience in (FOR_DESK, FOR_CUSTOMER, FOR_DESK)
    ]
    assert site.incident(1) == Incident(
        n=1, state="open", epoch=1, occurred_at=utc("10:00"), recorded_at=utc("10:00"), by=ANN,
        contact_due=utc("11:00"), notes=tuple(written),
    )  # fmt: skip


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", HOWEVER_IT_STANDS)
def test_a_note_is_taken_however_the_incident_and_its_site_stand_and_moves_nothing(
    name: str, audience: str
) -> None:
    site = HOWEVER_IT_STANDS[name]()
    before = (site.state, site.states, site.run, site.queue, site.suspended_until)
    assert site.note(1, audience).happened == ["note_added"]
    assert (site.state, site.states, site.run, site.queue, site.suspended_until) == before
    assert site.ordered == []


def test_a_note_needs_an_incident() -> None:
    assert History().note(1).refused_with == "unknown_incident"


def test_what_is_due_comes_before_a_note() -> None:
    site = History(at="10:00").log().after("2h").note(1)
    assert site.happened == ["clock_lapsed", "site_suspended", "note_added"]
