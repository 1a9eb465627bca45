"""What stands in a case after its events: each value whole, so that nothing of it goes unseen."""

from datetime import timedelta

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import Claim, Closure, Hold, Request, Suspension, Task
from incidents.machine.incident import Contact, Evidence, Incident
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.machine.rules import closure_grounds
from tests.machine.history import ANN, BOB, History, utc

TWO_HOURS = Policy(removal_within=timedelta(hours=2))
TEN, ELEVEN, NOON, LATE = utc("10:00"), utc("11:00"), utc("12:00"), utc("13:00")


# The site.


def test_a_site_holds_whom_to_call_and_keeps_what_an_edit_leaves_out() -> None:
    site = History(at="10:00").do(c.EditSite(by=ANN, phone="1", email="2", person="3"))
    assert (site.case.phone, site.case.email, site.case.person) == ("1", "2", "3")
    site.do(c.EditSite(by=ANN, phone="4"))
    assert (site.case.phone, site.case.email, site.case.person) == ("4", "2", "3")
    site.do(c.EditSite(by=ANN, email="5")).do(c.EditSite(by=ANN, person="6"))
    assert (site.case.phone, site.case.email, site.case.person) == ("4", "5", "6")


def test_a_site_counts_its_entries_and_knows_the_first_and_the_last() -> None:
    site = History(at="10:00").after("1h").log().after("30m").contact(1)
    assert (site.case.created_at, site.case.last_entry_at) == (TEN, utc("11:30"))
    assert site.case.seq == len(site.events) == 3


# Incidents.


def test_an_incident_holds_what_was_logged() -> None:
    site = History(at="11:00")
    site.do(c.Log(by=BOB, at=TEN, urls=("http://a.example/1",), category="2", note="sha256:1"))
    assert site.incident(1) == Incident(
        n=1, state="open", epoch=1, occurred_at=TEN, recorded_at=ELEVEN, by=BOB, contact_due=NOON,
        urls=("http://a.example/1",), category="2", note="sha256:1",
    )  # fmt: skip
    site.contact(1).do(c.Recur(by=ANN, incident=1, note="sha256:2"))
    assert site.incident(2) == Incident(
        n=2, state="open", epoch=1, occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN,
        contact_due=NOON, urls=("http://a.example/1",), category="2", note="sha256:2", recurs=1,
    )  # fmt: skip


def test_an_imported_incident_belongs_to_no_epoch_of_the_desk() -> None:
    site = History(at="13:00").do(
        c.ImportIncident(
            by=BOB, at=TEN, urls=("http://a.example/1",), category="2", note="sha256:1",
            contact="bounced", contact_at=ELEVEN,
        )
    )  # fmt: skip
    called = Contact(n=1, outcome="bounced", occurred_at=ELEVEN, recorded_at=LATE, by=BOB)
    assert site.incident(1) == Incident(
        n=1, state="open", epoch=0, occurred_at=TEN, recorded_at=LATE, by=BOB,
        urls=("http://a.example/1",), category="2", note="sha256:1", contacts=(called,),
    )  # fmt: skip


def test_an_imported_contact_without_a_time_was_made_when_the_incident_occurred() -> None:
    site = History(at="13:00").imported(at="10:00", contact="reached")
    (called,) = site.incident(1).contacts
    assert called == Contact(n=1, outcome="reached", occurred_at=TEN, recorded_at=LATE, by=ANN)
    assert site.imported(at="10:00").incident(2).contacts == ()


def test_an_incident_holds_its_files_in_their_order() -> None:
    site = History(at="10:00").log().after("1h")
    site.do(c.Attach(by=BOB, incident=1, digest="sha256:1", size=7, name="sha256:2"))
    site.do(c.Attach(by=ANN, incident=1, digest="sha256:3", size=8, name=None))
    assert site.incident(1).evidence == (
        Evidence(digest="sha256:1", size=7, name="sha256:2", recorded_at=ELEVEN, by=BOB),
        Evidence(digest="sha256:3", size=8, name=None, recorded_at=ELEVEN, by=ANN),
    )


