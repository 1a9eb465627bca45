"""The hints of a refusal name an action that is possible instead, and that can be typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args

import pytest

from incidents.contract import target
from incidents.contract.actions import ACTIONS, CLOSING
from incidents.contract.documents import Hint
from incidents.contract.hints import TYPED, action_of, commands, understood
from incidents.contract.refusal_hints import OF_REFUSALS, OF_REMARKS, of_refusal, of_remark
from incidents.locale.catalogue import phrases
from incidents.machine import commands as c
from incidents.machine.command import Choice, Command, Words
from incidents.machine.refusal import CUSTOMERS, RefusedAction
from incidents.values.language_tag import Tag
from tests.machine.history import History
from tests.machine.test_refusal import TWO_HOURS
from tests.machine.test_refusals import REFUSED, REMARKED, REMARKS, URL

LEADS_TO = {
    "already_held": ["incidents site why site.example"],
    "closure_asked": [
        "incidents approve site.example",
        "incidents decline site.example --reason R",
    ],
    "double_entry": [
        "incidents show 12-1",
        "incidents log site.example --url http://a.example/ --again",
    ],
    "held": ["incidents site why site.example"],
    "no_closure_asked": ["incidents site why site.example"],
    "recurred_already": [
        "incidents contact 12-2 reached",
        "incidents contact 12-2 no-answer",
        "incidents recur 12-1 --again",
    ],
    "site_closed": ["incidents site why site.example"],
    "site_exists": ["incidents site edit site.example --phone P"],
    "unknown_contact": ["incidents show 12-1"],
    "unknown_task": ["incidents queue"],
}
OF_THE_DESK: dict[str, dict[str, Any]] = {
    "account_exists": {"handle": "li"},
    "active_already": {"policy": "sha256:0"},
    "disabled_account": {"handle": "li"},
    "no_number": {"site": "site.example"},
    "no_taker": {"to": "li"},
    "not_of_role": {"handle": "li", "role": "viewer", "act": "log"},
    "not_signed_in": {},
    "nothing_covered": {"way_out": " yet", "uncovered": 2},
    "nothing_signed": {"way_out": "", "needs_key": True},
    "report_led_there": {"report": "r1", "incident": "12-1", "site": "site.example"},
    "report_settled": {"report": "r1", "state": "logged", "by": "li", "at": ""},
    "order_of_hold": {"order": "12-o1", "site": "site.example"},
    "second_not_in": {"second": "li"},
    "unknown_account": {"handle": "li"},
    "unknown_field": {"field": "colour", "nearest": []},
    "unknown_session": {"session": "0"},
    "unknown_site": {"site": "site.example", "nearest": []},
    "other_role": {"handle": "li", "role": "viewer"},
    "unknown_invitation": {"invitation": "0"},
    "unknown_token": {"token": "0"},
}
"""What the desk refuses before the rules, or another room, with its facts."""


def hints_of(history: History) -> list[Hint]:
    refusal = history.decision.refusal
    assert refusal is not None
    return of_refusal(refusal.name, refusal.facts)


@pytest.mark.parametrize("name", LEADS_TO)
def test_a_refusal_leads_to_what_can_be_done_instead(name: str) -> None:
    assert commands(hints_of(REFUSED[name]())) == LEADS_TO[name]


@pytest.mark.parametrize("name", OF_REFUSALS)
def test_every_way_out_knows_the_facts_of_its_refusal_and_can_be_typed(name: str) -> None:
    found = (
        of_refusal(name, OF_THE_DESK[name]) if name in OF_THE_DESK else hints_of(REFUSED[name]())
    )
    assert found
    assert {each["act"] for each in found} <= TYPED.keys()


def test_after_a_call_undo_leads_to_the_call_and_not_to_voiding_the_incident() -> None:
    history = History().log().contact(1).take_back(1)
    assert commands(hints_of(history)) == [
        "incidents undo 12-1-1 --reason R",
        "incidents show 12-1",
    ]


def test_what_no_rule_refuses_leads_on_too() -> None:
    found = {name: commands(of_refusal(name, OF_THE_DESK[name])) for name in OF_THE_DESK}
    assert found["disabled_account"] == ["incidents account enable li"]
    assert found["not_of_role"] == ["incidents account role li ROLE"]
    assert found["no_number"] == ["incidents filing set site.example public_security_number=NUMBER"]
    assert found["nothing_signed"] == ["incidents audit key new", "incidents audit checkpoint"]
    assert found["unknown_token"] == ["incidents token list"]
    assert of_refusal("nothing_covered", {"way_out": " yet", "uncovered": 0}) == []
    has_key = of_refusal("nothing_signed", {"way_out": "", "needs_key": False})
    assert commands(has_key) == ["incidents audit checkpoint"]


@pytest.mark.parametrize("name", sorted({*OF_REFUSALS, "state_forbids"}))
def test_of_a_refusal_of_another_version_nothing_is_typed_without_its_facts(name: str) -> None:
    for each in commands(of_refusal(name, {"site": 1, "handle": None})):
        assert not re.search(r"None|  |\b1\b", each)


ON_A_STATE: dict[str, Callable[[], History]] = {
    "open": lambda: History().log().refused(1),
    "unreached": lambda: History().miss().refused(1),
    "removed": lambda: History().log().contact(1).removed(1).removed(1),
    "refused": lambda: History().log().contact(1).refused(1).removed(1),
    "moot": lambda: History().false_info().log().contact(1).removed(1),
    "refused, by its deadline": lambda: (
        History(policy=TWO_HOURS).log().contact(1).after("3h").removed(1)
    ),
}
WOULD_CLOSE: dict[str, Callable[[], History]] = {
    "double_entry, would close": lambda: History().log(URL).log().log(URL),
    "recurred_already, would close": lambda: History().log().contact(1).recur(1).recur(1),
    "recur as a double entry, would close": lambda: (
        History().log(URL).contact(1).log(URL, again=True).recur(1)
    ),
}
TOLD_ALREADY: dict[str, Callable[[], History]] = {
    "double_entry, notified": lambda: History().log(URL).contact(1).log(URL),
    "double_entry, unreached": lambda: History().log(URL).after("14h").log(URL),
    "double_entry, recurred": lambda: History().log(URL).contact(1).recur(1).after("25h").log(URL),
    "double_entry, both unreached": lambda: (
        History().log(URL).log(URL, again=True).after("26h").log(URL)
    ),
    "double_entry, closed": lambda: History().log(URL).contact(1).false_info().log(URL),
}
SAID = {**REFUSED, **ON_A_STATE, **WOULD_CLOSE, **TOLD_ALREADY}


@pytest.mark.parametrize("name", SAID)
def test_nothing_is_proposed_that_would_be_refused_next_or_that_closes(name: str) -> None:
    for hint in hints_of(SAID[name]()):
        action = action_of(hint)
        if action is None:
            continue
        # A closure that was asked for is there to be answered.
        assert action.command not in CLOSING - {c.ConfirmClosure}
        history = SAID[name]()
        was_closed = history.case.closed
        assert history.do(meant(hint)).refused_with is None, hint
        closed = history.case.closed and not was_closed
        assert not closed or action.command is c.ConfirmClosure, hint


def meant(hint: Hint) -> Command:
    """The act as another person does it, with something in place of each word."""
    action = action_of(hint)
    assert action is not None
    # One call has two rows: on a site, and on an incident.
    kind = target.INCIDENT if action.command is c.RecordContact else action.of
    of = target.read(kind, hint["of"])
    given: dict[str, Any] = {"by": "sup-9", **action.fixed, **target.fields(action.command, of)}
    for field in action.asked:
        known = hint["facts"].get(field.name)
        if field.type is bool:
            given[field.name] = field.name in hint["facts"]
        elif isinstance(field.fact, Choice):
            given[field.name] = known
        elif field.name == "urls":
            given[field.name] = () if known is None else (known,)
        elif isinstance(field.fact, Words) and field.required:
            given[field.name] = hint["facts"].get(field.name) or "as it is"
    return action.command(**given)


def test_another_violation_that_would_close_the_site_is_named_and_not_proposed() -> None:
    logged, recurred, _ = (each() for each in WOULD_CLOSE.values())
    assert commands(hints_of(logged)) == ["incidents show 12-1", "incidents site why site.example"]
    assert commands(hints_of(recurred)) == [
        "incidents contact 12-2 reached",
        "incidents contact 12-2 no-answer",
        "incidents site why site.example",
    ]
    for each in (logged, recurred):
        assert "another violation would close site.example (R1)" in each.answer


def test_content_that_is_still_there_after_a_call_leads_to_a_recurrence() -> None:
    typed = {name: commands(hints_of(of())) for name, of in TOLD_ALREADY.items()}
    assert {name for name, line in typed.items() if "incidents recur 12-1" in line} == {
        "double_entry, notified", "double_entry, unreached",
    }  # fmt: skip
    assert typed["double_entry, notified"] == [
        "incidents show 12-1",
        "incidents recur 12-1",
        "incidents log site.example --url http://a.example/ --again",
    ]
    assert all("recur" not in " ".join(typed[name]) for name in typed if "recurred" in name)


def test_on_a_closed_site_another_violation_closes_nothing() -> None:
    history = History().log(URL).log().false_info().log(URL)
    assert "incidents log site.example --url http://a.example/ --again" in commands(
        hints_of(history)
    )


@pytest.mark.parametrize(
    ("history", "typed"),
    [
        (
            ON_A_STATE["open"],
            ["incidents contact 12-1 reached", "incidents contact 12-1 no-answer"],
        ),
        (ON_A_STATE["removed"], ["incidents show 12-1"]),
        (
            ON_A_STATE["refused, by its deadline"],
            ["incidents undo 12-1 --reason R", "incidents show 12-1"],
        ),
        (ON_A_STATE["moot"], ["incidents void 12-1 --reason R"]),
        (lambda: History().log().void(1).contact(1), []),
        (lambda: History().log().removed(1).says_removed(1), []),
    ],
    ids=[
        "open",
        "removed",
        "refused, by its deadline",
        "moot",
        "voided",
        "removed, says the customer",
    ],
)
def test_what_a_state_forbids_leads_to_what_it_allows(
    history: Callable[[], History], typed: list[str]
) -> None:
    assert commands(hints_of(history())) == typed


def test_a_call_typed_late_leads_to_the_same_call_with_its_time() -> None:
    [late] = REMARKED["too_late"]().decision.remarks
    assert commands(of_remark(late.name, late.facts)) == ["incidents contact 12-1 reached --at T"]
    assert OF_REMARKS.keys() <= REMARKS


def test_an_address_is_typed_so_that_no_shell_runs_a_part_of_it() -> None:
    facts = {"site": "a.example", "url": "http://a.example/;reboot", "incident": "1-1"}
    [_, typed] = commands(of_refusal("double_entry", facts))
    assert typed == "incidents log a.example --url 'http://a.example/;reboot' --again"


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ("12-3", "incidents show 12-3"),
        (" 12-3-x;reboot", "incidents show 12-3"),
        ("c3", "incidents show INCIDENT"),
        ("12-t3-1", "incidents show INCIDENT"),
    ],
)
def test_a_mistyped_contact_leads_to_its_incident(given: str, typed: str) -> None:
    assert commands(of_refusal("unknown_contact", {"given": given})) == [typed]


def test_what_is_done_already_or_meant_another_name_leads_nowhere() -> None:
    assert of_refusal("unknown_site", {"site": "shopp.example", "nearest": ["shop.example"]}) == []
    new = {"site": "7-eleven.example", "nearest": (), "logs": True}
    assert commands(of_refusal("unknown_site", new)) == ["incidents site add 7-eleven.example"]
    for facts in (
        {"site": "shop.example"}, {"site": "shop.example", "nearest": ()},
        {"site": "shop.example", "nearest": (), "searched": False, "logs": True},
        {"site": "99", "nearest": (), "logs": True}, {"site": "12-zz", "nearest": (), "logs": True},
        {"site": "1-9-zz", "nearest": (), "logs": True},
    ):  # fmt: skip
        # Nobody has looked for near names, or it is no name.
        assert commands(of_refusal("unknown_site", facts)) == ["incidents site list"]
    assert of_refusal("unknown_task", {"task": "12-t1", "by": "ann"}) == []


@pytest.mark.parametrize(
    "hints", [None, 1, [{"of": "1"}], [{"act": "queue", "of": 1, "facts": {}}], ["queue"]]
)
def test_of_what_a_server_says_only_hints_are_understood(hints: object) -> None:
    queue = Hint(act="queue", of="", facts={})
    assert understood({"hints": hints}) == []
    assert understood({"hints": [queue, {"act": "of a newer one", "of": "", "facts": {}}]}) == [
        queue
    ]


def test_each_act_that_a_state_or_a_closed_site_forbids_is_one_of_the_contract_and_has_words() -> (
    None
):
    acts = {action.word.split()[-1] for action in ACTIONS}
    codes = set(get_args(RefusedAction))
    assert codes - acts == {CUSTOMERS}
    for tag in get_args(Tag):
        told = {
            each.removeprefix("act_told.")
            for each in phrases(tag, "incidents")
            if "act_told" in each
        }
        assert told == codes
