"""A record that was tampered with so that it still reads well: the first wrong entry is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.audit import redecide
from incidents.audit.entry import DESK, Header, decode, encode
from incidents.audit.periods import Periods
from incidents.audit.redecide import OUTSIDE, Redecision
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED, Policy
from tests.audit.decided import (
    LOGIN,
    SITE,
    TEN,
    Decided,
    Entry,
    alterations,
    altered,
    everything,
    first_wrong,
    periods_of,
    redecided,
)
from tests.machine.random_histories import RandomHistory, histories, play

STATED = {
    "by", "login", "occurred_at", "recorded_at", "note", "text", "urls", "category", "recurs",
    "whole_site", "digest", "size", "name", "field", "evidence", "holder", "outcome", "task",
    "incident", "phone", "email", "person",
}  # fmt: skip
"""What people say when they act: of an entry that begins an act, no policy derives these."""

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
EVERYTHING = everything()
FOUR = replace(DOCUMENTED, repeat_count=4)


@pytest.fixture(params=["whole", "in parts"], autouse=True)
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cases are decided whole; here all are, or none is."""
    monkeypatch.setattr(redecide, "FEW", 1_000_000 if request.param == "whole" else -1)


def _missed() -> Decided:
    """A site whose clock lapses: added, logged, lapsed, suspended; opened, recheck; logged."""
    site = Decided()
    site.do(c.AddSite(by="li"))
    site.do(c.Log(by="li"))
    site.do(c.Elapse(), minutes=61)
    site.do(c.Elapse(), minutes=721)
    site.do(c.Log(by="li"), minutes=24 * 60)
    assert _kinds(site.entries) == [
        "site_added", "incident_logged", "clock_lapsed", "site_suspended", "suspension_ended",
        "task_opened", "incident_logged",
    ]  # fmt: skip
    return site


def _kinds(entries: list[Entry]) -> list[str]:
    return [entry.event.kind for entry in entries]


def _without(entries: list[Entry], *numbers: int) -> list[Entry]:
    return [entry for n, entry in enumerate(entries, 1) if n not in numbers]


def _with(entries: list[Entry], n: int, entry: Entry) -> list[Entry]:
    return [*entries[: n - 1], entry, *entries[n:]]


# ── one field ────────────────────────────────────────────────────────────────────────────────────


def test_any_field_that_nobody_states_is_found_in_the_entry_that_it_was_changed_in() -> None:
    escaped = set()
    for n, entry in enumerate(EVERYTHING.entries, 1):
        for name, event in alterations(entry.event):
            changed = _with(EVERYTHING.entries, n, replace(entry, event=event))
            if first_wrong(changed[:n], EVERYTHING.own) == n:
                continue
            wrong = first_wrong(changed, EVERYTHING.own)
            # What is stated falsely may contradict what comes later; it is not found before.
            assert wrong is None or wrong > n
            assert _begins_an_act(n), f"{name} of {entry.event}"
            escaped.add(name)
    assert escaped == STATED - {"login"}


def _begins_an_act(n: int) -> bool:
    entry, before = EVERYTHING.entries[n - 1], EVERYTHING.entries[: n - 1]
    if entry.due:
        return False
    first = all(other.due or other.n != entry.n for other in before)
    # An approval settles tasks first, as somebody could do by hand; then it begins.
    return first or isinstance(entry.event, e.TaskCompleted | e.SiteReinstated)


def test_a_login_where_the_clock_acts_and_another_one_within_an_act_are_found() -> None:
    entries = _missed().entries
    assert first_wrong(_with(entries, 3, replace(entries[2], login=LOGIN)), []) == 3
    closing = _of_kind("site_closed")
    other = replace(EVERYTHING.entries[closing - 1], login="desk9")
    assert first_wrong(_with(EVERYTHING.entries, closing, other), EVERYTHING.own) == closing


def _of_kind(kind: str) -> int:
    return _kinds(EVERYTHING.entries).index(kind) + 1


