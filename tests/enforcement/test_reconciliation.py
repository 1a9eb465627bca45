"""The reconciliation: what really is goes on record; what is not in force is ordered once more."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection

from incidents.desk import accounts
from incidents.desk.own_stream import Actor
from incidents.enforcement.port import State
from incidents.enforcement.reconciliation import Reconciliation
from incidents.enforcement.routing import Routing
from incidents.enforcement.verdict import AGREES, CANCELLED, DIFFERS, MOVED, REPAIRED, WAITS
from incidents.errors import ActionRefusedError
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, carry_out, kinds
from tests.store.order_rows import delivered, failed, hold, marked

SITE = "a.example"


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A site that was taken down in the world, and that somebody has opened by hand."""
    with rehearsal(db_url) as day:
        day.add(SITE)
        hold(day)
        carry_out(day, StubAdapter("panel"))
        yield day


class Panel(StubAdapter):
    """Says that the site is up; while it is first asked, something else is done."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__("panel", states={SITE: "active"})
        self._meanwhile = [meanwhile]

    def state(self, site: str) -> State | None:
        if self._meanwhile:
            self._meanwhile.pop()()
        return super().state(site)


def _compare(
    day: Rehearsal, panel: StubAdapter, *, key: str | None = None, repair: bool = True,
    by: str = "li", cancelled: bool = False,
) -> str:  # fmt: skip
    """The verdict."""
    found = Reconciliation(
        reading=lambda: reading(day.engine), desk=day.desk, routing=Routing(default=panel), by=by,
        key=key, repair=repair, cancelled=cancelled,
    )  # fmt: skip
    return found.compare(SITE).verdict


def _kinds(day: Rehearsal) -> list[str]:
    """What is on record since the site was taken down."""
    return kinds(day)[4:]


def _waiting(day: Rehearsal) -> int:
    """The number of the order that waits for the world."""
    [found] = [order for order, lane in day.orders() if lane == "act"]
    return found


# What is done while a site is looked at.


def test_of_two_who_look_at_once_one_orders(day: Rehearsal) -> None:
    own = Panel()
    other = Panel(lambda: own_verdicts.append(_compare(day, own, by="wang")))
    own_verdicts: list[str] = []
    assert _compare(day, other) == MOVED
    assert own_verdicts == [REPAIRED]
    assert _kinds(day) == ["state_seen", "order_repeated"]
    assert _compare(day, Panel()) == WAITS


def test_what_another_has_seen_and_not_repaired_is_repaired(day: Rehearsal) -> None:
    panel = Panel(lambda: _compare(day, Panel(), repair=False, by="wang"))
    assert _compare(day, panel) == REPAIRED
    assert _kinds(day) == ["state_seen", "order_repeated"]


def test_who_only_looks_is_told_that_something_was_carried_out_meanwhile(day: Rehearsal) -> None:
    def done_by_hand() -> None:
        assert _compare(day, Panel(), by="wang") == REPAIRED
        day.give(delivered(_waiting(day)))

    assert _compare(day, Panel(done_by_hand), repair=False) == MOVED
    assert _kinds(day) == ["state_seen", "order_repeated", "order_delivered"]


# With a key.


def test_with_a_key_it_is_ordered_once_however_often_it_is_asked_for(day: Rehearsal) -> None:
    assert _compare(day, Panel(), key="k") == REPAIRED
    assert _compare(day, Panel(), key="k") == WAITS
    day.give(failed(_waiting(day)))
    assert _compare(day, Panel(), key="k") == DIFFERS
    assert _kinds(day) == ["state_seen", "order_repeated", "order_failed", "state_seen"]
    assert _compare(day, Panel(), key="k") == DIFFERS
    assert _compare(day, Panel(), key="another") == REPAIRED


def test_with_a_key_what_helped_agrees_and_what_was_undone_since_differs(day: Rehearsal) -> None:
    assert _compare(day, Panel(), key="k") == REPAIRED
    day.give(delivered(_waiting(day)))
    assert _compare(day, StubAdapter("panel", states={SITE: "suspended"}), key="k") == AGREES
    assert _compare(day, Panel(), key="k") == DIFFERS
    assert _kinds(day)[2:] == ["order_delivered", "state_seen"]


def test_a_key_is_not_spent_on_what_was_looked_at_too_early(day: Rehearsal) -> None:
    def repaired_and_undone() -> None:
        assert _compare(day, Panel(), by="wang") == REPAIRED
        again = _waiting(day)
        day.give(delivered(again))
        seen = c.RecordState(
            by="wang", adapter="panel", seen="active", in_force="suspended", last_act=again
        )
        assert day.give(seen).refusal is None

    assert _compare(day, Panel(repaired_and_undone), key="k") == MOVED
    assert _compare(day, Panel(), key="k") == REPAIRED


def test_what_the_brake_holds_is_waited_for_and_not_ordered_again(day: Rehearsal) -> None:
    """Else whoever compares would release it."""
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    day.give(c.RecordFailure(order=_waiting(day), lane="act", adapter="brake", attempts=0,
                             problem="braked"))  # fmt: skip
    assert _compare(day, Panel()) == WAITS
    assert "order_repeated" not in kinds(day)


def test_where_there_are_accounts_a_supervisor_compares(day: Rehearsal) -> None:
    by = Actor(person="boss", login="root", signed_in=True)

    def make(connection: Connection) -> None:
        for handle, role in (("li", "operator"), ("wang", "supervisor")):
            accounts.make(connection, by, handle, role, lambda: day.now)

    day.desk.on_record(make)
    with pytest.raises(
        ActionRefusedError,
        match="only a supervisor can check actual states; li is not a supervisor",
    ):
        _compare(day, Panel())
    assert _kinds(day) == []
    assert _compare(day, Panel(), by="wang") == REPAIRED


@pytest.mark.parametrize("problem", ["braked", "gone", None])
def test_what_somebody_has_cancelled_stays_undone_until_that_too_is_asked_for(
    day: Rehearsal, problem: str | None
) -> None:
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    day.give(c.LiftHold(by="wang", reason="withdrawn"))
    order = _waiting(day)
    if problem is not None:
        marked(day, order, attempts=int(problem != "braked"))
        day.give(
            c.RecordFailure(order=order, lane="act", adapter="panel", attempts=1, problem=problem)
        )
    day.give(c.CancelOrder(by="wang", order=order, lane="act", why="by_hand", reason="a token"))
    assert _compare(day, Panel()) == CANCELLED
    assert "order_repeated" not in kinds(day)
    assert _compare(day, Panel(), cancelled=True) == REPAIRED
    day.give(delivered(_waiting(day)))
    assert _compare(day, Panel()) == REPAIRED