def test_an_incident_holds_its_contacts_and_what_follows_from_them() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().after("1h").contact(1, "bounced")
    site.do(c.RecordContact(by=BOB, incident=1, outcome="reached", at=utc("10:30"), note="n"))
    attempt = Contact(n=1, outcome="bounced", occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN)
    call = Contact(
        n=2, outcome="reached", occurred_at=utc("10:30"), recorded_at=ELEVEN, by=BOB,
        stopped_clock=True, note="n",
    )  # fmt: skip
    told = Incident(
        n=1, state="notified", epoch=1, occurred_at=TEN, recorded_at=TEN, by=ANN,
        contact_due=ELEVEN, removal_due=LATE, contacts=(attempt, call), reached_in_time=True,
    )  # fmt: skip
    assert site.incident(1) == told
    site.after("30m").contact(1)
    assert site.incident(1).removal_due == LATE, "a further contact moves nothing"


def test_a_voided_contact_stays_and_a_fresh_hour_takes_the_old_ones_place() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).contact(1, "bounced")
    site.after("1h").void_contact(1, 1)
    call, attempt = site.incident(1).contacts
    assert call == Contact(
        n=1, outcome="reached", occurred_at=TEN, recorded_at=TEN, by=ANN, stopped_clock=True,
        voided_at=ELEVEN,
    )  # fmt: skip
    assert (attempt.n, attempt.voided_at) == (2, None)
    assert site.incident(1) == Incident(
        n=1, state="open", epoch=1, occurred_at=TEN, recorded_at=TEN, by=ANN, contact_due=NOON,
        contacts=(call, attempt), corrections=1,
    )  # fmt: skip


def test_a_voided_attempt_is_no_correction_and_moves_no_removal_deadline() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1, "bounced").contact(1)
    site.after("30m").void_contact(1, 1)
    incident = site.incident(1)
    assert (incident.corrections, incident.removal_due, incident.contact_due) == (0, NOON, ELEVEN)


def test_a_statement_taken_back_is_a_correction_with_its_deadlines() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).removed(1)
    site.after("1h").take_back(1)
    incident = site.incident(1)
    assert (incident.state, incident.corrections) == ("notified", 1)
    assert (incident.contact_due, incident.removal_due) == (ELEVEN, LATE)


def test_a_lapsed_incident_holds_when_it_was_found_lapsed_and_its_case() -> None:
    site = History(at="10:00").log().at("13:00").elapse()
    assert site.incident(1) == Incident(
        n=1, state="unreached", epoch=1, occurred_at=TEN, recorded_at=TEN, by=ANN,
        contact_due=ELEVEN, lapsed_at=LATE, suspension=1,
    )  # fmt: skip


def test_an_incident_that_never_had_a_clock_has_no_place_in_the_run() -> None:
    site = History(at="13:00").imported(at="10:00")
    with pytest.raises(
        AssertionError, match=r"^an incident without a clock has no place in the run$"
    ):
        _ = site.incident(1).place


# Suspensions, closures, holds and requests.


def test_a_suspension_holds_its_place_and_both_its_times() -> None:
    site = History(at="10:00").log().at("13:00").elapse()
    running = Suspension(
        n=1, epoch=1, starter=1, due=ELEVEN, made_at=LATE, until=utc("03-02 01:00")
    )
    assert (site.suspension(1), site.case.running) == (running, 1)
    assert site.case.last_suspension == 1
    site.at("03-02 02:00").elapse()
    assert site.suspension(1).ended_at == utc("03-02 02:00")
    assert (site.case.running, site.case.suspension) == (None, None)


def test_a_third_miss_is_a_case_without_an_end_and_a_closure_that_names_it() -> None:
    site = History(at="02-27 10:00").miss().sit_out().at("02-28 12:00").miss().sit_out()
    site.at("10:00").log().at("12:00").elapse()
    assert site.suspension(3) == Suspension(
        n=3, epoch=1, starter=3, due=ELEVEN, made_at=NOON, ended_at=NOON, closed=True
    )
    assert site.case.last_suspension == 3
    assert site.case.closure == Closure(
        rule="unreachable_run", at=NOON, incidents=(1, 2, 3), needed=3, policy=DOCUMENTED.digest,
        suspension=3,
    )  # fmt: skip


