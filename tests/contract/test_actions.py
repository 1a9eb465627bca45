"""The contract: each act is declared once, and says all that the surfaces ask of it."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.contract.action import Action, fields_of, name_of, personal_fields, seen_fields
from incidents.contract.actions import ACTIONS, of_command
from incidents.contract.target import SITE
from incidents.machine import commands as c
from incidents.machine.command import Choice, Words

KINDS = [
    kind
    for kind in vars(c).values()
    if isinstance(kind, type)
    and issubclass(kind, c.Command)
    and kind not in (c.Command, c.OrderCommand, c.FilingCommand)
]
OF_MACHINES = {
    c.Elapse: "the clock", c.RecordDelivery: "the courier", c.RecordFailure: "the courier",
    c.RecordState: "a comparison", c.RepeatOrder: "a comparison", c.RaiseSuspicion: "a check",
    c.Remind: "a check", c.RecordFooter: "a check", c.SayRemoved: "the customer's page",
}  # fmt: skip
"""Which commands no person of the desk gives by themselves, and who does."""


def test_each_command_has_its_row_or_is_a_machines() -> None:
    assert {action.command for action in ACTIONS} == set(KINDS) - OF_MACHINES.keys()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.word} {action.of}")
def test_a_row_that_is_asked_for_over_http_says_what_it_does(action: Action) -> None:
    if action.path is not None:
        assert (action.summary or action.short).endswith(".")
        assert action.body.summary.endswith(".")


def test_each_act_that_is_typed_says_shortly_what_it_does() -> None:
    shorts = {action.word: action.short for action in reversed(ACTIONS)}
    assert [typed for typed, short in shorts.items() if not short.endswith(".")] == []


def test_acts_of_one_body_ask_for_the_same() -> None:
    asked: dict[str, Any] = {}
    for action in ACTIONS:
        own = {(action.called(each), each.fact, each.required) for each in action.asked}
        if action.path is not None:
            assert asked.setdefault(action.body.name, (own, action.closes)) == (own, action.closes)


def test_what_closes_a_site_on_somebodys_word_is_done_in_person() -> None:
    assert all(action.in_person for action in ACTIONS if action.closes)


def test_a_field_says_whether_it_is_needed_and_what_it_may_hold() -> None:
    found = {each.name: each for each in fields_of(c.RecordContact)}
    assert found["outcome"].required
    assert isinstance(found["outcome"].fact, Choice)
    assert (found["at"].is_time, found["at"].required) == (True, False)
    assert (found["incident"].optional, found["incident"].required) == (True, True)
    assert found["note"].fact == Words()


def test_what_is_personal_and_what_was_seen_is_declared_on_the_command() -> None:
    assert personal_fields(c.StateFalse) == ("evidence",)
    assert seen_fields(c.Log) == ("written",)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_no_text_of_a_command_is_without_a_limit(kind: type[c.Command]) -> None:
    """But what the desk makes of an address, and what a program or a check says in codes."""
    bare = {each.name for each in fields_of(kind) if each.type is str and each.fact is None}
    assert bare <= {
        "digest", "item", "to", "lane", "adapter", "problem", "why", "seen", "in_force", "field",
        "finding", "on",
    }  # fmt: skip


def test_a_name_is_that_of_its_class() -> None:
    assert name_of(c.StateRefused) == "state_refused"
    assert name_of(c.RepeatOrder) == name_of(c.RecordState) == "reconcile"


def test_the_row_of_a_command_is_its_first() -> None:
    assert of_command(c.RecordContact).of == SITE
