"""What an adapter may have in hand: not all of it, and yet all that is due is carried out."""

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread

import pytest

from incidents.acts.courier import Round
from incidents.acts.port import Delivered, Order, Outcome, Retry
from incidents.machine.orders import ACT
from tests.acts.courier_rig import Told, courier
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.order_rows import hold

PATIENCE_S = 20.0
# Four threads of sixteen attempts in line each, and a quarter of them for one adapter.
SHARE = 16


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    with rehearsal(db_url) as found:
        yield found


def _hold_all(day: Rehearsal, names: list[str]) -> None:
    day.add(*names)
    for name in names:
        hold(day, name)


@pytest.mark.parametrize("outcome", [Delivered(), Retry(problem="http_503")])
def test_whoever_comes_once_tries_all_that_is_due_once(day: Rehearsal, outcome: Outcome) -> None:
    _hold_all(day, [f"site-{n}.example" for n in range(4 * SHARE)])
    act = Told(outcome=outcome)
    once = Round(courier(day, act), once=True)
    once.run()
    once.close()

    assert len(act.got) == len({order.id for order in act.got}) == 4 * SHARE


def test_an_adapter_that_does_not_answer_keeps_no_other_from_its_orders(day: Rehearsal) -> None:
    _hold_all(day, [f"site-{n}.slow.example" for n in range(5 * SHARE)])
    day.later(seconds=1)
    _hold_all(day, [f"site-{n}.quick.example" for n in range(SHARE)])
    answered = Event()

    def wait(_order: Order) -> Outcome:
        answered.wait(PATIENCE_S)
        return Delivered()

    slow, quick = Told("slow", outcome=wait), Told("quick")
    both = replace(
        courier(day, quick), lanes={ACT: lambda order: slow if ".slow." in order.site else quick}
    )
    own = Round(both)
    running = Thread(target=own.run, daemon=True)
    running.start()
    until = time.monotonic() + PATIENCE_S
    while len(quick.got) < SHARE and time.monotonic() < until:
        time.sleep(0.01)
    carried_out = len(quick.got)
    unanswered = not answered.is_set()
    answered.set()
    running.join(PATIENCE_S)
    own.close()

    assert (carried_out, unanswered) == (SHARE, True)
