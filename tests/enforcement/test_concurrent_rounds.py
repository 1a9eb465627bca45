"""Two dispatchers at once: what one is about to cancel, the other does not take in hand."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from incidents.desk import Answer, Desk, Envelope
from incidents.enforcement.round import Round
from incidents.machine import commands as c
from incidents.store.leases import Claimed
from tests.desk.rehearsal import Rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, dispatcher, to_its_end
from tests.store.order_rows import claim, hold, unhold


class Before:
    """A desk, and something that happens before each of the courier's words comes to it."""

    def __init__(self, desk: Desk, happens: Callable[[], object]) -> None:
        self._desk, self._happens = desk, happens

    def submit(self, envelopes: Sequence[Envelope]) -> list[Answer]:
        self._happens()
        return self._desk.submit(envelopes)


def test_what_is_being_cancelled_since_it_was_lifted_is_in_nobody_elses_hand(
    day: Rehearsal,
) -> None:
    hold(day)
    unhold(day)
    taken: list[Claimed] = []
    act = StubAdapter()
    between = cast(Desk, Before(day.desk, lambda: taken.extend(claim(day, "two"))))
    to_its_end(Round(replace(dispatcher(day, act), desk=between)))

    assert [each for each in taken if each.lane == "act"] == []
    assert act.got == []
    bodies = day.rows("SELECT body FROM entries WHERE site_id > 0 ORDER BY id")
    entries = [json.loads(str(body)) for (body,) in bodies]
    cancelled = [e["data"] for e in entries if e["kind"] == "order_cancelled"]
    assert [(data["order"], data.get("tried", False)) for data in cancelled] == [
        ("1-o2", False), ("1-o3", False),
    ]  # fmt: skip


def test_what_somebody_else_has_settled_meanwhile_stands(day: Rehearsal) -> None:
    hold(day)
    unhold(day)
    act = StubAdapter()
    done: list[Answer] = []

    def meanwhile() -> None:
        """Somebody who was stopped for a while had the suspension carried out, and says so."""
        if not done:
            command = c.RecordDelivery(
                order=2, lane="act", adapter="told", attempts=1, enforced=True
            )
            done.append(day.give(command))

    between = cast(Desk, Before(day.desk, meanwhile))
    to_its_end(Round(replace(dispatcher(day, act), desk=between)))

    assert act.kinds == ["reopen"]
    [(state, in_force)] = day.rows("SELECT state, in_force FROM sites")
    assert (state, in_force) == ("active", "active")
