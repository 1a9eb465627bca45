"""The outcomes: one that cannot be recorded holds up no other, and no daemon."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from incidents.desk import Answer, Envelope
from incidents.enforcement import round as rounds
from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry
from incidents.enforcement.round import Round
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement.dispatcher_rig import (
    StubAdapter,
    carry_out,
    dispatcher,
    in_force,
    to_its_end,
)
from tests.patience import PATIENCE_S, until

SITES = ("a.example", "b.example", "c.example")


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """Three sites that are ordered down."""
    with rehearsal(db_url) as found:
        found.add(*SITES)
        for site in SITES:
            found.give(c.SetHold(by="operator-1", reason="by order"), site)
        yield found


def waiting(day: Rehearsal) -> list[tuple[object, ...]]:
    return day.rows(
        "SELECT sites.name, attempts, problem FROM deliveries JOIN sites ON sites.id = site_id"
        " WHERE lane = 'act' ORDER BY sites.name"
    )


@pytest.fixture
def spoilt(day: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site of which nothing can be decided, as by a row that no act of the desk leaves."""
    submit = day.desk.submit

    def refuse(envelopes: Sequence[Envelope], **how: Any) -> list[Answer]:
        if any(envelope.site == 2 for envelope in envelopes):
            raise KeyError("a number that is not there")
        return submit(envelopes, **how)

    monkeypatch.setattr(day.desk, "submit", refuse)


def test_a_site_of_which_nothing_can_be_recorded_holds_up_no_other(
    day: Rehearsal, spoilt: None, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(day, StubAdapter())

    assert in_force(day) == {
        "a.example": "suspended", "b.example": "active", "c.example": "suspended",
    }  # fmt: skip
    assert waiting(day) == [("b.example", 1, "unrecorded")]
    # Of the order into the world, and of the notice to the customer.
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(line["event"], line["site_id"], line["error"]) for line in said} == {
        ("an outcome cannot be recorded", 2, "KeyError")
    }


def test_it_is_tried_again_later_and_later_and_not_at_each_turn(
    day: Rehearsal, spoilt: None
) -> None:
    act = StubAdapter()
    for _ in range(60):
        carry_out(day, act)
        day.later(seconds=1)

    # After 2, 4, 8 … seconds.
    assert len(act.by_site["b.example"]) == 5
    assert len(act.by_site["a.example"]) == 1


@pytest.mark.parametrize(
    "outcome", [Retry(problem="timeout", after=timedelta(hours=1)), Failed(problem="refused")]
)
@pytest.mark.parametrize("is_held", [True, False])
def test_an_opening_that_has_not_come_about_gives_way_to_a_hold_of_meanwhile(
    day: Rehearsal, outcome: Outcome, is_held: bool
) -> None:
    site = SITES[0]
    carry_out(day, StubAdapter())
    day.give(c.LiftHold(by="operator-1", reason="the court has lifted it"), site)

    def deliver(order: Order) -> Outcome:
        if order.kind != "reopen":
            return Delivered()
        if is_held:
            day.give(c.SetHold(by="operator-1", reason="by order of another court"), site)
        return outcome

    act = StubAdapter(outcome=deliver)
    carry_out(day, act)
    day.later(minutes=1)
    carry_out(day, act)

    assert act.kinds == (["reopen", "suspend"] if is_held else ["reopen"])
    bodies = [str(body) for (body,) in day.rows("SELECT body FROM entries WHERE site_id = 1")]
    gave_way = [body for body in bodies if '"why":"superseded"' in body]
    assert len(gave_way) == is_held
    if is_held:
        assert '"tried":true' in gave_way[0]
        assert in_force(day)[site] == "suspended"
        day.later(hours=2)
        carry_out(day, act)
        assert len(act.got) == 2
    assert day.findings() == []


def hanging_until(go_on: Event) -> Callable[[Order], Outcome]:
    """What is meant for b.example hangs so long."""

    def hang(order: Order) -> Outcome:
        if order.site == "b.example":
            go_on.wait(PATIENCE_S)
        return Delivered()

    return hang