def test_a_finding_says_which_field_it_is_and_both_values() -> None:
    entries = _missed().entries
    suspended = entries[3].event
    assert isinstance(suspended, e.SiteSuspended)
    shorter = altered(entries[3], until=suspended.until - HOUR)
    _, finding = redecided(_with(entries, 4, shorter), Periods())
    assert finding is not None
    assert (finding.row, finding.column) == ("7-4", "until")
    assert finding.found == (
        "until is 2026-03-01T22:01:00Z, and the policy gives 2026-03-01T23:01:00Z"
    )
    assert finding.expected == encode(suspended, SITE, 7, 4, None)


def test_a_field_of_the_reason_is_named_with_its_values() -> None:
    n = _of_kind("site_closed")
    closed = EVERYTHING.entries[n - 1].event
    assert closed.reason is not None
    wrong = replace(closed, reason=replace(closed.reason, within=HOUR))
    entry = replace(EVERYTHING.entries[n - 1], event=wrong)
    _, finding = redecided(_with(EVERYTHING.entries, n, entry), periods_of(EVERYTHING.own))
    assert finding is not None
    assert finding.found == "reason.within is 3600 s, and the policy gives 86400 s"


# ── entries taken out, put in, put elsewhere ─────────────────────────────────────────────────────


def test_each_entry_that_follows_from_others_is_missed_where_it_stood() -> None:
    for n, entry in enumerate(EVERYTHING.entries, 1):
        if not _begins_an_act(n):
            left = _without(EVERYTHING.entries, n)
            assert first_wrong(left, EVERYTHING.own) == n, entry.event


def test_each_entry_that_follows_from_others_is_found_wherever_else_it_is_put() -> None:
    derived = [entry for n, entry in enumerate(EVERYTHING.entries, 1) if not _begins_an_act(n)]
    for entry in derived:
        for n in range(1, len(EVERYTHING.entries) + 2, 5):
            at = EVERYTHING.entries[n - 1] if n <= len(EVERYTHING.entries) else entry
            moved = replace(
                entry, place=at.place, event=replace(entry.event, policy=at.event.policy)
            )
            more = [*EVERYTHING.entries[: n - 1], moved, *EVERYTHING.entries[n - 1 :]]
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
        for seq, each in enumerate(_without(entries, n), 1)
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


# ── as somebody would do it ──────────────────────────────────────────────────────────────────────


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
    site = Decided()
    site.do(c.AddSite(by="li"))
    site.do(c.Log(by="li"))
    site.do(c.Elapse(), minutes=60 + 1 / 60)
    early = [_moved(entry, -SECOND) for entry in site.entries[2:]]
    assert first_wrong(site.entries, []) is None
    _, finding = redecided([*site.entries[:2], *early], Periods())
    assert finding is not None
    assert (finding.row, finding.found) == ("7-3", "clock_lapsed is not due")


def test_a_suspension_that_was_passed_over_is_found_when_the_next_thing_happens() -> None:
    _, finding = redecided(_without(_missed().entries, 3, 4, 5, 6), Periods())
    assert finding is not None
    assert finding.row == "7-3"
    assert finding.found == (
        "it is incident_logged of 2026-03-02T23:02:00Z, "
        "and the policy gives clock_lapsed of 2026-03-01T11:00:00Z"
    )


def test_a_suspension_made_later_than_its_time_shows_by_what_came_between() -> None:
    """The lapse is put behind a call that was made after the deadline."""
    site = Decided()
    site.do(c.AddSite(by="li"))
    site.do(c.Log(by="li"))
    site.do(c.Elapse(), minutes=61)
    site.do(c.RecordContact(by="li", incident=1, outcome="no-answer"), minutes=5)
    first, logged, lapsed, suspended, called = site.entries
    later = timedelta(minutes=5)
    order = [first, logged, called, _moved(lapsed, later), _moved(suspended, later)]
    assert first_wrong(site.entries, []) is None
    assert first_wrong(order, []) == 3


