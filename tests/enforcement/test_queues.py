"""The queues: sorted by adapter, the most urgent first, and nothing is lost that has no room."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from incidents.enforcement import adapter_queue, queues
from incidents.enforcement.adapter_queue import Queue
from incidents.enforcement.dispatcher import ConcurrencyLimit
from incidents.enforcement.queues import Queues
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import due_orders
from incidents.store.database.engine import reading, writing
from incidents.store.due_orders import Due, Place
from incidents.store.schema.log_tables import deliveries
from tests.desk.rehearsal import Rehearsal
from tests.enforcement.limit_rig import SHARE, take
from tests.store.order_rows import claim, claim_these, delivered, hold, unhold

_NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def _due(site: int, kind: str = "suspend", *, attempts: int = 0, held: bool = False) -> Due:
    """The due order of a site; of a later site it is due later."""
    next_at = _NOW + timedelta(seconds=site)
    return Due(site, f"s{site}.example", 2, ACT, kind, next_at, attempts, held)


def _queue(*found: Due) -> Queue:
    queue = Queue()
    for each in found:
        queue.offer(each)
    return queue


def _sites(found: list[Due]) -> list[int]:
    return [each.site_id for each in found]


# One queue.


def test_a_hold_is_first_then_what_takes_a_site_down_then_what_opens_one() -> None:
    queue = _queue(
        _due(1, "reopen"), _due(2), _due(3, "notify"), _due(4, "close"), _due(5, held=True),
        _due(6), _due(7, held=True),
    )  # fmt: skip

    found = [queue.is_urgent, _sites(queue.take(9)), queue.is_urgent]
    assert found == [True, [5, 7, 2, 4, 6, 1, 3], False]


def test_a_site_that_fails_again_and_again_does_not_keep_a_new_order_of_another_waiting() -> None:
    queue = _queue(_due(1, attempts=3), _due(2, attempts=1), _due(3), _due(4, "reopen"))

    assert _sites(queue.take(9)) == [3, 2, 4, 1]


def test_a_hold_that_failed_comes_before_any_other_order() -> None:
    assert _sites(_queue(_due(1), _due(2, attempts=9, held=True)).take(9)) == [2, 1]


def test_of_a_site_only_the_latest_that_was_read_waits() -> None:
    read_again = _due(1)._replace(next_at=_NOW + timedelta(hours=1), attempts=1)
    queue = _queue(_due(1), _due(2), read_again)

    assert queue.take(9) == [_due(2), read_again]


def test_what_has_no_room_is_missed_and_it_is_the_least_urgent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapter_queue, "LENGTH", 2)
    queue = _queue(_due(1), _due(2))
    before = queue.missed
    for each in (_due(3), _due(4), _due(5, held=True)):
        queue.offer(each)

    assert (before, queue.missed) == (None, _due(2).place)
    assert _sites(queue.take(9)) == [5, 1]


# What is read into them.


class Reader:
    """Queues that are filled from the database, with a panel for most sites and one dead one.

    `passed_s`: the seconds that have passed; each reading takes a millisecond.
    """

    def __init__(self, day: Rehearsal, limit: ConcurrencyLimit) -> None:
        self.day, self.limit = day, limit
        self.passed_s = 0.0
        self.queues = Queues(
            lambda due: "dead" if ".dead." in due.site else "panel", seconds=self.seconds
        )

    def seconds(self) -> float:
        self.passed_s += 0.0005
        return self.passed_s

    def look(self) -> bool:
        with reading(self.day.engine) as connection:
            return self.queues.look(connection, {ACT: self.day.now})

    def look_at_all(self) -> None:
        while self.look():
            pass

    def take(self) -> list[str]:
        return [each.site for each in self.queues.take(self.limit)]

    def carry_out(self) -> list[str]:
        """Take in hand what can be taken, again and again, and nothing comes of it yet."""
        found = list[str]()
        self.look_at_all()
        while taken := self.queues.take(self.limit):
            claimed = claim_these(self.day, taken)
            assert len(claimed) == len(taken)
            found += [each.site for each in claimed]
            self.look_at_all()
        return found


@pytest.fixture
def reader(day: Rehearsal, hands: ConcurrencyLimit, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A page has four orders, and a queue as many; after a pass over all, the next one is far."""
    monkeypatch.setattr(queues, "_REST", 1e6)
    monkeypatch.setattr(adapter_queue, "LENGTH", 4)
    monkeypatch.setattr(queues, "PAGE", 4)
    return Reader(day, hands)


def _hold_all(day: Rehearsal, names: list[str]) -> list[str]:
    day.add(*names)
    for name in names:
        hold(day, name)
    return names


def test_very_many_orders_of_a_busy_adapter_are_passed_by(reader: Reader) -> None:
    _hold_all(reader.day, [f"s{n}.dead.example" for n in range(20)])
    take(reader.limit, "dead", SHARE)
    reader.day.later(seconds=1)
    _hold_all(reader.day, ["a.panel.example"])
    reader.look_at_all()

    assert reader.take() == ["a.panel.example"]
    assert reader.take() == []


def test_a_new_order_is_found_at_the_first_look_whatever_waits_before_it(
    reader: Reader,
) -> None:
    _hold_all(reader.day, [f"s{n}.dead.example" for n in range(40)])
    reader.day.later(hours=1)
    _hold_all(reader.day, ["a.panel.example"])
    assert reader.look()

    assert "a.panel.example" in reader.take()


def test_what_had_no_room_is_read_as_soon_as_there_is_room(reader: Reader) -> None:
    names = _hold_all(reader.day, [f"s{n:02}.example" for n in range(18)])
    reader.day.later(hours=1)
    assert reader.carry_out() == names


