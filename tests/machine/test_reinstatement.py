"""Reinstating a closed site: one asks, another approves (specification, X)."""

from collections.abc import Callable
from functools import partial

import pytest

from incidents.machine import commands as c
from incidents.machine import decider
from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.machine.history import ANN, BOB, MICROSECOND, Act, History

MANY = Policy(repeat_count=9)


def test_one_person_asks_with_a_reason_and_the_site_stays_closed() -> None:
    site = History().false_info().reinstate(by=ANN)
    assert site.state == "closed"
    assert site.case.request is not None
    assert (site.case.request.by, site.case.request.reason) == (ANN, "all is well again")


def test_a_second_person_approves_and_the_site_is_open() -> None:
    site = History().false_info().reinstate(by=ANN).approve(by=BOB)
    assert (site.state, site.rule, site.case.closed_at) == ("active", None, None)
    assert site.ordered == ["reopen"]
    reinstated = site.last(e.SiteReinstated)
    assert (reinstated.asked_by, reinstated.by) == (ANN, BOB)


@pytest.mark.parametrize("answer", [History.approve, History.decline])
def test_the_person_who_asked_cannot_answer(answer: Act) -> None:
    site = History().false_info().reinstate(by=BOB)
    answer(site)
    assert site.refused_with == "same_person"
    assert site.state == "closed"


@pytest.mark.parametrize("act", [c.Approve, partial(c.Decline, reason="not yet")])
@pytest.mark.parametrize(
    ("asked", "answered"),
    [("op1", "OP1"), ("Op1", "op1"), ("op1", "ｏｐ１"), ("ＯＰ１", "op1"), ("Straße", "STRASSE"),
     ("é", "E\u0301")],
)  # fmt: skip
def test_another_spelling_of_a_name_is_the_same_person(
    act: Callable[..., c.Command], asked: str, answered: str
) -> None:
    site = History().false_info().reinstate(by=asked).do(act(by=answered))
    assert site.answer == f"{asked} made this request; another person must decide on it"


@pytest.mark.parametrize("answered", ["op2", "op11", "op 1", "о\u04401"])
def test_another_name_is_another_person(answered: str) -> None:
    site = History().false_info().reinstate(by="op1").approve(by=answered)
    assert site.state == "active"


@pytest.mark.parametrize("answer", [History.approve, History.decline])
def test_there_is_nothing_to_answer_where_nobody_asked(answer: Act) -> None:
    site = History().false_info()
    answer(site)
    assert site.refused_with == "no_request"


def test_only_a_closed_site_is_reinstated() -> None:
    assert History().reinstate().refused_with == "site_not_closed"
    assert History().miss().reinstate().refused_with == "site_not_closed"


def test_a_second_request_is_refused_while_one_waits() -> None:
    site = History().false_info().reinstate(by=ANN).reinstate(by=BOB)
    assert site.refused_with == "already_requested"


def test_the_request_can_be_declined_and_asked_again() -> None:
    site = History().false_info().reinstate().decline()
    assert (site.state, site.case.request) == ("closed", None)
    assert site.last(e.ReinstatementDeclined).text == "not yet"
    assert site.reinstate().refused_with is None


# All counts start afresh.


def test_the_run_starts_afresh() -> None:
    site = History().closed_by_run().reopened()
    assert site.run == 0
    assert site.miss().sit_out().miss().run == 2
    assert site.state == "suspended"


def test_the_window_starts_afresh() -> None:
    site = History().closed_by_repeat().reopened().log().log()
    assert site.state == "active"


def test_a_dispute_is_over() -> None:
    site = History().closed_by_repeat().void(1).reopened()
    assert not site.disputed
    site.void(2)
    assert not site.disputed


# Clocks.


def test_all_clocks_end_and_an_incident_from_before_has_no_contact_deadline() -> None:
    site = History().log().false_info().reopened()
    assert site.states == ["open"]
    assert site.contact_due(1) is None
    site.after("24h").elapse()
    assert (site.happened, site.state) == ([], "active")


@pytest.mark.parametrize(
    "correct",
    [
        lambda site: site.contact(1).void_contact(1),
        lambda site: site.removed(1).take_back(1),
    ],
)
def test_none_starts_for_an_incident_from_before(correct: Act) -> None:
    site = History().log().false_info().reopened()
    correct(site)
    assert site.states == ["open"]
    assert site.contact_due(1) is None
    assert site.after("24h").elapse().happened == []


def test_a_new_incident_has_its_clock_as_ever() -> None:
    site = History().false_info().reopened().miss()
    assert (site.state, site.run) == ("suspended", 1)


def test_late_truth_about_the_time_before_moves_nothing_of_now() -> None:
    site = History(at="10:00").miss().false_info().reopened().miss()
    site.contact(1, at="10:30")
    assert site.suspension(1).struck
    assert (site.state, site.run) == ("suspended", 1)


# What is not settled.


def test_incidents_that_are_not_settled_are_listed_in_one_recheck_task() -> None:
    site = History(policy=MANY).log().log().log().log().contact(2).removed(3).void(4)
    site.after("2h").elapse().false_info().log().reopened()
    (task,) = site.open_tasks
    assert (task.kind, task.incidents) == ("recheck", (1, 2, 5))


def test_more_incidents_than_one_entry_can_list_make_several_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decider, "MAX_LISTED", 2)
    site = History(policy=MANY).log().log().log().log().log().false_info().reopened()
    assert [task.incidents for task in site.open_tasks] == [(1, 2), (3, 4), (5,)]


def test_a_refused_incident_is_not_settled() -> None:
    site = History().closed_by_refusal().reopened()
    (task,) = site.open_tasks
    assert task.incidents == (1,)


def test_no_recheck_is_opened_when_all_is_settled() -> None:
    site = History().log().removed(1).false_info().reopened()
    assert site.open_tasks == []


def test_the_tasks_of_before_are_superseded_but_for_what_a_supervisor_is_to_see() -> None:
    site = History().log().contact(1).void_contact(1).contact(1).void_contact(1, 2)
    site.log().log()
    assert [task.kind for task in site.open_tasks] == ["review", "tell"]
    site.reopened()
    assert [task.kind for task in site.open_tasks] == ["review", "recheck"]
    assert site.case.tasks[2].outcome == "superseded"


def test_a_recheck_of_before_is_superseded_by_the_one_of_now() -> None:
    site = History().miss().sit_out().false_info().reopened()
    assert [(task.kind, task.outcome) for task in site.case.tasks.values()] == [
        ("recheck", "superseded"),
        ("recheck", None),
    ]


def test_the_one_recheck_is_completed_when_all_of_it_is_settled() -> None:
    site = History().log().log().false_info().reopened().removed(1)
    assert len(site.open_tasks) == 1
    site.removed(2)
    assert site.open_tasks == []


def test_a_site_may_be_closed_and_reinstated_again() -> None:
    site = History().false_info().reopened().closed_by_repeat().reopened()
    assert (site.state, site.case.epoch) == ("active", 3)
    site.after("1h", MICROSECOND).elapse()
    assert site.happened == []
