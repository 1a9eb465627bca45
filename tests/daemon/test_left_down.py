"""The list of what a loss has left down: the desk is told once it is whole, and of more."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from incidents import clock
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.enforcement.port import Delivered, Outcome, Retry
from incidents.machine import commands as c
from incidents.store import deliveries, monitoring
from incidents.store.database.engine import reading, writing
from incidents.store.log import lineage
from incidents.views.queue.alarm import LEFT_DOWN, Alarm
from tests.daemon.alarm_rig import MIN, START, H, StubChannel, Watch


@pytest.fixture(autouse=True)
def lost(watch: Watch) -> None:
    """The record goes on from less."""
    watch.at(START)
    why = Resumption(cause=ENTRIES_LOST)
    watch.app.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def compared(watch: Watch) -> None:
    """A daemon has come to the end of the list."""
    with writing(watch.engine) as connection:
        lineage.compared(connection, lineage.standing(connection).epoch, clock.now())


def leave_down(watch: Watch, *names: str) -> None:
    """A daemon finds them down, or cannot tell."""
    for name in names:
        watch.do(c.AddSite(by="li"), name)
        seen = c.RecordState(
            by="daemon", adapter="panel", seen="suspended", in_force="active", last_act=0
        )
        watch.do(seen, name)


def hold(watch: Watch, *names: str) -> None:
    for name in names:
        watch.do(c.SetHold(by="li", reason="by order of a court"), name)


def cancel_all(watch: Watch) -> None:
    """By hand, of the first site."""
    with reading(watch.engine) as connection:
        waiting = [each.order for _, each in deliveries.chains(connection, [1])]
    for order in waiting:
        watch.do(
            c.CancelOrder(by="li", order=order, lane="act", why="by_hand", reason="later"),
            "a.example",
        )


@dataclass
class Listed(StubChannel):
    """Keeps of how many sites it was told, each time."""

    lists: list[int] = field(default_factory=list)

    def __call__(self, alarm: Alarm, *when: object) -> Outcome:
        if alarm.kind == LEFT_DOWN:
            self.lists.append(alarm.sites)
        return super().__call__(alarm, *when)


def test_no_half_of_the_list_is_told(watch: Watch) -> None:
    told = Listed()
    duty = watch.duty(told)
    leave_down(watch, "a.example")
    duty.run()
    assert told.lists == []

    leave_down(watch, "b.example")
    compared(watch)
    duty.run()
    duty.run()

    assert told.lists == [2]


def test_of_more_sites_the_desk_is_told_again_an_hour_later_at_the_earliest(watch: Watch) -> None:
    told = Listed()
    one, other = watch.duty(told), watch.duty(told)
    leave_down(watch, "a.example")
    compared(watch)
    one.run()

    for n in range(30):
        leave_down(watch.at(START + n * MIN), f"new-{n:02}.example")
        one.run()
        other.run()
    assert told.lists == [1]

    watch.at(START + H)
    one.run()
    other.run()
    assert told.lists == [1, 31]
    watch.at(START + 5 * H)
    other.run()
    assert told.lists == [1, 31]


def test_of_fewer_it_is_not_but_of_one_more_than_these(watch: Watch) -> None:
    told = Listed()
    duty = watch.duty(told)
    leave_down(watch, "a.example", "b.example", "c.example")
    compared(watch)
    duty.run()
    hold(watch, "a.example", "b.example")
    duty.run()
    watch.at(START + 2 * H)
    duty.run()
    assert told.lists == [3]

    leave_down(watch, "d.example")
    duty.run()

    assert told.lists == [3, 2]
    hold(watch, "c.example", "d.example")
    duty.run()
    assert set(watch.raised) == {"entries_lost:all"}


def test_of_another_site_in_place_of_one_that_was_held_the_desk_is_told(watch: Watch) -> None:
    told = Listed()
    duty = watch.duty(told)
    leave_down(watch, "a.example", "b.example")
    compared(watch)
    duty.run()

    # Within the hour, and with another one gone by the time that it may be told.
    leave_down(watch.at(START + 5 * MIN), "c.example")
    duty.run()
    hold(watch, "a.example", "b.example")
    duty.run()
    assert told.lists == [2]
    watch.at(START + 3 * H)
    duty.run()

    assert told.lists == [2, 1]


def test_of_one_that_was_held_and_is_left_down_once_more_the_desk_is_told(watch: Watch) -> None:
    told = Listed()
    duty = watch.duty(told)
    leave_down(watch, "a.example", "b.example")
    compared(watch)
    duty.run()
    hold(watch, "a.example")
    duty.run()
    watch.at(START + 3 * H).do(c.LiftHold(by="boss", reason="the court has lifted it"), "a.example")
    cancel_all(watch)

    duty.run()

    assert told.lists == [2, 2]


def test_two_daemons_tell_a_list_that_has_grown_once(watch: Watch) -> None:
    told = Listed()
    leave_down(watch, "a.example")
    compared(watch)
    watch.duty(told).run()
    leave_down(watch.at(START + 2 * H), "b.example")
    other = watch.duty(told)

    def meanwhile(alarm: Alarm) -> Outcome:
        if alarm.sites == 2:
            told.outcome = Delivered()
            leave_down(watch, "c.example")
            other.run()
        return Delivered()

    told.outcome = meanwhile
    watch.duty(told).run()
    other.run()

    assert told.lists == [1, 2], "it is in hand, and of the third one an hour later"
    watch.at(START + 4 * H)
    other.run()
    assert told.lists == [1, 2, 3]


@pytest.mark.parametrize("told_at", [None, START])
def test_an_alarm_that_a_daemon_of_before_has_raised_names_no_site(
    watch: Watch, told_at: datetime | None
) -> None:
    told = Listed()
    duty = watch.duty(told)
    leave_down(watch, "a.example")
    compared(watch)
    key = f"{LEFT_DOWN}:all"
    before = replace(monitoring.new_alarms(key, LEFT_DOWN, "all", START), told_at=told_at)
    with writing(watch.engine) as connection:
        monitoring.add_alarms(connection, [before])
    duty.run()
    watch.at(START + H)
    duty.run()
    duty.run()

    assert told.lists == [1]


def test_what_could_not_be_told_yet_is_told_as_the_list_is_then(watch: Watch) -> None:
    fails = Retry(problem="smtp_timeout")
    told = Listed(lambda alarm: fails if alarm.kind == LEFT_DOWN else Delivered())
    duty = watch.duty(told)
    leave_down(watch, "a.example")
    compared(watch)
    duty.run()
    leave_down(watch, "b.example")
    duty.run()
    assert told.lists == [1], "it waits for its next attempt"

    told.outcome = Delivered()
    watch.at(START + 30 * MIN)
    duty.run()
    watch.at(START + 3 * H)
    duty.run()

    assert told.lists == [1, 2]
    assert set(watch.raised) == {"entries_lost:all", "sites_left_down:all"}
