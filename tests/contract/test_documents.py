"""The documents: an item is told to programs with the commands that fit it."""

from __future__ import annotations

import json
from typing import Any, cast

from incidents.contract.documents import required
from incidents.contract.documents.queue import QueueItem
from incidents.contract.documents.sites import Incident
from incidents.contract.hints import do, typed, with_commands
from incidents.machine import commands as c

HINT = do(c.CompleteTask, "1-t1", outcome="told")
_UNKNOWN: dict[str, Any] = dict.fromkeys(required(QueueItem))
ITEM = cast("QueueItem", _UNKNOWN | {"id": "1-t1", "about": ["1-1"], "hints": [HINT]})


def test_an_item_is_told_with_the_commands_that_fit_it_the_likeliest_as_the_next() -> None:
    told = json.loads(json.dumps(with_commands(ITEM)))
    assert (told["next"], told["commands"]) == (typed(HINT), [typed(HINT)])
    assert told["hints"] == [{"act": "complete_task", "of": "1-t1", "facts": {"outcome": "told"}}]


def test_what_may_be_left_out_of_a_document_is_not_required() -> None:
    assert {"notes", "urls_written"}.isdisjoint(required(Incident))
    assert {"id", "contacts", "note"} <= required(Incident)
    assert required(QueueItem) == set(QueueItem.__annotations__)
