"""The ways out: a refusal leads to the act that can be done instead, and that can be typed."""

import pytest

from incidents.contract.hints import TYPED, commands
from incidents.contract.ways_out import BY_STATE, OF_REFUSALS, OF_REMARKS, of_refusal, of_remark
from incidents.locale import refusals
from tests.machine.history import History
from tests.machine.test_refusals import REFUSED, REMARKED, REMARKS

LEADS_TO = {
    "already_held": ["incidents site unhold site.example --reason R"],
    "already_requested": [
        "incidents site approve site.example",
        "incidents site decline site.example --reason R",
    ],
    "closure_asked": [
        "incidents site confirm-closure site.example",
        "incidents site decline-closure site.example --reason R",
    ],
    "double_entry": ["incidents log site.example --again", "incidents recur 12-1"],
    "no_closure_asked": ["incidents site false-info site.example --field F --evidence E"],
    "no_request": ["incidents site reinstate site.example --reason R"],
    "recurred_already": ["incidents recur 12-1 --again"],
    "site_exists": ["incidents site edit site.example --phone P"],
    "unknown_contact": ["incidents show 12-1"],
    "unknown_task": ["incidents queue"],
}


@pytest.mark.parametrize("name", LEADS_TO)
def test_a_refusal_leads_to_what_can_be_done_instead(name: str) -> None:
    assert _typed(REFUSED[name]()) == LEADS_TO[name]


@pytest.mark.parametrize(
    ("history", "typed"),
    [
        (lambda: History().log().refused(1), ["incidents contact 12-1 reached"]),
        (
            lambda: History().log().removed(1).removed(1),
            ["incidents take-back 12-1 --reason R", "incidents recur 12-1"],
        ),
        (
            lambda: History().false_info().log().contact(1).removed(1),
            ["incidents void 12-1 --reason R"],
        ),
        (lambda: History().log().void(1).contact(1), []),
        (lambda: History().log().removed(1).says_removed(1), []),
    ],
    ids=["open", "removed", "moot", "voided", "removed, says the customer"],
)
def test_what_a_state_forbids_leads_to_what_it_allows(
    history: type[History], typed: list[str]
) -> None:
    assert _typed(history()) == typed


def test_a_call_typed_late_leads_to_the_same_call_with_its_time() -> None:
    [late] = REMARKED["too_late"]().decision.remarks
    assert commands(of_remark(late.name, late.facts)) == ["incidents contact 12-1 reached --at T"]


def test_what_is_done_already_or_meant_another_name_leads_nowhere() -> None:
    assert of_refusal("unknown_site", {"site": "shopp.example", "nearest": ["shop.example"]}) == []
    assert of_refusal("unknown_task", {"task": "12-t1", "by": "ann"}) == []


def test_every_way_out_is_of_a_known_refusal_or_remark_and_can_be_typed() -> None:
    assert OF_REFUSALS.keys() <= set(refusals.NAMES)
    assert OF_REMARKS.keys() <= REMARKS
    ways = [
        way for of in (OF_REFUSALS, BY_STATE, OF_REMARKS) for each in of.values() for way in each
    ]
    assert {way.act for way in ways} <= TYPED.keys()


def _typed(history: History) -> list[str]:
    refusal = history.decision.refusal
    assert refusal is not None
    return commands(of_refusal(refusal.name, refusal.facts))
