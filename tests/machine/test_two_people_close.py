"""Closing on somebody's word (R4, R5) where the policy asks for two people."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import Policy
from tests.machine.history import ANN, BOB, MICROSECOND, Act, History, utc

TWO = Policy(two_people_close=True)
ONE = Policy()


def told(policy: Policy = TWO) -> History:
    """A site with an incident that its person was told of."""
    return History(at="10:00", policy=policy).log().contact(1)


def test_by_the_documented_policy_one_word_closes() -> None:
    assert History().false_info().state == "closed"
    assert told(ONE).refused(1).state == "closed"


@pytest.mark.parametrize(
    ("ask", "rule"),
    [
        (lambda: History(at="10:00", policy=TWO).false_info(), "false_info"),
        (lambda: told().refused(1), "refusal"),
    ],
)
def test_what_one_person_states_closes_nothing_and_waits(
    ask: Callable[[], History], rule: str
) -> None:
    site = ask()
    assert (site.state, site.ordered, site.happened) == ("active", [], ["closure_asked"])
    request = site.case.closure_request
    assert request is not None
    assert (request.by, request.at, request.rule) == (ANN, utc("10:00"), rule)
    assert "site.example is not closed yet" in site.answer


def test_a_second_person_confirms_false_details_and_the_site_is_closed() -> None:
    site = History(policy=TWO).false_info(by=ANN).confirm_closure(by=BOB)
    assert (site.state, site.rule, site.ordered) == ("closed", "false_info", ["close"])
    closed = site.last(e.SiteClosed)
    assert (closed.by, closed.asked_by) == (BOB, ANN)
    assert (closed.field, closed.evidence) == ("phone", "the carrier says so")


def test_what_a_customer_was_heard_to_say_is_kept_until_the_second_person_confirms_it() -> None:
    site = told().do(c.StateRefused(by=ANN, incident=1, note="it is ours")).confirm_closure(by=BOB)
    assert site.last(e.IncidentRefused).note == "it is ours"


def test_a_second_person_confirms_a_refusal_as_of_when_it_was_said() -> None:
    site = told().after("30m").refused(1, at="10:20").after("1h").confirm_closure(by=BOB)
    assert (site.state, site.rule, site.states) == ("closed", "refusal", ["refused"])
    refused = site.last(e.IncidentRefused)
    assert (refused.occurred_at, refused.recorded_at) == (utc("10:20"), utc("11:30"))
    assert (refused.by, refused.asked_by) == (BOB, ANN)
    assert site.last(e.SiteClosed).asked_by == ANN
    assert site.reason().incidents == (1,)


@pytest.mark.parametrize("by", [ANN, ANN.upper(), "ａｎｎ"])
def test_who_asked_cannot_confirm_however_the_name_is_spelt(by: str) -> None:
    site = History(policy=TWO).false_info(by=ANN).confirm_closure(by=by)
    assert (site.refused_with, site.state) == ("same_person", "active")


@pytest.mark.parametrize("by", [ANN, BOB])
def test_anybody_declines_it_who_asked_too_and_it_can_be_asked_anew(by: str) -> None:
    site = History(policy=TWO).false_info(by=ANN).decline_closure(by=by)
    assert (site.state, site.case.closure_request, site.queue) == ("active", None, {})
    assert site.last(e.ClosureDeclined).text == "the number is right"
    assert site.confirm_closure(by=BOB).refused_with == "no_closure_asked"
    assert site.false_info(by=BOB).confirm_closure(by=ANN).state == "closed"


@pytest.mark.parametrize("act", [History.confirm_closure, History.decline_closure])
def test_there_is_nothing_to_answer_where_nobody_asked(act: Act) -> None:
    site = History(policy=TWO)
    act(site)
    assert site.refused_with == "no_closure_asked"


def test_one_request_at_a_time_so_that_the_second_knows_what_they_confirm() -> None:
    site = told().refused(1).false_info(by=BOB)
    assert site.refused_with == "closure_asked"
    assert site.case.closure_request is not None
    assert site.case.closure_request.incident == 1


@pytest.mark.parametrize("ask", [partial(History.refused, incident=1), History.false_info])
def test_what_is_refused_to_one_person_is_not_asked_for_either(ask: Act) -> None:
    site = told().false_info().confirm_closure()
    ask(site)
    assert (site.refused_with, site.case.closure_request) == ("site_closed", None)


def test_a_refusal_that_is_impossible_is_not_asked_for() -> None:
    site = History(policy=TWO).log().refused(1)
    assert (site.refused_with, site.case.closure_request) == ("state_forbids", None)


# It falls when it has lost its ground.


@pytest.mark.parametrize("act", [History.removed, History.void, History.void_contact])
def test_a_refusal_falls_when_nobody_refuses_any_more(
    act: Callable[[History, int], object],
) -> None:
    site = told().refused(1).claim("closure")
    act(site, 1)
    assert site.case.closure_request is None
    assert "closure" not in site.queue
    assert site.confirm_closure().refused_with == "no_closure_asked"


def test_a_refusal_from_before_the_only_call_that_stands_falls() -> None:
    site = told().after("1h").refused(1, at="10:30").after("1h").contact(1).void_contact(1, 1)
    assert site.states == ["notified"]
    assert site.case.closure_request is None
    again = told().after("1h").refused(1, at="10:30").contact(1, at="10:10").void_contact(1, 1)
    assert again.case.closure_request is not None


@pytest.mark.parametrize("rule", ["refusal", "false_info"])
def test_what_the_customer_says_withdraws_no_request_and_the_second_person_decides(
    rule: str,
) -> None:
    site = told().refused(1) if rule == "refusal" else told().false_info()
    site.after("5m").says_removed(1)
    assert site.happened == ["removal_said", "task_opened"]
    assert site.case.closure_request is not None
    assert "closure" in site.queue.values()
    assert "recheck" in site.queue.values(), "the second person sees what the customer says"
    assert site.confirm_closure().rule == rule


def test_a_fallen_refusal_does_not_rise_again_by_itself() -> None:
    site = told().refused(1).removed(1).take_back(1)
    assert site.states == ["notified"]
    assert site.case.closure_request is None


@pytest.mark.parametrize(
    "fell",
    [
        lambda site: site.removed(1),
        lambda site: site.void(1),
        lambda site: site.void_contact(1),
    ],
)
def test_whoever_makes_it_fall_is_told_whose_request_it_was(
    fell: Callable[[History], History],
) -> None:
    site = fell(told().refused(1))
    assert site.case.closure_request is None
    assert f"this withdraws {ANN}'s request to close site.example" in site.answer


def test_of_one_that_is_declined_or_was_done_otherwise_nothing_more_is_said() -> None:
    for site in (
        told().refused(1).decline_closure(by=BOB),
        told().refused(1).confirm_closure(by=BOB),
        told().refused(1).log().log(),
    ):
        assert "withdraws" not in site.answer


def test_what_is_said_of_another_incident_leaves_it() -> None:
    site = told().log().refused(1).removed(2).contact(1)
    assert site.case.closure_request is not None


def test_a_site_that_is_closed_otherwise_waits_for_nobody() -> None:
    site = told().refused(1).log().log()
    assert (site.rule, site.case.closure_request) == ("repeat", None)
    assert "closure" not in site.queue
    assert (
        "confirming the closure is not possible on a closed site" in site.confirm_closure().answer
    )


def test_time_closes_nothing_that_waits_for_a_person() -> None:
    site = History(policy=TWO).false_info().after("30d").elapse()
    assert (site.state, site.happened) == ("active", [])
    assert site.confirm_closure().state == "closed"


def test_a_removal_deadline_is_nobodys_word_and_closes_alone() -> None:
    policy = Policy(two_people_close=True, removal_within=timedelta(hours=2))
    site = told(policy).after("2h", MICROSECOND).elapse()
    assert (site.state, site.rule) == ("closed", "refusal")


def test_a_suspended_and_a_held_site_are_closed_by_two_as_well() -> None:
    assert History(policy=TWO).miss().false_info().confirm_closure().state == "closed"
    site = History(policy=TWO).hold().false_info().confirm_closure()
    assert (site.state, site.case.held) == ("closed", True)


# Another policy meanwhile.


def test_what_was_asked_under_two_waits_for_the_second_also_under_another_policy() -> None:
    site = History(policy=TWO).false_info(by=ANN)
    site.policy = ONE
    assert site.confirm_closure(by=ANN).refused_with == "same_person"
    assert site.confirm_closure(by=BOB).state == "closed"


def test_once_one_word_is_enough_again_it_closes_and_nothing_waits() -> None:
    site = told().refused(1)
    site.policy = ONE
    assert site.refused(1).state == "closed"
    assert site.last(e.SiteClosed).asked_by is None
    assert site.case.closure_request is None


# In the queue.


def test_it_stands_in_the_queue_and_is_due_since_it_was_asked_for() -> None:
    from incidents.machine import work

    site = History(at="10:00", policy=TWO).false_info()
    item = work.items(site.case)["closure"]
    assert (item.kind, item.due, item.recorded_at) == ("closure", utc("10:00"), utc("10:00"))
    assert work.items(told().refused(1).case)["closure"].incident == 1
    assert site.claim("closure").case.claims["closure"].by == ANN
    assert site.confirm_closure().case.claims == {}


def test_it_is_recorded_whole() -> None:
    site = told().refused(1, at="10:00")
    assert site.recorded() == [
        e.ClosureAsked(
            occurred_at=utc("10:00"), recorded_at=utc("10:00"), by=ANN, policy=TWO.digest,
            incident=1,
        )
    ]  # fmt: skip
    site.decline_closure(by=BOB).do(c.StateFalse(by=BOB, field="phone", evidence="sha256:1"))
    assert site.recorded() == [
        e.ClosureAsked(
            occurred_at=utc("10:00"), recorded_at=utc("10:00"), by=BOB, policy=TWO.digest,
            field="phone", text="sha256:1",
        )
    ]  # fmt: skip
