"""The order of delivery: the urgent first, and no adapter and no site behind another's orders."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread

import pytest

from incidents.desk import Envelope
from incidents.enforcement import queues
from incidents.enforcement.adapter_queue import HOLD
from incidents.enforcement.attempts import WorkerPool
from incidents.enforcement.dispatcher import ConcurrencyLimit
from incidents.enforcement.exclusions import Exclusions
from incidents.enforcement.port import Delivered, Order, Outcome, Retry
from incidents.enforcement.queues import Queues
from incidents.enforcement.round import Round
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import leases
from incidents.store.due_orders import Due
from incidents.store.leases import Claimed
from incidents.store.log import lineage
from incidents.store.log.lineage import Lineage
from tests.desk.rehearsal import Rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, carry_out, dispatcher, to_its_end
from tests.enforcement.limit_rig import SHARE
from tests.patience import PATIENCE_S, until
from tests.store.order_rows import claim_these, hold, unhold

DOWN = Retry(problem="http_503")


def _suspend(day: Rehearsal, *names: str) -> None:
    """Orders of the clock."""
    day.add(*names)
    logged = [Envelope(site=name, command=c.Log(by="li")) for name in names]
    assert all(answer.refusal is None for answer in day.desk.submit(logged))
    day.later(hours=1, seconds=1)
    day.elapse()


@pytest.fixture
def one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first pass over a whole lane only what fell due lately is read."""
    monkeypatch.setattr(queues, "_REST", 1e9)


def _acts(adapter: StubAdapter) -> list[tuple[str, str]]:
    return [(order.kind, order.site) for order in adapter.got if order.lane == ACT]