def test_a_reopening_that_was_passed_over_is_found() -> None:
    assert first_wrong(_without(_missed().entries, 5, 6), []) == 5


def test_a_lapse_without_its_suspension_is_found_also_at_the_end() -> None:
    entries = _missed().entries
    _, finding = redecided(entries[:3], Periods())
    assert finding is not None
    assert finding.row == "7-4"
    assert finding.found == (
        "it is not there: the policy gives site_suspended of 2026-03-01T11:00:00Z"
    )


@pytest.mark.parametrize("logged", [1, 2])
def test_a_closure_without_its_three_incidents_is_found(logged: int) -> None:
    closed = EVERYTHING.entries[_of_kind("site_closed") - 1].event
    site = Decided()
    site.do(c.AddSite(by="li"))
    for _ in range(logged):
        site.do(c.Log(by="li"), minutes=1)
    assert closed.reason is not None
    reason = replace(closed.reason, incidents=(1, 2, 3), decided_at=site.now)
    event = replace(closed, occurred_at=site.now, recorded_at=site.now, reason=reason, run=None)
    _, finding = redecided([*site.entries, Entry(event=event, login=LOGIN, place=9)], Periods())
    assert finding is not None
    assert finding.row == f"7-{logged + 2}"
    assert finding.found == "site_closed follows from other events, and from none that is here"


def test_a_closure_that_was_spared_is_found() -> None:
    n = _of_kind("site_closed")
    assert _kinds(EVERYTHING.entries)[n] == "task_opened"
    assert first_wrong(_without(EVERYTHING.entries, n, n + 1), EVERYTHING.own) == n


def test_a_deadline_moved_wherever_it_stands_is_found_where_it_stands_first() -> None:
    """In the incident, in the lapse, in the suspension and in their reasons."""
    entries = _missed().entries[:4]
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
    site = Decided()
    site.do(c.AddSite(by="li"))
    site.do(c.StateFalse(by="li", field="phone", evidence="sha256:1"))
    site.do(c.AskReinstatement(by="li", reason="sha256:2"))
    site.do(c.Approve(by="wang"), minutes=1)
    assert first_wrong(site.entries, []) is None
    _, finding = redecided(_with(site.entries, 4, altered(site.entries[3], by="li")), Periods())
    assert finding is not None
    assert finding.row == "7-4"
    assert str(finding.found).startswith("the desk refuses it: li asked for this reinstatement")


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


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (_added, "the desk refuses it: a.example is in the register already"),
        (lambda now: _reached(now, outcome="perhaps"), "contact_recorded follows from other"),
        (lambda now: _reached(now, at=now + SECOND), "the desk refuses it: "),
        (lambda now: _reached(datetime.max.replace(tzinfo=TEN.tzinfo)), "nobody can decide at "),
    ],
)
def test_what_the_desk_never_does_is_found(event: Callable[[datetime], e.Event], why: str) -> None:
    site = Decided(policy=DOCUMENTED)
    site.do(c.AddSite(by="li"))
    site.activate(replace(DOCUMENTED, removal_within=HOUR, unreachable_within=10 * HOUR))
    site.do(c.Log(by="li"))
    own = replace(event(site.now), policy=site.policy.digest)
    entries = [*site.entries, Entry(event=own, login=LOGIN, place=9)]
    _, finding = redecided(entries, periods_of(site.own))
    assert finding is not None
    assert finding.row == "7-3"
    assert str(finding.found).startswith(why)


def test_a_record_that_does_not_begin_with_the_site_is_found() -> None:
    assert first_wrong(_missed().entries[1:], []) == 1


def test_after_a_finding_nothing_more_is_judged() -> None:
    redecision = Redecision(7, {DOCUMENTED.digest: DOCUMENTED})
    entries = _missed().entries[1:]
    found = [
        redecision.take(*decode(encode(entry.event, SITE, 7, seq, entry.login)))
        for seq, entry in enumerate(entries, 1)
    ]
    assert [finding is None for finding in found] == [False] + [True] * 5
    assert redecision.end() is None


