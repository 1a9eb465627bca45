"""The target: an id becomes the fields of a command, and these become the id again."""

from __future__ import annotations

from dataclasses import fields

import pytest

from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.target import CONTACT, INCIDENT, ITEM, KINDS, ORDER, SITE
from incidents.errors import RefusedError
from incidents.machine import commands as c

IDS: dict[str, dict[str, target.Target]] = {
    SITE: {"shop.example": ("shop.example",)},
    INCIDENT: {"12-3": (12, 3)},
    CONTACT: {"12-3-1": (12, 3, 1)},
    ITEM: {"12-t2": (12, "t2")},
    ORDER: {"12-o45": (12, 45, "act"), "12-o45.notice": (12, 45, "notice")},
}
TARGETS = [
    (action, given) for action in ACTIONS if action.path is not None for given in IDS[action.of]
]


def test_each_kind_has_its_folder_and_can_be_read() -> None:
    assert set(KINDS) == set(target.FOLDERS) == set(IDS)
    assert {kind: {given: target.read(kind, given) for given in IDS[kind]} for kind in KINDS} == IDS


@pytest.mark.parametrize(("action", "given"), TARGETS)
def test_an_id_goes_into_the_command_and_comes_back(action: Action, given: str) -> None:
    of = target.read(action.of, given)
    named = target.fields(action.command, of)
    asked = {each.name: "x" for each in fields(action.command) if each.name not in named}
    command = action.command(**asked | named)
    assert target.of_command(command, of[0]) == of
    assert target.text(action.of, of) == given


def test_a_call_about_a_whole_site_names_no_incident() -> None:
    assert target.fields(c.RecordContact, ("shop.example",)) == {"incident": None}
    assert target.fields(c.RecordContact, (12, 3)) == {"incident": 3}


def test_a_task_has_a_number_and_another_item_is_none() -> None:
    assert target.fields(c.CompleteTask, (12, "t2")) == {"task": 2}
    assert target.fields(c.ClaimItem, (12, "t2")) == {"item": "t2"}
    found = [target.is_task(target.read(ITEM, f"12-{rest}")) for rest in ("t2", "3", "closure")]
    assert found == [True, False, False]


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError):
        target.read(ORDER, "12-3")
