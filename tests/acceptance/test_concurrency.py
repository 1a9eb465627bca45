"""Two operators and three daemons act on one site at one moment: some order explains the result."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from incidents.audit.replay import Replay
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.orders import ACT
from incidents.machine.policy import Policy
from incidents.record.entry import decode
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import orders
from tests import whole_cases
from tests.acceptance.daemons import (
    Timeline,
    daemon,
    engine_of,
    environment,
    incidents,
)
from tests.nursery import nursery_for
from tests.patience import until

SITE = "busy.example"
OWN = {"INCIDENTS_CLOCK": "own"}
MUCH = 60
# Without these, nothing was put to the test.
WANTED = {
    "site_suspended": 2, "suspension_ended": 1, "site_closed": 1, "site_reinstated": 1,
    "order_delivered": 1,
}  # fmt: skip
STEPS = [timedelta(minutes=5)] * 6 + [timedelta(minutes=61)] * 2 + [timedelta(hours=13)]


@pytest.mark.both_databases(long="sqlite")
def test_two_operators_and_three_daemons_on_one_site_are_explained_by_some_order(
    db_url: str, tmp_path: Path
) -> None:
    timeline = Timeline(tmp_path)
    env = timeline.environment | OWN
    incidents(db_url, "site", "add", SITE, env=env)
    incidents(db_url, "log", SITE, env=env)
    with engine_of(db_url) as engine:
        with ExitStack() as all_of_them:
            for _ in range(3):
                all_of_them.enter_context(daemon(db_url, tmp_path, env=env))
            operators = [Operator(db_url, n, env) for n in (1, 2)]
            until(
                partial(much_is_done, engine, timeline, random.Random(1), operators), "much is done"
            )
            done = sum((operator.results() for operator in operators), Counter[str]())

        with engine.connect() as connection:
            told = list(story(connection))
            [tables] = whole_cases.whole(connection, [1]).values()
            ordered = set(connection.scalars(select(orders.c.site_seq)))
            assert list(Replay(connection).findings()) == []

    assert_some_order_explains(told, ordered)
    assert only_ordered(replayed(told), ordered) == without_attempts(tables)
    # No act is lost, and none is done twice.
    kinds = Counter(event.kind for event in told)
    assert_carried_out_in_order(told)
    assert kinds["incident_logged"] == 1 + done["Log"]
    assert kinds["incident_voided"] == done["VoidIncident"]
    assert kinds["incident_removed"] == done["StateRemoved"]
    assert kinds["site_reinstated"] == done["Approve"]
    assert kinds["hold_set"] == done["SetHold"]


def much_is_done(
    engine: Engine,
    timeline: Timeline,
    chance: random.Random,
    operators: list[Operator],
) -> bool:
    """Lets time go on until then."""
    if chance.random() < 0.5:
        timeline.move(chance.choice(STEPS))
    assert all(operator.process.poll() is None for operator in operators)
    if chance.random() < 0.9:
        return False
    with engine.connect() as connection:
        kinds = Counter(event.kind for event in story(connection))
    return kinds.total() >= MUCH and kinds & Counter(WANTED) == Counter(WANTED)


class Operator:
    """One at work, until its results are asked for."""

    def __init__(self, url: str, n: int, env: dict[str, str]) -> None:
        reading, self._ends_it = os.pipe()
        self._told = os.memfd_create("told")
        variables = environment(url, env)
        self.process = nursery_for(variables).begin(
            [SITE, str(n)], module="tests.acceptance.operators", env=variables,
            streams=(reading, self._told, 2),
        )  # fmt: skip
        os.close(reading)

    def results(self) -> Counter[str]:
        """How many acts of each kind took effect."""
        os.close(self._ends_it)
        assert self.process.wait() == 0
        with os.fdopen(self._told, "rb") as told:
            told.seek(0)
            return Counter(json.load(told))


def story(connection: Connection) -> Iterator[e.Event]:
    """The site's events, whose numbers have no gap."""
    bodies = connection.scalars(
        select(entries.c.body).where(entries.c.site_id == 1).order_by(entries.c.site_seq)
    )
    for seq, body in enumerate(bodies, start=1):
        header, event = decode(body)
        assert header.site_seq == seq
        yield event


def replayed(events: list[e.Event]) -> Case:
    case = Case(site_id=1, site=SITE)
    for event in events:
        apply(case, event)
    return case


def only_ordered(case: Case, ordered: set[int]) -> Case:
    """What was suspended and lifted in one transaction was never ordered; `Replay` checks it."""
    case.deliveries = {key: each for key, each in case.deliveries.items() if key[0] in ordered}
    return case


def without_attempts(case: Case) -> Case:
    """What is known of orders that wait, but for who has just tried them: no act, and no entry."""
    case.deliveries = {
        key: replace(each, attempts=0, lease_until=None) for key, each in case.deliveries.items()
    }
    return case