def test_what_had_no_room_among_very_many_others_is_read_too(reader: Reader) -> None:
    names = [f"s{n:02}.{of}.example" for n in range(20) for of in ("dead", "panel")]
    # And nine of each in a row, which is more than a page.
    names += [
        f"{a}{n}.{of}.example"
        for a, of in (("t", "dead"), ("u", "panel"), ("v", "dead"), ("w", "panel"))
        for n in range(9)
    ]
    _hold_all(reader.day, names)
    reader.day.later(hours=1)
    take(reader.limit, "dead", SHARE)

    assert reader.carry_out() == [name for name in names if ".panel." in name]


@pytest.mark.parametrize(("by_s", "after_s"), [(1, 0.5), (3600, 1e6)])
def test_what_comes_to_be_seen_late_is_found(reader: Reader, by_s: int, after_s: float) -> None:
    """A transaction that began before others may end after them; or a clock was wrong."""
    _hold_all(reader.day, [f"s{n}.dead.example" for n in range(40)])
    reader.look_at_all()
    _hold_all(reader.day, ["a.panel.example"])
    reader.passed_s += after_s
    late = reader.day.now - timedelta(seconds=by_s)
    with writing(reader.day.engine) as connection:
        own = update(deliveries).where(deliveries.c.site_id == 42)
        connection.execute(own.values(next_at=late))
    reader.look_at_all()

    assert "a.panel.example" in reader.take()


def test_after_a_pass_however_long_what_came_to_be_seen_late_is_found(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = due_orders.page

    def slow(*given: Any, start: Place, **named: Any) -> list[Due]:
        if start[0] < reader.day.now - timedelta(minutes=1):
            reader.passed_s += 10
        return page(*given, start=start, **named)

    _hold_all(reader.day, [f"s{n}.dead.example" for n in range(40)])
    reader.day.later(hours=1)
    monkeypatch.setattr(due_orders, "page", slow)
    reader.look_at_all()
    monkeypatch.setattr(due_orders, "page", page)
    _hold_all(reader.day, ["b.dead.example"])
    reader.look_at_all()
    _hold_all(reader.day, ["a.panel.example"])
    with writing(reader.day.engine) as connection:
        own = update(deliveries).where(deliveries.c.site_id == 43)
        connection.execute(own.values(next_at=reader.day.now - timedelta(seconds=1)))
    reader.passed_s += 0.5
    reader.look_at_all()

    assert "a.panel.example" in reader.take()


def test_the_order_behind_one_that_was_settled_elsewhere_is_found(reader: Reader) -> None:
    hold(reader.day)
    unhold(reader.day)
    reader.day.later(hours=1)
    (first,) = claim(reader.day, "d2")
    reader.look_at_all()
    assert reader.take() == []
    reader.day.give(delivered(first.seq))
    reader.passed_s += 20
    reader.look_at_all()

    assert reader.take() == ["a.example"]


def test_an_order_that_could_not_be_claimed_is_looked_at_again(reader: Reader) -> None:
    _hold_all(reader.day, ["b.example"])
    reader.look_at_all()
    taken = reader.queues.take(reader.limit)
    reader.day.later(hours=1)
    _hold_all(reader.day, ["z.example"])
    reader.passed_s += 1
    reader.look_at_all()
    reader.take()
    reader.look_at_all()
    assert "b.example" not in reader.take()

    reader.queues.look_again((ACT, each.site_id) for each in taken)
    reader.look_at_all()
    assert "b.example" in reader.take()
    assert len(claim_these(reader.day, taken)) == 1


def test_a_few_more_attempts_are_worth_no_transaction_unless_they_are_all_or_urgent(
    reader: Reader,
) -> None:
    day = reader.day
    for n in range(4):
        day.add(f"s{n}.example")
        assert day.give(c.Log(by="li"), f"s{n}.example").refusal is None
    day.later(hours=1, seconds=1)
    day.elapse()
    take(reader.limit, "panel", SHARE - 3)
    reader.look_at_all()
    assert reader.take() == []

    hold(day, "a.example")
    reader.passed_s += 1
    reader.look_at_all()
    assert reader.take() == ["a.example", "s0.example", "s1.example"]
    # The queue had no room for the fifth.
    assert reader.take() == ["s2.example"]


def test_holds_that_come_one_by_one_are_taken_together(reader: Reader) -> None:
    """A transaction for each would make the delivery of many holds slower."""
    take(reader.limit, "panel", SHARE - 1)
    _hold_all(reader.day, ["a.example"])
    reader.look_at_all()
    first = reader.queues.take(reader.limit)
    claim_these(reader.day, first)
    _hold_all(reader.day, ["b.example", "c.example"])
    reader.look_at_all()
    at_once = reader.take()
    reader.passed_s += 0.1

    assert (_sites(first), at_once, reader.take()) == ([1], [], ["b.example"])


def test_two_dispatchers_take_different_orders_of_those_that_fell_due_together() -> None:
    found = [_due(site)._replace(next_at=_NOW) for site in range(16)]
    one, two = Queue(0), Queue(8)
    for each in found:
        one.offer(each)
        two.offer(each)

    assert set(_sites(one.take(8))) & set(_sites(two.take(8))) == set()


def test_what_others_have_claimed_meanwhile_is_dropped(reader: Reader) -> None:
    _hold_all(reader.day, ["a.example", "b.example"])
    reader.look_at_all()
    taken = reader.queues.take(reader.limit)
    for each in taken:
        reader.queues.look_again([(ACT, each.site_id)])
    reader.look_at_all()
    claim_these(reader.day, taken[:1], "two")
    reader.queues.refresh()
    reader.look_at_all()

    assert reader.take() == [taken[1].site]
