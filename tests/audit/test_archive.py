"""The archive: the part that one decision is given decides what the whole history decides.

The machine has the whole history here each time; what is decided again has a part of it. Each of
these histories has more of something than a part takes in, and what counts lies behind it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.audit import redecide
from incidents.audit.archive import Archive
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.decide import decide
from incidents.machine.policy import DOCUMENTED
from tests.audit.decided import Decided, added, decided_again, kinds

NO_REPEAT = replace(DOCUMENTED, repeat_count=9, run_count=2)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cases are decided whole; here none is."""
    monkeypatch.setattr(redecide, "MAX_WHOLE", -1)


def _log(site: Decided, *, minutes: float = 0, before: timedelta | None = None) -> int:
    at = None if before is None else site.now - before
    site.log(at=at, minutes=minutes)
    return site.case.last_incident


def _reach(site: Decided, *incidents: int) -> None:
    for n in incidents:
        site.reached(n, minutes=1)


def _miss(site: Decided) -> int:
    """An incident that suspends the site, which is opened again."""
    n = _log(site, minutes=24 * 60)
    site.elapse(61).elapse(721)
    return n


def _a_window_beside_incidents_from_before_a_reinstatement(site: Decided) -> None:
    for _ in range(3):
        _log(site, minutes=1)
    site.reinstate()
    _log(site, before=HOUR)
    _log(site, before=HOUR)
    _log(site)
    assert site.case.rule == "repeat"


def _a_window_beside_voided_incidents(site: Decided) -> None:
    first = _log(site)
    for _ in range(4):
        n = _log(site, minutes=1)
        site.void(n)
    _log(site, minutes=1)
    assert site.case.rule is None
    _log(site, minutes=1)
    assert site.case.closure is not None
    assert first in site.case.closure.incidents


def _a_window_around_a_past_time(site: Decided) -> None:
    _log(site, before=10 * HOUR)
    site.later(20 * HOUR)
    for _ in range(2):
        _reach(site, _log(site, before=25 * HOUR))
        site.later(24 * HOUR)
    _log(site)
    _log(site, before=2 * HOUR)
    _log(site, before=HOUR)
    assert site.case.rule == "repeat"


def _a_run_that_others_are_reached_after(site: Decided) -> None:
    """Three are reached while the clock of the one before them still runs."""
    site.activate(NO_REPEAT)
    for _ in range(2):
        _reach(site, _log(site, minutes=24 * 60))
    _miss(site)
    _log(site, minutes=24 * 60)
    _reach(site, *(_log(site, minutes=1) for _ in range(3)))
    site.elapse(61)
    assert site.case.rule == "unreachable_run"


def _a_closed_run_that_others_are_reached_after(site: Decided) -> None:
    """They are reached when it has closed the site: it is not disputed for that."""
    site.activate(NO_REPEAT)
    _miss(site)
    _log(site, minutes=24 * 60)
    others = [_log(site, minutes=10) for _ in range(3)]
    site.elapse(31)
    assert site.case.rule == "unreachable_run"
    _reach(site, *others)
    assert not site.case.disputed


def _a_run_that_was_broken_before_voided_incidents(site: Decided) -> None:
    site.activate(replace(NO_REPEAT, run_count=3))
    _miss(site)
    _reach(site, _log(site, minutes=24 * 60))
    _miss(site)
    for _ in range(3):
        n = _log(site, minutes=24 * 60)
        _reach(site, n)
        site.void(n)
    _miss(site)
    assert site.case.run == 2


def _a_suspension_that_others_are_reached_during(site: Decided) -> None:
    site.activate(NO_REPEAT)
    _log(site)
    site.elapse(61)
    _reach(site, *(_log(site, minutes=1) for _ in range(3)))
    site.elapse(721)
    assert site.case.state == "active"