def test_what_hangs_is_given_up_when_its_lease_ends_and_the_others_go_on(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rounds, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(rounds, "ATTEMPT_S", 0.5)
    go_on = Event()
    try:
        carry_out(day, StubAdapter(outcome=hanging_until(go_on)))
    finally:
        go_on.set()

    assert in_force(day)["b.example"] == "active"
    assert in_force(day)["c.example"] == "suspended"
    assert waiting(day) == [("b.example", 1, None)]
    [said] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (said["event"], said["order"]) == ("an attempt outlasts its lease", "2-o2")


def test_an_answer_that_comes_after_all_is_recorded_all_the_same(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(rounds, "ATTEMPT_S", 0.5)
    go_on, came_back = Event(), Event()
    found = Round(dispatcher(day, StubAdapter(outcome=hanging_until(go_on))))
    finished = found._finished.put

    def put(done: Any) -> None:
        finished(done)
        # On a busy machine an attempt may begin too late, and not be made at first.
        if done.claimed.site == "b.example" and done.outcome is not None:
            came_back.set()

    monkeypatch.setattr(found, "_finished", _Put(found._finished, put))
    found.run()
    go_on.set()
    assert came_back.wait(PATIENCE_S)
    # It is collected with what is carried out next.
    day.add("d.example")
    day.give(c.SetHold(by="operator-1", reason="by order"), "d.example")

    def is_recorded() -> bool:
        found.run()
        return in_force(day)["b.example"] == "suspended"

    until(is_recorded, "the late answer is recorded")
    found.close()


class _Put:
    """A queue that tells when something was put into it."""

    def __init__(self, queue: Any, put: Callable[[Any], None]) -> None:
        self._queue, self.put = queue, put

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def test_nothing_is_begun_once_it_is_stopped_and_what_was_not_is_as_if_it_had_not_been_taken(
    day: Rehearsal,
) -> None:
    stopped = Event()

    def last(_order: Order) -> Outcome:
        stopped.set()
        return Delivered()

    act = StubAdapter(outcome=last)
    to_its_end(Round(replace(dispatcher(day, act), workers=1), stopped=stopped.is_set))

    assert len(act.got) == 1
    assert [row[1:] for row in waiting(day)] == [(0, None), (0, None)]


@contextmanager
def suspended(url: str) -> Iterator[Rehearsal]:
    """A site whose clock has just lapsed."""
    with rehearsal(url) as day:
        day.add()
        day.give(c.Log(by="operator-1"))
        day.later(hours=1, seconds=1)
        day.elapse()
        yield day


def test_a_suspension_whose_hours_are_over_is_not_carried_out_before_the_clock_has_come_to_it(
    db_url: str,
) -> None:
    with suspended(db_url) as day:
        day.later(hours=12, seconds=1)
        act = StubAdapter()
        told: list[Answer] = []
        to_its_end(Round(dispatcher(day, act), recorded=told.extend))

        assert act.got == []
        assert in_force(day) == {"a.example": "active"}
        assert waiting(day) == []
        # It was the courier that came first: what it let the clock decide is told like any other.
        kinds = [event.kind for answer in told for event in answer.events]
        assert kinds[:2] == ["suspension_ended", "task_opened"]
        assert kinds.count("order_cancelled") == 2


def test_one_that_was_tried_by_then_is_tried_again_and_followed_by_the_reopening(
    db_url: str,
) -> None:
    with suspended(db_url) as day:
        act = StubAdapter(outcome=Retry(problem="http_503"))
        carry_out(day, act)
        day.later(hours=12, seconds=1)
        act.outcome = Delivered()
        carry_out(day, act)
        day.later(minutes=1)
        carry_out(day, act)

        assert act.kinds[-1] == "reopen"
        assert in_force(day) == {"a.example": "active"}
        assert waiting(day) == []
