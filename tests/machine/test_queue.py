"""What the desk must do for a site (specification, Q)."""

from datetime import timedelta

from incidents.machine import events as e
from incidents.machine import work
from incidents.machine.case import Claim
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines
from tests.machine.history import ANN, BOB, MICROSECOND, History, utc

# What it lists.


def test_nothing_is_to_be_done_for_a_new_site() -> None:
    assert History().queue == {}


def test_an_open_incident_is_to_be_called_about_until_its_deadline() -> None:
    site = History(at="10:00").log()
    item = work.items(site.case)["1"]
    assert (item.kind, item.incident) == ("call", 1)
    assert (item.due, item.recorded_at) == (utc("11:00"), utc("10:00"))


def test_about_an_unreached_one_the_desk_keeps_calling() -> None:
    site = History().miss()
    item = work.items(site.case)["1"]
    assert (item.kind, item.due) == ("keep_calling", None)


def test_a_call_task_is_to_tell_the_customer() -> None:
    site = History().closed_by_repeat()
    assert site.queue == {"1": "call", "2": "call", "3": "call", "t1": "tell"}


def test_a_notified_incident_is_to_be_checked_for_removal() -> None:
    site = History(at="10:00", policy=Policy(removal_within=timedelta(hours=2))).log().contact(1)
    item = work.items(site.case)["1"]
    assert (item.kind, item.due) == ("check_removal", utc("12:00"))


def test_a_removal_deadline_that_cannot_lapse_is_none() -> None:
    site = History(at="10:00", policy=Policy(removal_within=timedelta(hours=2))).log().contact(1)
    assert work.items(site.false_info().case)["1"].due is None


def test_each_item_is_listed_with_what_it_is_of() -> None:
    site = History(at="10:00").closed_by_repeat().void(1).after("1h").reinstate()
    ten, eleven = utc("10:00"), utc("11:00")
    none = {"incident": None, "due": None}
    assert work.items(site.case) == {
        "2": work.Item(item="2", kind="call", incident=2, due=None, recorded_at=ten),
        "3": work.Item(item="3", kind="call", incident=3, due=None, recorded_at=ten),
        "t1": work.Item(item="t1", kind="tell", recorded_at=ten, **none),
        "disputed": work.Item(item="disputed", kind="disputed", recorded_at=ten, **none),
        "reinstatement": work.Item(
            item="reinstatement", kind="reinstatement", recorded_at=eleven, **none
        ),
    }


def test_a_recheck_task_is_listed() -> None:
    assert History().miss().sit_out().queue == {"1": "keep_calling", "t1": "recheck"}


def test_a_review_task_is_listed() -> None:
    site = History().log().contact(1).void_contact(1).contact(1).void_contact(1, 2)
    assert site.queue == {"1": "call", "t1": "review"}


def test_a_disputed_closure_is_listed_until_it_is_settled() -> None:
    site = History(at="10:00").closed_by_repeat().void(1)
    assert site.queue["disputed"] == "disputed"
    assert work.items(site.case)["disputed"].recorded_at == utc("10:00")
    assert "disputed" not in site.uphold().queue


def test_a_reinstatement_that_waits_for_a_second_person_is_listed() -> None:
    site = History().false_info().after("1h").reinstate()
    assert site.queue == {"reinstatement": "reinstatement"}
    assert work.items(site.case)["reinstatement"].recorded_at == site.clock
    assert site.decline().queue == {}


def test_settled_voided_refused_and_moot_incidents_are_not_listed() -> None:
    site = History().log().removed(1).log().void(2).log().contact(3).refused(3).log()
    assert site.states == ["removed", "voided", "refused", "moot"]
    assert site.queue == {}


def test_where_no_clock_runs_an_open_incident_has_no_due_time() -> None:
    site = History().log().false_info()
    assert work.items(site.case)["1"].due is None
    assert work.items(site.reopened().case)["1"].due is None


# What is due next.


def test_what_is_due_next_is_the_earliest_of_all_that_runs() -> None:
    site = History(at="10:00").log()
    assert deadlines.next_due(site.case) == utc("11:00")
    site.at("11:00").after(MICROSECOND).elapse()
    assert deadlines.next_due(site.case) == utc("23:00:00.000001")
    site.at("20:00").log()
    assert deadlines.next_due(site.case) == utc("21:00")