def _a_total_that_nobody_reached_breaks(site: Decided) -> None:
    site.activate(replace(NO_REPEAT, run="total", run_count=3))
    for _ in range(3):
        _miss(site)
        if not site.case.closed:
            _reach(site, *(_log(site, minutes=10) for _ in range(3)))
    assert site.case.rule == "unreachable_run"


def _a_total_that_closed_under_another_policy(site: Decided) -> None:
    site.activate(replace(NO_REPEAT, run="total"))
    first = _miss(site)
    _reach(site, *(_log(site, minutes=10) for _ in range(3)))
    _log(site, minutes=24 * 60)
    site.elapse(61)
    assert site.case.rule == "unreachable_run"
    site.activate(NO_REPEAT)
    told_at = site.case.incidents[first].occurred_at
    site.reached(first, at=told_at)
    assert site.case.disputed


def _a_run_from_before_a_reinstatement(site: Decided) -> None:
    site.activate(NO_REPEAT)
    first, _ = _miss(site), _miss(site)
    assert site.case.closed
    site.reinstate()
    _miss(site)
    told_at = site.case.incidents[first].occurred_at
    for n in range(1, 3):
        site.reached(first, at=told_at)
        site.do(c.VoidContact(by="li", incident=first, contact=n, reason="sha256:1"))
    assert site.case.run == 1
    _miss(site)
    assert site.case.closed


def _tasks_that_are_settled_and_others(site: Decided) -> None:
    """Two look again at what was suspended for, one lists two incidents."""
    site.activate(NO_REPEAT)
    _log(site)
    _log(site, minutes=1)
    site.elapse(62).elapse(721)
    _reach(site, _log(site, minutes=24 * 60))
    third = _miss(site)
    for n in (1, third, 2):
        site.do(c.StateRemoved(by="li", incident=n), minutes=1)
    settled = [entry.event for entry in site.entries if isinstance(entry.event, e.TaskCompleted)]
    assert [(task.task, task.outcome) for task in settled] == [(2, "settled"), (1, "settled")]


def _items_of_each_kind_claimed(site: Decided) -> None:
    for _ in range(3):
        _log(site, minutes=1)
    site.void(3).do(c.AskReinstatement(by="li", reason="sha256:1"))
    for item in ("1", "t1", "disputed", "reinstatement"):
        site.do(c.ClaimItem(by="li", item=item))
    site.do(c.ReleaseItem(by="li", item="1")).do(c.HandOver(by="li", to="wang"))
    site.do(c.HandOver(by="wang", to="wang"))
    site.do(c.HandOver(by="wang", to="li", item="t1"))
    assert kinds(site.entries).count("item_claimed") == 11


HISTORIES = (
    _a_window_beside_incidents_from_before_a_reinstatement,
    _a_window_beside_voided_incidents,
    _a_window_around_a_past_time,
    _a_run_that_others_are_reached_after,
    _a_closed_run_that_others_are_reached_after,
    _a_run_that_was_broken_before_voided_incidents,
    _a_suspension_that_others_are_reached_during,
    _a_total_that_nobody_reached_breaks,
    _a_total_that_closed_under_another_policy,
    _a_run_from_before_a_reinstatement,
    _tasks_that_are_settled_and_others,
    _items_of_each_kind_claimed,
)


@pytest.mark.parametrize("tell", HISTORIES, ids=lambda tell: tell.__name__.strip("_"))
def test_a_part_decides_what_the_whole_history_decides(tell: Callable[[Decided], None]) -> None:
    site = added()
    tell(site)
    redecision = decided_again(site)
    assert redecision.case == site.case


def test_a_part_holds_the_dead_letters_that_a_repetition_is_done_with() -> None:
    """A record asks for no repetition with its cancellations, and whoever does gets the same."""
    site = added().hold().fail()
    again = c.RepeatOrder(by="li")
    part = Archive(site.case.copy()).part(again, site.policy, site.now)
    site.do(again)
    assert decide(part, again, site.policy, site.now).events == tuple(
        entry.event for entry in site.entries[-2:]
    )
