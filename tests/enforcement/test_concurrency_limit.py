"""What an adapter may have in hand: not all of it, and yet all that is due is carried out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from threading import Event, Semaphore, Thread, current_thread, main_thread
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents.desk import Envelope
from incidents.enforcement.dispatcher import ConcurrencyLimit, Dispatcher
from incidents.enforcement.port import Delivered, Order, Outcome, Retry
from incidents.enforcement.round import Round
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import leases
from incidents.store.leases import Claimed
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, dispatcher, to_its_end
from tests.enforcement.limit_rig import HANDS, SHARE, WORKERS, Seconds, finish, take
from tests.patience import PATIENCE_S, until

# So long an attempt may wait in line, and a bit.
TOO_LATE_S = 6.0
_DONE = Delivered()


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    with rehearsal(db_url) as found:
        yield found


# What is counted.


def test_an_adapter_that_has_finished_nothing_lately_may_have_a_quarter_of_the_hands(
    hands: ConcurrencyLimit,
) -> None:
    take(hands, "panel", SHARE - 1)
    assert hands.free_for("panel") == 1
    take(hands, "panel", 1)

    assert hands.free_for("panel") == 0
    assert hands.free_for("mail") == SHARE


def test_an_adapter_may_have_as_much_more_as_it_has_finished_in_this_second_and_the_one_before(
    hands: ConcurrencyLimit, seconds: Seconds
) -> None:
    finish(hands, "panel", 5)
    seconds.now += 1
    finish(hands, "panel", 2)
    assert (hands.share("panel"), hands.share("mail")) == (SHARE + 7, SHARE)

    seconds.now += 1
    assert hands.share("panel") == SHARE + 2
    seconds.now += 1
    assert hands.share("panel") == SHARE


def test_what_was_never_attempted_does_not_make_an_adapter_quick(hands: ConcurrencyLimit) -> None:
    finish(hands, "slow", 9, outcome=None)

    assert (hands.share("slow"), hands.total) == (SHARE, 0)


def test_where_much_is_finished_much_is_taken_in_hand_at_once(hands: ConcurrencyLimit) -> None:
    finish(hands, "panel", 10)
    assert hands.free_for("panel") == SHARE + 10

    finish(hands, "panel", HANDS)
    assert hands.free_for("panel") == HANDS
    assert hands.free_for("mail") == SHARE


# What comes of it.


def _hold_all(day: Rehearsal, names: list[str]) -> None:
    day.add(*names)
    held = c.SetHold(by="li", reason="ordered")
    answers = day.desk.submit([Envelope(site=name, command=held) for name in names])
    assert [answer.refusal for answer in answers] == [None] * len(names)


def _beside(day: Rehearsal, slow: StubAdapter, quick: StubAdapter) -> Dispatcher:
    """Each has the sites that are named for it."""
    own = dispatcher(day, quick)
    return replace(own, lanes={ACT: lambda site: slow if ".slow." in site else quick})


def _come_once(own: Dispatcher) -> None:
    to_its_end(Round(own, once=True))


def _waiting(answers: Semaphore, outcome: Outcome = _DONE) -> Callable[[Order], Outcome]:
    """What an adapter does that answers so when it may."""

    def wait(_order: Order) -> Outcome:
        answers.acquire(timeout=PATIENCE_S)
        return outcome

    return wait


@contextmanager
def _at_work(own: Round) -> Iterator[None]:
    """Until its round is over."""
    running = Thread(target=own.run, daemon=True)
    running.start()
    try:
        yield
    finally:
        running.join(PATIENCE_S)
        own.close()
    assert not running.is_alive()


def _leaves(day: Rehearsal, many: int) -> bool:
    """Whether so many orders come to be in nobody's hand, while the others are."""
    query = "SELECT count(*) FROM deliveries WHERE held_by IS NULL AND lane = 'act'"
    return until(lambda: day.rows(query) == [(many,)], f"{many} are in nobody's hand")


def _gets(adapter: StubAdapter, many: int) -> bool:
    """Whether it comes to be given so many orders."""
    until(lambda: len(adapter.got) >= many, f"{many} are given to it")
    return len(adapter.got) == many


@pytest.mark.parametrize("outcome", [Delivered(), Retry(problem="http_503")])
def test_whoever_comes_once_tries_all_that_is_due_once(day: Rehearsal, outcome: Outcome) -> None:
    _hold_all(day, [f"site-{n}.example" for n in range(4 * SHARE)])
    act = StubAdapter(outcome=outcome)
    _come_once(dispatcher(day, act))

    assert len(act.got) == len({order.id for order in act.got}) == 4 * SHARE