@contextmanager
def _running(found: Round, answered: Event) -> Iterator[None]:
    """A round at work; at the end all are answered."""
    thread = Thread(target=to_its_end, args=(found,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        answered.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def _hanging(answered: Event) -> Callable[[Order], Outcome]:
    def hang(_order: Order) -> Outcome:
        answered.wait(PATIENCE_S)
        return Delivered()

    return hang


def test_a_hold_goes_first_then_what_takes_sites_down_then_what_opens_them(day: Rehearsal) -> None:
    hold(day)
    carry_out(day, StubAdapter())
    unhold(day)
    _suspend(day, "b.example", "c.example")
    day.add("d.example")
    hold(day, "d.example")
    act = StubAdapter()
    to_its_end(Round(replace(dispatcher(day, act), workers=1)))

    assert _acts(act) == [
        ("suspend", "d.example"), ("suspend", "b.example"), ("suspend", "c.example"),
        ("reopen", "a.example"),
    ]  # fmt: skip


def test_a_new_order_goes_before_those_that_have_failed(day: Rehearsal) -> None:
    _suspend(day, "b.example")
    carry_out(day, StubAdapter(outcome=DOWN))
    _suspend(day, "c.example")
    act = StubAdapter()
    to_its_end(Round(replace(dispatcher(day, act), workers=1)))

    assert _acts(act) == [("suspend", "c.example"), ("suspend", "b.example")]


def test_an_urgent_hold_overtakes_the_orders_that_wait_for_a_free_thread(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _suspend(day, *(f"s{n}.example" for n in range(3)))
    answered, in_line = Event(), list[int]()
    submit = WorkerPool.submit

    def note(own: WorkerPool, work: Callable[[], object], urgency: int = 0) -> None:
        submit(own, work, urgency)
        in_line.append(urgency)

    monkeypatch.setattr(WorkerPool, "submit", note)
    act = StubAdapter(outcome=_hanging(answered))
    only_acts = {ACT: lambda _: act}
    own = replace(dispatcher(day, act), workers=1, lanes=only_acts)
    with _running(Round(own), answered):
        until(lambda: act.got and len(in_line) == 3, "three are in line, and one has begun")
        day.add("urgent.example")
        hold(day, "urgent.example")
        until(lambda: HOLD in in_line, "the hold is in line")

    assert [site for _, site in _acts(act)] == [
        "s0.example", "urgent.example", "s1.example", "s2.example",
    ]  # fmt: skip


def test_however_many_adapters_hang_a_healthy_one_gets_its_orders(day: Rehearsal) -> None:
    """Each of them has its share in hand, and all together more than half of what one may have."""
    dead = 5
    day.add(*(f"s{n}.{of}.example" for n in range(SHARE) for of in range(dead)))
    for n in range(SHARE):
        for of in range(dead):
            hold(day, f"s{n}.{of}.example")
    answered = Event()
    adapters = {
        str(of): StubAdapter(f"dead-{of}", outcome=_hanging(answered)) for of in range(dead)
    }
    healthy = StubAdapter("healthy")
    adapters["healthy"] = healthy
    own = replace(dispatcher(day, healthy), lanes={ACT: lambda site: adapters[site.split(".")[-2]]})
    with _running(Round(own), answered):
        every = "SELECT count(*) FROM deliveries WHERE lane = 'act' AND held_by = 'one'"
        until(lambda: day.rows(every) == [(dead * SHARE,)], "all of them have what they may have")
        day.add("a.healthy.example")
        hold(day, "a.healthy.example")
        until(lambda: healthy.got, "the healthy adapter gets its order")
        unanswered = not answered.is_set()

    assert unanswered
    assert _acts(healthy) == [("suspend", "a.healthy.example")]


@pytest.mark.usefixtures("one_pass")
def test_of_many_orders_of_one_site_one_at_a_time_waits_beside_those_of_others(
    day: Rehearsal,
) -> None:
    older = c.SetHold(by="li", reason="r", alone=True)
    for _ in range(10):
        assert day.give(older).refusal is None
        unhold(day)
    names = [f"s{n}.example" for n in range(3)]
    day.add(*names)
    for name in names:
        hold(day, name)
    day.later(hours=1)
    act = StubAdapter()
    with pytest.MonkeyPatch.context() as patch:
        # Otherwise what was never tried would be cancelled with its opening.
        patch.setattr(Exclusions, "_cancel_lifted", lambda *_: set())
        to_its_end(Round(replace(dispatcher(day, act), workers=1)))

    sites = [site for _, site in _acts(act)]
    assert sites.count("a.example") == 20
    assert max(sites.index(name) for name in names) <= 4
    assert act.by_site["a.example"] == sorted(act.by_site["a.example"])


@pytest.mark.usefixtures("one_pass")
def test_what_was_read_and_not_claimed_is_read_again_when_the_database_is_back(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(day)
    day.later(hours=1)
    act = StubAdapter()
    found = Round(dispatcher(day, act))
    claim = leases.claim

    def lost(*_: object, **__: object) -> list[object]:
        raise DatabaseError(detail="it is away")

    monkeypatch.setattr(leases, "claim", lost)
    with pytest.raises(DatabaseError):
        found.run()
    monkeypatch.setattr(leases, "claim", claim)
    to_its_end(found)

    assert _acts(act) == [("suspend", "a.example")]


def test_on_a_new_server_the_round_ends_however_many_orders_wait(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon checks the history first, and then begins another round."""
    names = [f"s{n}.example" for n in range(8)]
    day.add(*names)
    for name in names:
        hold(day, name)
    monkeypatch.setattr(queues, "PAGE", 4)
    monkeypatch.setattr(lineage, "read", lambda _: Lineage("a", 0, known="one", found="two"))
    act = StubAdapter()
    to_its_end(Round(dispatcher(day, act)))

    assert _acts(act) == []


def test_what_others_have_claimed_is_left_to_them_and_the_next_ones_are_taken(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading and the claim another dispatcher takes all that was read first."""
    names = [f"s{n}.example" for n in range(3 * SHARE)]
    day.add(*names)
    for name in names:
        hold(day, name)
    act = StubAdapter()
    other: list[Claimed] = []
    take = Queues.take

    def late(own: Queues, limit: ConcurrencyLimit) -> list[Due]:
        found = take(own, limit)
        if not other:
            other.extend(claim_these(day, found, "two"))
        return found

    monkeypatch.setattr(Queues, "take", late)
    to_its_end(Round(dispatcher(day, act)))

    theirs = {each.site for each in other}
    assert len(theirs) == SHARE
    assert sorted(site for _, site in _acts(act)) == sorted(set(names) - theirs)