# ── which policy ─────────────────────────────────────────────────────────────────────────────────


def _two_policies() -> Decided:
    """Added and logged under the documented policy, whose hour lapses before another is active."""
    site = Decided()
    site.do(c.AddSite(by="li"))
    site.do(c.Log(by="li"))
    site.now += timedelta(minutes=90)
    site.activate(replace(DOCUMENTED, suspend_for=HOUR))
    site.do(c.EditSite(by="li", phone="sha256:1"))
    assert _kinds(site.entries)[2:] == ["clock_lapsed", "site_suspended", "site_edited"]
    return site


def test_a_policy_that_was_not_active_is_found_although_it_decides_alike() -> None:
    site = _two_policies()
    for n in (2, 5):
        wrong = FOUR if n == 2 else DOCUMENTED
        named = _with(site.entries, n, altered(site.entries[n - 1], policy=wrong.digest))
        periods = periods_of(site.own)
        periods.policies[FOUR.digest] = FOUR
        _, finding = redecided(named, periods)
        assert finding is not None
        assert finding.row == f"7-{n}"
        assert str(finding.found).endswith(f"and it says {wrong.digest}")
        # Without the desk's own stream that cannot be told.
        assert redecided(named, periods, alone=True)[1] is None


def test_a_policy_that_nobody_knows_decides_nothing() -> None:
    entries = _missed().entries
    named = _with(entries, 2, altered(entries[1], policy="sha256:9"))
    _, finding = redecided(named, Periods(), alone=True)
    assert finding is not None
    assert (finding.row, finding.found) == ("7-2", "there is no policy sha256:9 to decide it by")


def test_what_was_due_before_an_activation_and_was_done_after_it_is_found() -> None:
    """Done under the new policy the suspension would last an hour, not twelve."""
    site = _two_policies()
    late = Decided(policy=site.policy, case=site.case.copy(), now=site.now)
    late.case = _case_of(site.entries[:2])
    late.entries = list(site.entries[:2])
    late.do(c.EditSite(by="li", phone="sha256:1"), minutes=1)
    after = [replace(entry, place=99) for entry in late.entries[2:]]
    assert _kinds(after) == ["clock_lapsed", "site_suspended", "site_edited"]
    _, finding = redecided([*site.entries[:2], *after], periods_of(site.own))
    assert finding is not None
    assert finding.row == "7-3"
    assert finding.found == (
        "what was due at 2026-03-01T11:00:00Z is not done, and at 2026-03-01T11:30:00Z another "
        "policy was activated, which does what is due first"
    )


def _case_of(entries: list[Entry]) -> Any:
    redecision, finding = redecided(entries, Periods())
    assert finding is None
    assert redecision.case is not None
    return redecision.case.copy()


def test_what_was_due_before_an_activation_is_missed_also_at_the_end() -> None:
    site = _two_policies()
    assert first_wrong(site.entries[:2], site.own) == 3
    assert first_wrong(site.entries[:2], []) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"previous": FOUR.digest}, "the active policy was "),
        ({"policy": "sha256:1"}, "the policy in it is "),
        ({"toml": "[repeat]\ncount = 0\n"}, "the policy in it cannot be used: repeat.count"),
        ({"policy": DOCUMENTED.digest}, "that policy was active already"),
    ],
)
def test_an_activation_that_could_not_be_is_found(changed: dict[str, str], why: str) -> None:
    [own] = _two_policies().own
    body = encode(altered(own, **changed).event, DESK, 0, 1, LOGIN)
    finding = Periods().take(*decode(body), own.place)
    assert finding is not None
    assert (finding.site, finding.row, finding.problem) == ("the desk", "0-1", "not_decided")
    assert str(finding.found).startswith(why)


def test_what_no_policy_derives_is_listed_with_its_reason() -> None:
    assert set(OUTSIDE) == {"facts", "recorded_at", "again", "refusals", "the end"}
    assert all(len(reason) > 10 for reason in OUTSIDE.values())
