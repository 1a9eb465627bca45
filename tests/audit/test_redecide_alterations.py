"""Whatever of a record is changed, taken out or put elsewhere: the first wrong entry is named."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.audit.redecide import Redecision
from incidents.machine import events as e
from incidents.record.entry import encode
from tests.audit.decided import (
    LOGIN,
    SITE,
    SITE_ID,
    Entry,
    alterations,
    altered,
    everything,
    first_wrong,
    fork,
    missed,
    of_kind,
    periods_of,
    take,
    with_,
    wrong_in,
)

pytestmark = pytest.mark.usefixtures("how")

STATED = {
    "by", "occurred_at", "recorded_at", "note", "text", "urls", "written", "category", "recurs",
    "whole_site", "digest", "size", "name", "field", "evidence", "holder", "outcome", "task",
    "incident", "phone", "email", "person", "contact_at",
    "adapter", "attempts", "enforced", "problem", "why", "tried", "seen",
    "details", "finding", "problems",
}  # fmt: skip
"""What people say when they act: of an entry that begins an act, no policy derives these."""

HOUR = timedelta(hours=1)
EVERYTHING = everything()


# ── one field ────────────────────────────────────────────────────────────────────────────────────


def _steps() -> Iterator[tuple[int, Entry, Redecision]]:
    """Each entry with its number, and the redecision of all before it."""
    periods = periods_of(EVERYTHING.own)
    before = Redecision(SITE_ID, periods.policies, periods)
    for n, entry in enumerate(EVERYTHING.entries, 1):
        yield n, entry, before
        assert take(before, n, entry) is None
    assert fork(before).end() is None


def test_any_field_that_nobody_states_is_found_in_the_entry_that_it_was_changed_in() -> None:
    escaped = set()
    for n, entry, before in _steps():
        for name, event in alterations(entry.event):
            if take(fork(before), n, replace(entry, event=event)) is None:
                assert _begins_an_act(n), f"{name} of {entry.event}"
                escaped.add(name)
    assert escaped == STATED


def _begins_an_act(n: int) -> bool:
    entry, before = EVERYTHING.entries[n - 1], EVERYTHING.entries[: n - 1]
    if entry.due:
        return False
    first = all(other.due or other.n != entry.n for other in before)
    # An approval ends tasks first, as somebody could do by hand; then it begins.
    ended = isinstance(entry.event, e.TaskCompleted) and entry.event.outcome == "superseded"
    # An older hold ordered nothing once more, and its entry does not tell how old it is.
    own = e.SiteReinstated | e.OrderRepeated
    return first or ended or isinstance(entry.event, own)


def test_a_login_where_the_clock_acts_and_another_one_within_an_act_are_found() -> None:
    entries = missed().entries
    assert first_wrong(with_(entries, 3, replace(entries[2], login=LOGIN)), []) == 3
    closing = of_kind(EVERYTHING, "site_closed")
    other = replace(EVERYTHING.entries[closing - 1], login="desk9")
    assert first_wrong(with_(EVERYTHING.entries, closing, other), EVERYTHING.own) == closing


def test_a_finding_says_which_field_it_is_and_both_values() -> None:
    entries = missed().entries
    suspended = entries[3].event
    assert isinstance(suspended, e.SiteSuspended)
    shorter = altered(entries[3], until=suspended.until - HOUR)
    finding = wrong_in(with_(entries, 4, shorter))
    assert (finding.row, finding.column) == ("7-4", "until")
    assert finding.found == (
        "until is 2026-03-01T22:01:00Z, but the policy gives 2026-03-01T23:01:00Z"
    )
    assert finding.expected == encode(suspended, SITE, 7, 4, None)


def test_a_field_of_the_reason_is_named_with_its_values() -> None:
    n = of_kind(EVERYTHING, "site_closed")
    closed = EVERYTHING.entries[n - 1].event
    assert closed.reason is not None
    wrong = replace(closed, reason=replace(closed.reason, within=HOUR))
    entry = replace(EVERYTHING.entries[n - 1], event=wrong)
    finding = wrong_in(with_(EVERYTHING.entries, n, entry), EVERYTHING.own)
    assert finding.found == "reason.within is 3600 s, but the policy gives 86400 s"


# ── entries taken out, put in, put elsewhere ─────────────────────────────────────────────────────


def test_each_entry_that_follows_from_others_is_missed_where_it_stood() -> None:
    missing = 0
    for n, entry, before in _steps():
        if not _begins_an_act(n):
            after, left = fork(before), EVERYTHING.entries[n:]
            assert take(after, n, left[0]) if left else after.end(), entry.event
            missing += 1
    assert missing > 40


def test_each_entry_that_follows_from_others_is_found_wherever_else_it_is_put() -> None:
    derived = [entry for n, entry in enumerate(EVERYTHING.entries, 1) if not _begins_an_act(n)]
    for n, at, before in _steps():
        for entry in derived if n % 7 == 1 else ():
            event = replace(entry.event, policy=at.event.policy)
            after = fork(before)
            # Put where the same stands, it is the same, and what comes after it is once too many.
            found = take(after, n, replace(entry, place=at.place, event=event))
            assert found or take(after, n + 1, at), (entry.event, n)
