"""A slice of the history decides what the whole history decides; replayed, the entries give it."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.commands import Command
from incidents.machine.decide import decide
from incidents.machine.policy import Policy
from incidents.machine.work import items
from incidents.record.entry import decode
from incidents.store.cases import cases, incident_parts, site_row, sites, slices
from incidents.store.database.engine import writing
from tests import whole_cases
from tests.databases import Databases
from tests.desk.rehearsal import Order, Rehearsal, random_command, rehearsal
from tests.store.order_rows import slice_for

POLICIES = (
    "",
    "[repeat]\ncount = 2\nwithin = '10h'\n",
    "[repeat]\ncount = 9\n[unreachable_run]\nrun = 'total'\n",
    "[repeat]\ncount = 50\n[unreachable_run]\ncount = 4\n",
    "[repeat]\ncount = 8\n[unreachable]\nmin_attempts = 1\n[refusal]\nremoval_within = '20h'\n",
)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 5))]
)
def test_a_slice_decides_what_the_whole_history_decides(databases: Databases, seed: int) -> None:
    draw = Random(seed)
    with databases.at_head() as url, rehearsal(url) as day:
        day.add()
        if text := POLICIES[seed % len(POLICIES)]:
            day.desk.activate(text, by="li", login=None, reason="a try")
        policy = day.desk.policy()
        for _ in range(60):
            day.later(minutes=draw.choice((0, 1, 20, 61, 400, 800)))
            batch = _random_batch(draw, day)
            _decide_both(day, batch, policy)
            day.desk.submit([Envelope(site=1, command=command) for command in batch])
            if draw.random() < 0.3:
                day.elapse()
        assert _replayed(day) == _stored(day)


def test_an_incident_that_several_questions_find_is_read_once(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rehearsal(sqlite_url) as day:
        day.add()
        for _ in range(2):
            day.give(c.Log(by="li"))
            day.later(minutes=1)
        found: list[object] = []
        read = incident_parts.read

        def note(*columns: Any) -> dict[str, Any]:
            found.append(columns)
            return read(*columns)

        monkeypatch.setattr(incident_parts, "read", note)
        day.give(c.Log(by="li"))

    assert len(found) == 2


def _random_batch(draw: Random, day: Rehearsal) -> list[Command]:
    ((known,),) = day.rows("SELECT last_incident FROM sites")
    assert isinstance(known, int)
    outside = day.outside()
    return [
        random_command(draw, day.now, known, outside) for _ in range(draw.choice((1, 1, 1, 2, 5)))
    ]


def _decide_both(day: Rehearsal, batch: list[Command], policy: Policy) -> None:
    with writing(day.engine) as connection:
        rows = sites.lock(connection, [1])
        needs = {1: slices.need(batch, day.now)}
        part = cases.load(connection, rows, needs, policy)[1]
        whole = whole_cases.whole(connection, [1])[1]
    for command in batch:
        of_part = decide(part, command, policy, day.now)
        of_whole = decide(whole, command, policy, day.now)
        assert of_part.events == of_whole.events, command
        assert of_part.refusal == of_whole.refusal
        assert of_part.remarks == of_whole.remarks
        part, whole = of_part.case, of_whole.case
        assert site_row.to_row(part) == site_row.to_row(whole)
        assert items(part) == items(whole)
        assert part.deliveries.items() <= whole.deliveries.items()


def _replayed(day: Rehearsal) -> Case:
    """The case that the entries give, without the orders that cancelled out before they were
    written: those of a suspension that was lifted in its own transaction."""
    case = Case(site_id=1, site="a.example")
    for (body,) in day.rows("SELECT body FROM entries WHERE site_id = 1 ORDER BY site_seq"):
        assert isinstance(body, str)
        apply(case, decode(body)[1])
    written = {seq for (seq,) in day.rows("SELECT site_seq FROM orders WHERE site_id = 1")}
    never = [order for order in case.deliveries if order[0] not in written]
    assert {case.deliveries[order].kind for order in never} <= {"suspend", "reopen"}
    for order in never:
        del case.deliveries[order]
    return case


def _stored(day: Rehearsal) -> Case:
    with writing(day.engine) as connection:
        return whole_cases.whole(connection, [1])[1]


def test_what_an_order_needs_is_that_order_alone_and_to_decide_about_it_those_in_the_world(
    databases: Databases,
) -> None:
    with databases.at_head() as url, rehearsal(url) as day:
        day.add()
        for _ in range(3):
            day.give(c.Log(by="li", again=True))
            day.later(hours=13)
        day.elapse()
        first = day.orders()[0]
        assert first == (2, "notice")
        acts = {order for order in day.orders() if order[1] == "act"}
        assert len(acts) == 3
        assert _unsettled(day, c.Log(by="li")) == set()
        delivered = c.RecordDelivery(
            order=2, lane="notice", adapter="mail", attempts=1, enforced=False
        )  # fmt: skip
        assert _unsettled(day, delivered) == {first}
        # What is braked waits in both lanes.
        for lane, named in (("notice", {first}), ("act", {first})):
            cancelling = c.CancelOrder(by="li", order=2, lane=lane, why="by_hand")
            assert _unsettled(day, cancelling) == acts | named
            assert _unsettled(day, c.RetryOrder(by="li", order=2, lane=lane)) == acts | named
        failed = c.RecordFailure(order=1, lane="act", adapter="a", attempts=1, problem="fault")
        assert _unsettled(day, failed) == set()


def _unsettled(day: Rehearsal, command: Command) -> set[Order]:
    """The orders in the slice that the command is decided on."""
    return set(slice_for(day, command).deliveries)


def test_what_a_command_needs_does_not_grow_with_the_history(databases: Databases) -> None:
    """A year of incidents that were all dealt with: the slice for one more is a handful."""
    with databases.at_head() as url, rehearsal(url) as day:
        day.add()
        draw = Random(7)
        for _ in range(120):
            day.later(hours=30)
            logged = day.give(c.Log(by="li"))
            assert logged.refusal is None
            n = int(logged.incident_document["id"].partition("-")[2])
            day.later(minutes=draw.randrange(50))
            day.give(c.RecordContact(by="li", incident=n, outcome="reached"))
            day.give(c.StateRemoved(by="li", incident=n))
        late = c.RecordContact(
            by="li", incident=3, outcome="reached", at=day.now - timedelta(days=1)
        )
        for command in (c.Log(by="li"), late, c.VoidIncident(by="li", incident=2, reason="slip")):
            assert len(slice_for(day, command).incidents) <= 6
