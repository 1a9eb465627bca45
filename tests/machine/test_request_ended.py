"""What becomes of a closure request, as it is told."""

from incidents.locale import refusals
from incidents.machine import commands as c
from incidents.machine.policy import Policy, read_duration
from tests.machine.history import ANN, History

TWO = Policy(two_people_close=True)


def told(site: History) -> list[str]:
    return [refusals.remark(each) for each in site.decision.remarks]


def test_a_third_violation_tells_whose_request_it_ends() -> None:
    ended = "this ends ann's request to close site.example: the site is closed (R1, repeat)"
    site = History(policy=TWO).log().log().contact(2).refused(2)
    assert told(site.log())[-1:] == [ended]
    stated = History(policy=TWO).log().log().false_info()
    assert told(stated.log())[-1:] == [ended]


def test_a_removal_deadline_tells_whose_request_it_ends() -> None:
    policy = Policy(two_people_close=True, removal_within=read_duration("2h"))
    site = History(policy=policy).log().contact(1).refused(1).after("2h1s").elapse()
    assert site.case.closed
    assert told(site) == [
        "this ends ann's request to close site.example: the site is closed (R5, refusal)"
    ]


def test_a_confirmed_request_is_not_told_as_ended() -> None:
    assert told(History(policy=TWO).log().contact(1).refused(1).confirm_closure()) == []
    assert told(History(policy=TWO).false_info().confirm_closure()) == []
    assert told(History(policy=TWO).false_info().decline_closure()) == []


def test_a_refusal_that_is_only_requested_can_be_declined() -> None:
    site = History(policy=TWO).log().contact(1).refused(1)
    site.do(c.TakeBack(by=ANN, incident=1, reason="a slip"))
    assert site.refused_with == "nothing_to_take_back"
    assert site.decision.refusal is not None
    assert refusals.sentence(site.decision.refusal) == (
        "ann only requested the refusal of 12-1; to withdraw it, decline the request"
    )
