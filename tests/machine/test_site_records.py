"""Every field of what is recorded of a site: what a record says, and leaves unsaid."""

from datetime import timedelta
from typing import Any

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.policy import DOCUMENTED, Policy
from tests.machine.history import ANN, BOB, History, utc

ATTEMPTS = Policy(min_attempts=2)
Common = dict[str, Any]
TEN, ELEVEN, NOON, LATE = utc("10:00"), utc("11:00"), utc("12:00"), utc("13:00")


# The register.


def test_a_site_is_recorded_with_whom_to_call() -> None:
    site = History(at="10:00")
    assert site.recorded() == [
        e.SiteAdded(
            occurred_at=TEN, recorded_at=TEN, by=ANN, policy=DOCUMENTED.digest, site="site.example",
            phone=None, email=None, person=None,
        )
    ]  # fmt: skip
    site.after("1h").do(c.EditSite(by=BOB, phone="sha256:1", email="sha256:2", person="sha256:3"))
    assert site.recorded() == [
        e.SiteEdited(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=BOB, policy=DOCUMENTED.digest,
            phone="sha256:1", email="sha256:2", person="sha256:3",
        )
    ]  # fmt: skip


def test_a_site_that_is_added_with_a_person_to_call_is_recorded_with_them() -> None:
    added = c.AddSite(by=BOB, phone="sha256:1", email="sha256:2", person="sha256:3")
    decision = decide(Case(site_id=12, site="site.example"), added, DOCUMENTED, TEN)
    assert decision.events == (
        e.SiteAdded(
            occurred_at=TEN, recorded_at=TEN, by=BOB, policy=DOCUMENTED.digest, site="site.example",
            phone="sha256:1", email="sha256:2", person="sha256:3",
        ),
    )  # fmt: skip
    assert decision.case.person == "sha256:3"


# Clocks and suspensions.


def test_a_lapsed_clock_and_its_suspension_are_recorded_at_the_deadline() -> None:
    site = History(at="10:00").log().at("13:00").elapse()
    reason = e.Reason(rule="unreachable", incidents=(1,), deadline=ELEVEN, decided_at=LATE)
    assert site.recorded() == [
        e.ClockLapsed(
            occurred_at=ELEVEN, recorded_at=LATE, by="clock", policy=DOCUMENTED.digest,
            reason=reason, incident=1, state_from="open", state_to="unreached", suspension=1,
        ),
        e.SiteSuspended(
            occurred_at=ELEVEN, recorded_at=LATE, by="clock", policy=DOCUMENTED.digest,
            reason=reason, run=1, site_from="active", site_to="suspended", suspension=1,
            incident=1, due=ELEVEN, until=utc("03-02 01:00"),
        ),
    ]  # fmt: skip


def test_a_clock_that_lapses_while_the_site_is_down_joins_the_case() -> None:
    site = History(at="10:00").log().at("10:30").log().at("11:15").elapse().at("12:00").elapse()
    assert site.recorded() == [
        e.ClockLapsed(
            occurred_at=utc("11:30"), recorded_at=NOON, by="clock", policy=DOCUMENTED.digest,
            reason=e.Reason(
                rule="unreachable", incidents=(2,), deadline=utc("11:30"), decided_at=NOON
            ),
            incident=2, state_from="open", state_to="unreached", suspension=1,
        )
    ]  # fmt: skip


def test_a_clock_with_too_few_attempts_is_recorded_with_an_alarm_at_the_deadline() -> None:
    site = History(at="10:00", policy=ATTEMPTS).log().contact(1, "no-answer").at("12:00").elapse()
    reason = e.Reason(rule="unreachable", incidents=(1,), deadline=ELEVEN, decided_at=NOON)
    assert site.recorded() == [
        e.ClockLapsed(
            occurred_at=ELEVEN, recorded_at=NOON, by="clock", policy=ATTEMPTS.digest,
            reason=reason, incident=1, state_from="open", state_to="unreached",
        ),
        e.AlarmRaised(
            occurred_at=ELEVEN, recorded_at=NOON, by="clock", policy=ATTEMPTS.digest, incident=1,
            attempts=1, needed=2,
        ),
    ]  # fmt: skip


