"""The documents: told to programs and read back they are the same."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from incidents.contract import documents
from incidents.contract.documents import Closing, Item
from incidents.contract.hints import do, typed
from incidents.machine import commands as c

HINT = do(c.CompleteTask, "1-t1", outcome="told")
_UNKNOWN: dict[str, Any] = dict.fromkeys(each.name for each in fields(Item))
ITEM = Item(
    **_UNKNOWN
    | {
        "id": "1-t1", "about": ["1-1"], "hints": [HINT],
        "closing": Closing(by="li", rule="refusal", incident="1-1", field=None),
    }
)  # fmt: skip


def test_an_item_is_told_with_the_commands_that_fit_it_the_likeliest_as_the_next() -> None:
    told = documents.told(ITEM)
    assert (told["next"], told["commands"]) == (typed(HINT), [typed(HINT)])
    assert told["hints"] == [{"act": "complete_task", "of": "1-t1", "facts": {"outcome": "told"}}]


def test_an_item_of_which_a_server_has_told_is_the_same_item() -> None:
    told = json.loads(json.dumps(documents.told(ITEM)))
    assert documents.read(Item, told | {"newer": 1}) == ITEM
    assert documents.read(Item, told | {"closing": None}) == replace(ITEM, closing=None)


def test_what_an_older_server_does_not_tell_is_missed_by_its_name() -> None:
    told = documents.told(ITEM)
    del told["hints"]
    with pytest.raises(KeyError, match="hints"):
        documents.read(Item, told)
