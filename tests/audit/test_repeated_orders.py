"""The record of an order that was repeated, with and without the cancellation of its dead letter.

The earlier program left the dead letter where it was. What it wrote verifies, and is replayed, like
what is written now; whether a site's history is decided whole or in parts makes no difference.
"""

from collections.abc import Iterator

import pytest

from incidents.audit import redecide
from incidents.audit.replay import Replay
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from tests.audit.bundles import LOG
from tests.audit.rewriting import findings
from tests.audit.signed_log import put_key, sign
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.order_rows import delivered, failed, hold

AS_BEFORE = c.RepeatOrder(by="li", alone=True)
AS_NOW = c.RepeatOrder(by="li")


@pytest.fixture(params=[False, True], ids=["short", "long"])
def day(request: pytest.FixtureRequest, db_url: str) -> Iterator[Rehearsal]:
    """A site whose suspension was given up, in a history that is decided whole, or in parts."""
    with rehearsal(db_url) as day:
        put_key(day, LOG)
        day.add()
        hold(day)
        day.give(failed(2))
        for n in range(1, redecide.MAX_WHOLE + 2 if request.param else 1):
            day.give(c.ImportIncident(by="li", at=day.now))
            day.give(c.VoidIncident(by="li", incident=n, reason="slip"))
        yield day


def _repeat(day: Rehearsal, command: c.RepeatOrder) -> int:
    """The number of the order that comes of it."""
    assert day.give(command).refusal is None
    return max(order for order, lane in day.orders() if lane == "act")


def _cancelled(day: Rehearsal) -> int:
    return sum('"order_cancelled"' in str(body) for (body,) in day.rows("SELECT body FROM entries"))


def _all_is_well(day: Rehearsal) -> None:
    sign(day)
    with reading(day.engine) as connection:
        assert findings(connection) == []
        assert list(Replay(connection).findings()) == []


def test_a_dead_letter_that_the_earlier_program_left_is_no_finding(day: Rehearsal) -> None:
    again = _repeat(day, AS_BEFORE)
    assert _cancelled(day) == 0
    _all_is_well(day)
    day.later(minutes=1)
    day.give(delivered(again))
    assert (2, "act") in day.orders()
    _all_is_well(day)


def test_a_dead_letter_that_is_done_with_by_a_repetition_is_no_finding(day: Rehearsal) -> None:
    again = _repeat(day, AS_NOW)
    assert _cancelled(day) == 1
    assert (2, "act") not in day.orders()
    _all_is_well(day)
    day.give(delivered(again))
    _all_is_well(day)


def test_what_the_earlier_program_left_is_done_with_by_the_next_repetition(day: Rehearsal) -> None:
    day.give(failed(_repeat(day, AS_BEFORE)))
    again = _repeat(day, AS_NOW)
    assert [order for order, lane in day.orders() if lane == "act"] == [again]
    assert _cancelled(day) == 2
    _all_is_well(day)