def test_the_end_of_a_suspension_is_recorded_when_it_was_due() -> None:
    site = History(at="10:00").log().at("12:00").elapse().at("03-02 01:00").elapse()
    until, now = utc("03-02 00:00"), utc("03-02 01:00")
    assert site.recorded() == [
        e.SuspensionEnded(
            occurred_at=until, recorded_at=now, by="clock", policy=DOCUMENTED.digest,
            reason=e.Reason(rule="unreachable", deadline=until, decided_at=now),
            site_from="suspended", site_to="active", suspension=1,
        ),
        e.TaskOpened(
            occurred_at=now, recorded_at=now, by="clock", policy=DOCUMENTED.digest, task=1,
            task_kind="recheck", incidents=(1,),
        ),
    ]  # fmt: skip


def test_a_struck_and_a_restored_case_are_recorded_with_the_run() -> None:
    site = History(at="10:00").log().at("12:00").elapse().contact(1, at="10:30")
    assert site.recorded(e.SuspensionStruck) == [
        e.SuspensionStruck(
            occurred_at=NOON, recorded_at=NOON, by=ANN, policy=DOCUMENTED.digest,
            site_from="suspended", site_to="active", suspension=1, ended=True,
        )
    ]  # fmt: skip
    assert [event.run for event in site.recorded()] == [0, None, None]
    assert site.after("1h").void_contact(1).recorded(e.SuspensionRestored) == [
        e.SuspensionRestored(
            occurred_at=LATE, recorded_at=LATE, by=ANN, policy=DOCUMENTED.digest, run=1,
            suspension=1,
        )
    ]  # fmt: skip


def test_a_case_that_is_over_is_struck_where_the_site_is() -> None:
    site = History(at="10:00").miss().sit_out().void(1)
    assert site.recorded(e.SuspensionStruck) == [
        e.SuspensionStruck(
            occurred_at=site.clock, recorded_at=site.clock, by=ANN, policy=DOCUMENTED.digest, run=0,
            site_from="active", site_to="active", suspension=1, ended=False,
        )
    ]  # fmt: skip


# Closures and disputes.


def test_a_window_closes_the_site_with_what_it_counted() -> None:
    site = History(at="10:00").log().after("30m").log().at("11:00").log(at="10:15")
    assert site.recorded(e.SiteClosed, e.TaskOpened) == [
        e.SiteClosed(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=DOCUMENTED.digest,
            reason=e.Reason(
                rule="repeat", incidents=(1, 2, 3), counted=3, needed=3, since=TEN,
                until=utc("10:30"), within=timedelta(hours=24), decided_at=ELEVEN,
            ),
            site_from="active", site_to="closed",
        ),
        e.TaskOpened(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=DOCUMENTED.digest, task=1,
            task_kind="tell", incidents=(1, 2, 3),
        ),
    ]  # fmt: skip


def test_a_third_miss_closes_the_site_as_case_3_at_its_deadline() -> None:
    site = History(at="02-27 10:00").miss().sit_out().at("02-28 12:00").miss().sit_out()
    site.at("10:00").log().at("12:00").elapse()
    assert site.recorded(e.SiteClosed) == [
        e.SiteClosed(
            occurred_at=ELEVEN, recorded_at=NOON, by="clock", policy=DOCUMENTED.digest, run=3,
            reason=e.Reason(
                rule="unreachable_run", incidents=(1, 2, 3), counted=3, needed=3, deadline=ELEVEN,
                decided_at=NOON,
            ),
            site_from="active", site_to="closed", suspension=3, incident=3, due=ELEVEN,
        )
    ]  # fmt: skip


def test_false_information_closes_the_site_by_a_persons_word() -> None:
    assert History(at="10:00").false_info(by=BOB).recorded() == [
        e.SiteClosed(
            occurred_at=TEN, recorded_at=TEN, by=BOB, policy=DOCUMENTED.digest,
            reason=e.Reason(rule="false_info", decided_at=TEN), site_from="active",
            site_to="closed", field="phone", evidence="the carrier says so",
        )
    ]  # fmt: skip