def test_a_closure_by_all_standing_cases_says_so() -> None:
    site = History(policy=Policy(run="total", run_count=1)).miss()
    assert site.case.closure is not None
    assert site.case.closure.total


def test_a_closure_holds_the_numbers_of_its_rule() -> None:
    site = History(at="10:00").closed_by_repeat()
    assert site.case.closure == Closure(
        rule="repeat", at=TEN, incidents=(1, 2, 3), needed=3, policy=DOCUMENTED.digest,
        within=timedelta(hours=24),
    )  # fmt: skip
    assert site.case.closed_at == TEN
    site.void(1).uphold()
    assert site.case.closure is not None
    assert site.case.closure.upheld_at == 2


def test_false_information_needs_one_persons_word() -> None:
    assert History(at="10:00").false_info().case.closure == Closure(
        rule="false_info", at=TEN, incidents=(), needed=1, policy=DOCUMENTED.digest
    )


def test_a_refusal_needs_two_things() -> None:
    assert History(at="10:00").closed_by_refusal().case.closure == Closure(
        rule="refusal", at=TEN, incidents=(1,), needed=2, policy=DOCUMENTED.digest
    )


def test_nothing_is_disputed_on_a_site_that_is_not_closed() -> None:
    assert not closure_grounds.disputed(History().log().case)


def test_a_hold_says_who_when_and_why_and_is_gone_when_it_is_lifted() -> None:
    site = History(at="10:00").hold(by=BOB)
    assert site.case.hold == Hold(by=BOB, at=TEN, reason="the police say so")
    assert site.unhold().case.hold is None


def test_a_request_says_who_when_and_why_and_is_gone_when_it_is_answered() -> None:
    site = History(at="10:00").false_info().after("1h").reinstate(by=BOB)
    assert site.case.request == Request(by=BOB, at=ELEVEN, reason="all is well again")
    assert site.decline(by=ANN).case.request is None


def test_a_reinstatement_begins_an_epoch_without_closure_request_or_dispute() -> None:
    site = History().closed_by_repeat().void(1)
    assert site.disputed
    site.reopened()
    case = site.case
    assert (case.epoch, case.closure, case.request, case.disputed) == (2, None, None, False)
    assert site.log().incident(4).epoch == 2


# Tasks and claims.


def test_a_task_holds_when_it_was_opened_and_who_did_it() -> None:
    site = History(at="10:00").closed_by_repeat()
    task = Task(n=1, kind="tell", epoch=1, incidents=(1, 2, 3), opened_at=TEN)
    assert (site.case.tasks, site.case.last_task) == ({1: task}, 1)
    site.after("1h").do(c.CompleteTask(by=BOB, task=1, outcome="told", note="sha256:1"))
    assert site.case.tasks[1] == Task(
        n=1, kind="tell", epoch=1, incidents=(1, 2, 3), opened_at=TEN, done_at=ELEVEN,
        outcome="told", note="sha256:1", by=BOB,
    )  # fmt: skip


def test_a_task_of_a_later_epoch_says_so() -> None:
    assert [task.epoch for task in History().closed_by_refusal().reopened().open_tasks] == [2]


def test_a_claim_says_who_and_since_when() -> None:
    site = History(at="10:00").log().claim("1", by=BOB)
    assert site.case.claims == {"1": Claim(by=BOB, at=TEN)}
    site.after("30m").hand_over(ANN, by=BOB)
    assert site.case.claims == {"1": Claim(by=ANN, at=utc("10:30"))}
    assert site.release("1").case.claims == {}


def test_what_is_released_again_stays_released() -> None:
    site = History().log().claim("1").release("1")
    apply(site.case, site.last(e.ItemReleased))
    assert site.case.claims == {}


def test_a_claim_ends_with_its_item() -> None:
    site = History().log().log().claim("1").claim("2").contact(1).removed(1).void(2)
    assert site.case.claims == {}
    site = History().closed_by_repeat().claim("t1").done(1)
    assert site.case.claims == {}
    site = History().closed_by_repeat().void(1).claim("disputed").uphold()
    assert site.case.claims == {}
    site = History().false_info().reinstate().claim("reinstatement").decline()
    assert site.case.claims == {}
    site = History().log().contact(1).claim("1").refused(1)
    assert site.case.claims == {}
