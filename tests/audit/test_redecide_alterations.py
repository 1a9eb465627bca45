"""Whatever of a record is changed, taken out or put elsewhere: the first wrong entry is named."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.audit import redecide
from incidents.audit.entry import Header, encode
from incidents.audit.periods import Periods
from incidents.audit.redecide import Redecision
from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.audit.decided import (
    LOGIN,
    SITE,
    SITE_ID,
    Entry,
    alterations,
    altered,
    everything,
    first_wrong,
    missed,
    of_kind,
    periods_of,
    redecided,
    take,
    with_,
    without,
)
from tests.machine.random_histories import RandomHistory, histories, play

STATED = {
    "by", "occurred_at", "recorded_at", "note", "text", "urls", "category", "recurs",
    "whole_site", "digest", "size", "name", "field", "evidence", "holder", "outcome", "task",
    "incident", "phone", "email", "person", "contact_at",
    "adapter", "attempts", "enforced", "problem", "why", "tried", "seen",
    "details", "finding", "problems",
}  # fmt: skip
"""What people say when they act: of an entry that begins an act, no policy derives these."""

HOUR = timedelta(hours=1)
EVERYTHING = everything()


@pytest.fixture(params=["whole", "in parts"], autouse=True)
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cases are decided whole; here all are, or none is."""
    monkeypatch.setattr(redecide, "FEW", 1_000_000 if request.param == "whole" else -1)


# ── one field ────────────────────────────────────────────────────────────────────────────────────


def test_any_field_that_nobody_states_is_found_in_the_entry_that_it_was_changed_in() -> None:
    escaped = set()
    periods = periods_of(EVERYTHING.own)
    before = Redecision(SITE_ID, periods.policies, periods)
    for n, entry in enumerate(EVERYTHING.entries, 1):
        for name, event in alterations(entry.event):
            changed = replace(entry, event=event)
            if take(deepcopy(before), n, changed) is not None:
                continue
            assert _begins_an_act(n), f"{name} of {entry.event}"
            escaped.add(name)
            # What is stated falsely may contradict what comes later, and nothing that is before.
            wrong = first_wrong(with_(EVERYTHING.entries, n, changed), EVERYTHING.own)
            assert wrong is None or wrong > n
        assert take(before, n, entry) is None
    assert escaped == STATED


def _begins_an_act(n: int) -> bool:
    entry, before = EVERYTHING.entries[n - 1], EVERYTHING.entries[: n - 1]
    if entry.due:
        return False
    first = all(other.due or other.n != entry.n for other in before)
    # An approval ends tasks first, as somebody could do by hand; then it begins.
    ended = isinstance(entry.event, e.TaskCompleted) and entry.event.outcome == "superseded"
    return first or ended or isinstance(entry.event, e.SiteReinstated)


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
    _, finding = redecided(with_(entries, 4, shorter), Periods())
    assert finding is not None
    assert (finding.row, finding.column) == ("7-4", "until")
    assert finding.found == (
        "until is 2026-03-01T22:01:00Z, and the policy gives 2026-03-01T23:01:00Z"
    )
    assert finding.expected == encode(suspended, SITE, 7, 4, None)


def test_a_field_of_the_reason_is_named_with_its_values() -> None:
    n = of_kind(EVERYTHING, "site_closed")
    closed = EVERYTHING.entries[n - 1].event
    assert closed.reason is not None
    wrong = replace(closed, reason=replace(closed.reason, within=HOUR))
    entry = replace(EVERYTHING.entries[n - 1], event=wrong)
    _, finding = redecided(with_(EVERYTHING.entries, n, entry), periods_of(EVERYTHING.own))
    assert finding is not None
    assert finding.found == "reason.within is 3600 s, and the policy gives 86400 s"


# ── entries taken out, put in, put elsewhere ─────────────────────────────────────────────────────


def test_each_entry_that_follows_from_others_is_missed_where_it_stood() -> None:
    for n, entry in enumerate(EVERYTHING.entries, 1):
        if not _begins_an_act(n):
            left = without(EVERYTHING.entries, n)
            assert first_wrong(left, EVERYTHING.own) == n, entry.event


def test_each_entry_that_follows_from_others_is_found_wherever_else_it_is_put() -> None:
    derived = [entry for n, entry in enumerate(EVERYTHING.entries, 1) if not _begins_an_act(n)]
    for entry in derived:
        for n in range(1, len(EVERYTHING.entries) + 2, 7):
            at = EVERYTHING.entries[n - 1] if n <= len(EVERYTHING.entries) else entry
            moved = replace(
                entry, place=at.place, event=replace(entry.event, policy=at.event.policy)
            )
            more = [*EVERYTHING.entries[: n - 1], moved, *EVERYTHING.entries[n - 1 : n + 1]]
            # Put where the same stands, it is the same, and what comes after it is once too many.
            assert first_wrong(more, EVERYTHING.own) in (n, n + 1)


@given(history=histories(), data=st.data())
def test_what_follows_in_any_history_is_missed_where_it_stood(
    history: RandomHistory, data: st.DataObject
) -> None:
    entries, policies = _played(history)
    derived = [n for n, entry in enumerate(entries, 1) if entry.due and n < len(entries)]
    if not derived:
        return
    n = data.draw(st.sampled_from(derived))
    redecision = Redecision(1, policies)
    found = [
        redecision.take(Header(site="site.example", site_id=1, site_seq=seq, login=each.login), own)
        for seq, each in enumerate(without(entries, n), 1)
        for own in (each.event,)
    ]
    wrong = [
        seq for seq, finding in enumerate([*found, redecision.end()], 1) if finding is not None
    ]
    assert wrong == [n]


def _played(history: RandomHistory) -> tuple[list[Entry], dict[str, Policy]]:
    entries, policies = [], {}
    for moment in play(history):
        policies[moment.policy.digest] = moment.policy
        for n, event in enumerate(moment.decision.events):
            due = n < moment.decision.due
            entries.append(Entry(event=event, login=None if due else LOGIN, place=0, due=due))
    return entries, policies