def test_a_dispute_is_recorded_with_what_is_left_and_so_is_its_end() -> None:
    site = History(at="10:00").closed_by_run().contact(1, at="10:30")
    when, by, policy = site.clock, ANN, DOCUMENTED.digest
    assert site.recorded(e.ClosureDisputed) == [
        e.ClosureDisputed(
            occurred_at=when, recorded_at=when, by=by, policy=policy, counted=2, needed=3
        )
    ]
    assert site.void_contact(1).recorded(e.DisputeSettled) == [
        e.DisputeSettled(occurred_at=when, recorded_at=when, by=by, policy=policy)
    ]
    site.contact(1, at="10:30").uphold(by=BOB)
    assert site.recorded() == [
        e.ClosureUpheld(
            occurred_at=when, recorded_at=when, by=BOB, policy=policy, counted=2,
            text="it was right all the same",
        )
    ]  # fmt: skip


def test_late_truth_about_the_closing_miss_leaves_the_cases_before_it() -> None:
    site = History(at="10:00").closed_by_run()
    site.contact(3, ago=timedelta(minutes=30))
    assert site.recorded(e.ClosureDisputed) == [
        e.ClosureDisputed(
            occurred_at=site.clock, recorded_at=site.clock, by=ANN, policy=DOCUMENTED.digest,
            counted=2, needed=3,
        )
    ]  # fmt: skip


# Holds, reinstatements, tasks and claims.


def test_a_hold_is_recorded_with_its_order_and_so_is_its_lifting() -> None:
    site = History(at="10:00").hold(by=BOB)
    assert site.recorded() == [
        e.HoldSet(
            occurred_at=TEN, recorded_at=TEN, by=BOB, policy=DOCUMENTED.digest, site_from="active",
            site_to="suspended", text="the police say so",
        )
    ]  # fmt: skip
    assert site.after("1h").unhold().recorded() == [
        e.HoldLifted(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=DOCUMENTED.digest,
            site_from="suspended", site_to="active", text="the police say so",
        )
    ]  # fmt: skip


def test_a_reinstatement_is_recorded_with_both_persons_and_one_task() -> None:
    site = History(at="10:00").false_info().log().log().removed(1).reinstate(by=BOB)
    common: Common = {"occurred_at": TEN, "recorded_at": TEN, "policy": DOCUMENTED.digest}
    assert site.recorded() == [e.ReinstatementAsked(by=BOB, text="all is well again", **common)]
    assert site.decline(by=ANN).recorded() == [
        e.ReinstatementDeclined(by=ANN, text="not yet", **common)
    ]
    assert site.reinstate(by=BOB).approve(by=ANN).recorded() == [
        e.SiteReinstated(by=ANN, site_from="closed", site_to="active", asked_by=BOB, **common),
        e.TaskOpened(by=ANN, task=1, task_kind="recheck", incidents=(1, 2), **common),
    ]


def test_a_completed_task_is_recorded_with_its_outcome() -> None:
    site = History(at="10:00").closed_by_repeat().after("1h")
    site.do(c.CompleteTask(by=BOB, task=1, outcome="told", note="sha256:1"))
    assert site.recorded() == [
        e.TaskCompleted(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=BOB, policy=DOCUMENTED.digest, task=1,
            outcome="told", note="sha256:1",
        )
    ]  # fmt: skip


def test_a_claim_is_recorded_with_its_holder() -> None:
    site = History(at="10:00").log().claim("1", by=BOB)
    common: Common = {"occurred_at": TEN, "recorded_at": TEN, "policy": DOCUMENTED.digest}
    assert site.recorded() == [e.ItemClaimed(by=BOB, item="1", holder=BOB, **common)]
    assert site.hand_over(ANN, by=BOB).recorded() == [
        e.ItemClaimed(by=BOB, item="1", holder=ANN, **common)
    ]
    site.hand_over(BOB, by=ANN)
    assert site.release("1", by=BOB).recorded() == [e.ItemReleased(by=BOB, item="1", **common)]