def assert_some_order_explains(told: list[e.Event], ordered: set[int]) -> None:
    """Taken one after the other, the acts on record decide exactly what is on record."""
    case, policy = Case(site_id=1, site=SITE), Policy()
    assert [event.recorded_at for event in told] == sorted(event.recorded_at for event in told)
    while told:
        command, now = next_act(told), told[0].recorded_at
        # What a hold does about an order depends on who has it in hand, of which there is no entry.
        cases = tried(case, ordered, now) if isinstance(command, c.SetHold) else [case]
        decisions = [decide(each, command, policy, now) for each in cases]
        explain = [each for each in decisions if list(each.events) == told[: len(each.events)]]
        # The longest: an act goes as far as its entries do.
        decision = max(explain, key=lambda each: len(each.events), default=decisions[0])
        assert decision.refusal is None
        assert list(decision.events) == told[: len(decision.events)], command
        assert decision.events, command
        case, told = without_attempts(decision.case), told[len(decision.events) :]


def tried(case: Case, ordered: set[int], now: datetime) -> Iterator[Case]:
    """The case as it may have been for all that the entries tell: of the orders into the world the
    first that waits was not tried, or it was, or somebody has it in hand."""
    case = only_ordered(deepcopy(case), ordered)
    yield case
    waiting = [each for each in case.deliveries.values() if each.lane == ACT and not each.dead]
    if waiting:
        first = min(waiting, key=lambda each: each.order)
        for in_hand in (None, now + timedelta(seconds=1)):
            maybe = deepcopy(case)
            maybe.deliveries[first.order, ACT] = replace(first, attempts=1, lease_until=in_hand)
            yield maybe


def assert_carried_out_in_order(told: list[e.Event]) -> None:
    """In the world each order is settled once, and after those that were given before it; what a
    hold puts away waits for none of them."""
    settled = [
        event
        for event in told
        if isinstance(event, e.OrderDelivered | e.OrderCancelled) and event.lane == ACT
    ]
    holds = {(event.by, event.recorded_at) for event in told if isinstance(event, e.HoldSet)}
    in_turn = [each.order for each in settled if (each.by, each.recorded_at) not in holds]
    assert in_turn == sorted(in_turn)
    assert len({each.order for each in settled}) == len(settled)
    assert any(isinstance(event, e.OrderDelivered) for event in told)


def next_act(told: list[e.Event]) -> c.Command:
    """The act that comes first: what was due at its time stands before it."""
    due = list(takewhile(lambda event: event.by == c.CLOCK, told))
    act = told[len(due)] if len(due) < len(told) else None
    if act is None or act.recorded_at != told[0].recorded_at:
        return c.Elapse()
    # What a reinstatement makes needless is put away before it.
    return command_of(next(event for event in told if _is_act(event)))


def _is_act(event: e.Event) -> bool:
    return event.by != c.CLOCK and not isinstance(event, e.TaskCompleted)


def command_of(event: e.Event) -> c.Command:
    """The act that `event` is the first sign of."""
    if isinstance(event, e.ContactRecorded):
        incident = None if event.whole_site else event.incident
        return c.RecordContact(by=event.by, incident=incident, outcome=event.outcome)
    act, *given = ACTS[type(event)]
    command: c.Command = act(by=event.by, **{field: getattr(event, of) for field, of in given})
    return command


ACTS: dict[type[e.Event], tuple[Any, ...]] = {
    e.SiteAdded: (c.AddSite,),
    e.IncidentLogged: (c.Log, ("urls", "urls")),
    e.IncidentRemoved: (c.StateRemoved, ("incident", "incident")),
    e.IncidentVoided: (c.VoidIncident, ("incident", "incident"), ("reason", "text")),
    e.HoldSet: (c.SetHold, ("reason", "text")),
    e.HoldLifted: (c.LiftHold, ("reason", "text")),
    e.ReinstatementAsked: (c.AskReinstatement, ("reason", "text")),
    e.SiteReinstated: (c.Approve,),
    e.OrderDelivered: (
        c.RecordDelivery, ("order", "order"), ("lane", "lane"), ("adapter", "adapter"),
        ("attempts", "attempts"), ("enforced", "enforced"),
    ),
    # Where the clock goes on for days while nobody gets to run.
    e.OrderFailed: (
        c.RecordFailure, ("order", "order"), ("lane", "lane"), ("adapter", "adapter"),
        ("attempts", "attempts"), ("problem", "problem"),
    ),
    e.OrderCancelled: (
        c.CancelOrder, ("order", "order"), ("lane", "lane"), ("why", "why"), ("tried", "tried"),
    ),
}  # fmt: skip
