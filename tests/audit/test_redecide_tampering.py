"""A record that was tampered with so that it still reads well, as somebody would do it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from incidents.audit.redecide import Redecision
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED
from incidents.record.entry import decode, encode
from tests.audit.decided import (
    LOGIN,
    SITE,
    SITE_ID,
    TEN,
    Decided,
    Entry,
    added,
    altered,
    everything,
    first_wrong,
    kinds,
    missed,
    of_kind,
    with_,
    without,
    wrong_in,
)

pytestmark = pytest.mark.usefixtures("how")

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
EVERYTHING = everything()


def _moved(entry: Entry, by: timedelta) -> Entry:
    """The same, done at another time, with all that follows from when it was done."""
    event: Any = entry.event
    changed: dict[str, Any] = {"recorded_at": event.recorded_at + by}
    if event.reason is not None:
        changed["reason"] = replace(event.reason, decided_at=event.reason.decided_at + by)
    if isinstance(event, e.SiteSuspended):
        changed["until"] = event.until + by
    return altered(entry, **changed)


def test_a_suspension_too_early_is_found() -> None:
    """By a second, with each time in it made to fit; at the deadline itself nothing is due yet."""
    site = added().log().elapse(60 + 1 / 60)
    early = [_moved(entry, -SECOND) for entry in site.entries[2:]]
    assert first_wrong(site.entries, []) is None
    finding = wrong_in([*site.entries[:2], *early])
    assert (finding.row, finding.found) == ("7-3", "clock_lapsed is not due")


def test_a_suspension_that_was_passed_over_is_found_when_the_next_thing_happens() -> None:
    finding = wrong_in(without(missed().entries, 3, 4, 5, 6))
    assert finding.row == "7-3"
    assert finding.found == (
        "it is incident_logged of 2026-03-02T23:02:00Z, "
        "but the policy gives clock_lapsed of 2026-03-01T11:00:00Z"
    )


def test_a_suspension_made_later_than_its_time_shows_by_what_came_between() -> None:
    """The lapse is put behind a call that was made after the deadline."""
    site = added().log().elapse(61)
    site.do(c.RecordContact(by="li", incident=1, outcome="no-answer"), minutes=5)
    first, logged, lapsed, suspended, called = site.entries
    later = timedelta(minutes=5)
    order = [first, logged, called, _moved(lapsed, later), _moved(suspended, later)]
    assert first_wrong(site.entries, []) is None
    assert first_wrong(order, []) == 3


def test_a_reopening_that_was_passed_over_is_found() -> None:
    assert first_wrong(without(missed().entries, 5, 6), []) == 5


def test_a_lapse_without_its_suspension_is_found_also_at_the_end() -> None:
    entries = missed().entries
    finding = wrong_in(entries[:3])
    assert finding.row == "7-4"
    assert finding.found == (
        "it is not there: the policy gives site_suspended of 2026-03-01T11:00:00Z"
    )


@pytest.mark.parametrize("logged", [1, 2])
def test_a_closure_without_its_three_incidents_is_found(logged: int) -> None:
    closed = EVERYTHING.entries[of_kind(EVERYTHING, "site_closed") - 1].event
    site = added()
    for _ in range(logged):
        site.log(minutes=1)
    assert closed.reason is not None
    reason = replace(closed.reason, incidents=(1, 2, 3), decided_at=site.now)
    event = replace(closed, occurred_at=site.now, recorded_at=site.now, reason=reason, run=None)
    finding = wrong_in([*site.entries, Entry(event=event, login=LOGIN, place=9)])
    assert finding.row == f"7-{logged + 2}"
    assert finding.found == "site_closed follows from other events, and from none that is here"


def test_a_closure_that_was_spared_is_found() -> None:
    n = of_kind(EVERYTHING, "site_closed")
    assert kinds(EVERYTHING.entries)[n] == "task_opened"
    assert first_wrong(without(EVERYTHING.entries, n, n + 1), EVERYTHING.own) == n


def test_a_deadline_moved_wherever_it_stands_is_found_where_it_stands_first() -> None:
    """In the incident, in the lapse, in the suspension and in their reasons."""
    entries = missed().entries[:4]
    logged, lapsed, suspended = (entry.event for entry in entries[1:])
    assert isinstance(logged, e.IncidentLogged)
    assert logged.contact_due is not None
    due = logged.contact_due - HOUR / 2
    lapse = {"occurred_at": due, "reason": replace(_reason(lapsed), deadline=due)}
    moved = [
        entries[0],
        altered(entries[1], contact_due=due),
        altered(entries[2], **lapse),
        altered(entries[3], due=due, **lapse),
    ]
    assert suspended.occurred_at != due
    assert first_wrong(moved, []) == 2


def _reason(event: e.Event) -> e.Reason:
    assert event.reason is not None
    return event.reason


def test_a_reinstatement_by_the_person_who_asked_for_it_is_found() -> None:
    site = added().false("phone")
    site.do(c.AskReinstatement(by="li", reason="sha256:2")).do(c.Approve(by="wang"), minutes=1)
    assert first_wrong(site.entries, []) is None
    finding = wrong_in(with_(site.entries, 4, altered(site.entries[3], by="li")))
    assert finding.row == "7-4"
    assert str(finding.found).startswith("the desk refuses it: li made this request")


def _added(now: datetime) -> e.Event:
    return e.SiteAdded(
        occurred_at=now, recorded_at=now, by="li", policy="", site=SITE, phone=None, email=None,
        person=None,
    )  # fmt: skip


def _reached(now: datetime, at: datetime | None = None, outcome: str = "reached") -> e.Event:
    return e.ContactRecorded(
        occurred_at=at or TEN, recorded_at=now, by="li", policy="", incident=1, contact=1,
        state_from="open", state_to="notified", outcome=outcome,
    )  # fmt: skip


def _imported(now: datetime, contact: str) -> e.Event:
    return e.IncidentImported(
        occurred_at=TEN, recorded_at=now, by="li", policy="", incident=2, state_from="new",
        state_to="open", contact=contact,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (_added, "the desk refuses it: a.example already exists"),
        (lambda now: _reached(now, outcome="perhaps"), "contact_recorded follows from other"),
        (lambda now: _imported(now, "perhaps"), "incident_imported follows from other"),
        (lambda now: _reached(now, at=now + SECOND), "the desk refuses it: "),
        (lambda now: _reached(datetime.max.replace(tzinfo=TEN.tzinfo)), "nobody can decide at "),
    ],
)
def test_what_the_desk_never_does_is_found(event: Callable[[datetime], e.Event], why: str) -> None:
    site = Decided(policy=DOCUMENTED)
    site.do(c.AddSite(by="li"))
    site.activate(replace(DOCUMENTED, removal_within=HOUR, unreachable_within=10 * HOUR)).log()
    own = replace(event(site.now), policy=site.policy.digest)
    entries = [*site.entries, Entry(event=own, login=LOGIN, place=9)]
    finding = wrong_in(entries, site.own)
    assert finding.row == "7-3"
    assert str(finding.found).startswith(why)


def test_a_record_that_does_not_begin_with_the_site_is_found() -> None:
    assert first_wrong(missed().entries[1:], []) == 1


def test_after_a_finding_nothing_more_is_judged() -> None:
    redecision = Redecision(SITE_ID, {DOCUMENTED.digest: DOCUMENTED})
    entries = missed().entries[1:]
    found = [
        redecision.take(*decode(encode(entry.event, SITE, SITE_ID, seq, entry.login)))
        for seq, entry in enumerate(entries, 1)
    ]
    assert [finding is None for finding in found] == [False] + [True] * 5
    assert redecision.end() is None