def test_whoever_comes_once_tries_also_what_failed_before_and_did_not_fit_at_first(
    day: Rehearsal,
) -> None:
    _hold_all(day, [f"site-{n}.example" for n in range(4 * SHARE)])
    _come_once(dispatcher(day, StubAdapter(outcome=Retry(problem="http_503"))))
    day.later(hours=1)
    answers = Semaphore(0)
    slow = StubAdapter(outcome=_waiting(answers, Retry(problem="http_503")))
    running = Thread(target=_come_once, args=(dispatcher(day, slow),), daemon=True)
    running.start()
    try:
        assert _leaves(day, 3 * SHARE)
    finally:
        answers.release(4 * SHARE)
        running.join(PATIENCE_S)

    assert not running.is_alive()
    assert len(slow.got) == len({order.id for order in slow.got}) == 4 * SHARE
    assert day.rows("SELECT DISTINCT attempts FROM deliveries WHERE lane = 'act'") == [(2,)]


def test_whoever_comes_once_tries_also_what_failed_before_and_had_no_time_left_in_line(
    day: Rehearsal, seconds: Seconds
) -> None:
    _hold_all(day, [f"site-{n}.example" for n in range(SHARE)])
    _come_once(dispatcher(day, StubAdapter(outcome=Retry(problem="http_503"))))
    day.later(hours=1)

    def answer(_order: Order) -> Outcome:
        seconds.now += TOO_LATE_S
        day.later(seconds=TOO_LATE_S)
        return Delivered()

    slow = StubAdapter(outcome=answer)
    _come_once(replace(dispatcher(day, slow), workers=1, seconds=seconds))

    assert len(slow.got) == len({order.id for order in slow.got}) == SHARE


def test_an_adapter_that_does_not_answer_keeps_no_other_from_its_orders(day: Rehearsal) -> None:
    _hold_all(day, [f"site-{n}.slow.example" for n in range(5 * SHARE)])
    day.later(seconds=1)
    _hold_all(day, [f"site-{n}.quick.example" for n in range(SHARE)])
    answered = Event()

    def wait(_order: Order) -> Outcome:
        answered.wait(PATIENCE_S)
        return Delivered()

    slow, quick = StubAdapter("slow", outcome=wait), StubAdapter("quick")
    with _at_work(Round(_beside(day, slow, quick))):
        carried_out = _gets(quick, SHARE)
        unanswered = not answered.is_set()
        answered.set()

    assert (carried_out, unanswered) == (True, True)


def test_an_adapter_that_answers_too_late_for_what_waits_in_line_keeps_no_other_from_its_orders(
    day: Rehearsal, seconds: Seconds
) -> None:
    _hold_all(day, [f"site-{n}.slow.example" for n in range(6 * SHARE)])
    answers, stopped = Semaphore(0), Event()

    slow, quick = StubAdapter("slow", outcome=_waiting(answers)), StubAdapter("quick")
    own = replace(_beside(day, slow, quick), seconds=seconds)
    with _at_work(Round(own, stopped=stopped.is_set)):
        for answered in range(WORKERS, 5 * WORKERS, WORKERS):
            assert _gets(slow, answered)
            seconds.now += TOO_LATE_S
            day.later(seconds=TOO_LATE_S)
            answers.release(WORKERS)
        _hold_all(day, [f"site-{n}.quick.example" for n in range(SHARE)])
        carried_out = _gets(quick, SHARE)
        stopped.set()
        answers.release(6 * SHARE)

    assert carried_out


def test_of_one_slow_adapter_orders_are_not_taken_in_hand_and_let_go_again_and_again(
    day: Rehearsal, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five seconds, told by the round itself: each time that it looks, a tenth is over."""
    _hold_all(day, [f"site-{n}.example" for n in range(200)])
    answers, let_go, ticks = Semaphore(0), [], count(1)

    def is_over() -> bool:
        if current_thread() is not main_thread():
            return False
        tick = next(ticks)
        seconds.now += 0.1
        day.later(seconds=0.1)
        if tick % 5 == 0:
            answers.release(WORKERS)
        return tick > 50

    def put_off(connection: Connection, claimed: Claimed, *args: Any, **own: Any) -> bool:
        let_go.append(claimed.site)
        return as_ever(connection, claimed, *args, **own)

    as_ever = leases.postpone
    monkeypatch.setattr(leases, "postpone", put_off)
    act = StubAdapter(outcome=_waiting(answers))
    to_its_end(Round(replace(dispatcher(day, act), seconds=seconds), stopped=is_over))

    assert len(act.got) >= 5 / 0.5 * WORKERS
    assert len(let_go) < 5 * len(act.got)