def test_nothing_is_due_on_a_site_where_nothing_runs() -> None:
    assert deadlines.next_due(History().case) is None
    assert deadlines.next_due(History().log().false_info().case) is None
    assert deadlines.next_due(History().hold().case) is None


# Tasks are completed with their outcome.


def test_a_task_is_completed_with_its_outcome() -> None:
    site = History().closed_by_repeat().done(1, "told by phone", by=BOB)
    assert site.open_tasks == []
    task = site.case.tasks[1]
    assert (task.outcome, task.by, task.done_at) == ("told by phone", BOB, site.clock)


def test_without_an_outcome_it_is_done() -> None:
    assert History().closed_by_repeat().done(1).case.tasks[1].outcome == "done"


def test_a_task_that_does_not_wait_is_refused() -> None:
    site = History().closed_by_repeat().done(2)
    assert site.refused_with == "unknown_task"
    assert "12-t2" in site.answer
    assert site.done(1).done(1).refused_with == "unknown_task"


# Claims.


def test_anybody_may_claim_an_item_and_nobody_else_can_claim_it_then() -> None:
    site = History(at="10:00").log().claim("1", by=ANN)
    assert site.case.claims == {"1": Claim(by=ANN, at=utc("10:00"))}
    site.claim("1", by=BOB)
    assert site.refused_with == "claimed"
    assert ANN in site.answer


def test_claiming_twice_is_claiming_once() -> None:
    site = History().log().claim("1").claim("1")
    assert site.refused_with is None
    assert site.happened == []


def test_only_what_is_listed_can_be_claimed() -> None:
    site = History().claim("1")
    assert site.refused_with == "unknown_item"
    assert "12-1" in site.answer


def test_a_claim_can_be_released_by_who_holds_it() -> None:
    site = History().log().claim("1", by=ANN).release("1", by=BOB)
    assert site.refused_with == "claimed"
    site.release("1", by=ANN)
    assert site.case.claims == {}
    assert site.release("1", by=ANN).refused_with == "not_claimed"


def test_at_the_end_of_a_shift_all_that_one_holds_is_handed_over() -> None:
    site = History().closed_by_repeat().claim("1").claim("t1").claim("2", by="eve")
    site.hand_over(BOB)
    assert {item: claim.by for item, claim in site.case.claims.items()} == {
        "1": BOB,
        "t1": BOB,
        "2": "eve",
    }
    assert site.last(e.ItemClaimed).by == ANN


def test_one_item_is_handed_over_by_who_holds_it_and_the_rest_stays() -> None:
    site = History().closed_by_repeat().claim("1").claim("t1").claim("2", by="eve")
    site.hand_over(BOB, item="t1")
    assert {item: claim.by for item, claim in site.case.claims.items()} == {
        "1": ANN, "t1": BOB, "2": "eve",
    }  # fmt: skip
    assert site.hand_over(BOB, item="2").refused_with == "claimed"
    assert site.hand_over(BOB, item="3").refused_with == "not_claimed"


def test_who_holds_nothing_has_nothing_to_hand_over() -> None:
    assert History().log().hand_over(BOB).refused_with == "nothing_held"


def test_a_claim_outlives_the_change_of_what_is_to_be_done_about_the_incident() -> None:
    site = History().log().claim("1").after("1h", MICROSECOND).elapse().contact(1)
    assert list(site.case.claims) == ["1"]


def test_a_claim_ends_with_its_item() -> None:
    site = History().log().log().log().claim("1").claim("2").claim("t1")
    site.removed(1).void(2).done(1)
    assert list(site.case.claims) == []


def test_the_claims_of_a_dispute_and_of_a_request_end_with_them() -> None:
    site = History().closed_by_repeat().void(1).reinstate()
    site.claim("disputed").claim("reinstatement")
    assert sorted(site.case.claims) == ["disputed", "reinstatement"]
    site.uphold()
    assert list(site.case.claims) == ["reinstatement"]
    site.approve()
    assert site.case.claims == {}
