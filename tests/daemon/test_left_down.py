"""The list of what a loss has left down: the desk is told once it is whole, and of more."""

import pytest

from incidents import clock
from incidents.acts.port import Delivered, Retry
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.machine import commands as c
from incidents.store import lineage
from incidents.store.engine import writing
from incidents.views.alarm import LEFT_DOWN
from tests.daemon.alarm_rig import MIN, START, H, Told, Watch


@pytest.fixture(autouse=True)
def lost(watch: Watch) -> None:
    """The record goes on from less."""
    watch.at(START)
    why = Resumption(cause=ENTRIES_LOST)
    watch.house.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def compared(watch: Watch) -> None:
    """A daemon has come to the end of the list."""
    with writing(watch.engine) as connection:
        lineage.compared(connection, lineage.standing(connection))


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


def lists(told: Told) -> list[str]:
    """How many sites the desk was told of, each time."""
    return [key.partition(":")[2] for key in told.got if key.startswith("sites_left_down")]


def test_no_half_of_the_list_is_told(watch: Watch) -> None:
    told = Told()
    duty = watch.duty(told)
    leave_down(watch, "a.example")
    duty.run()
    assert lists(told) == []

    leave_down(watch, "b.example")
    compared(watch)
    duty.run()
    duty.run()

    assert lists(told) == ["2"]


def test_of_more_sites_the_desk_is_told_again_an_hour_later_at_the_earliest(watch: Watch) -> None:
    told = Told()
    one, other = watch.duty(told), watch.duty(told)
    leave_down(watch, "a.example")
    compared(watch)
    one.run()

    for n in range(30):
        leave_down(watch.at(START + n * MIN), f"new-{n:02}.example")
        one.run()
        other.run()
    assert lists(told) == ["1"]

    watch.at(START + H)
    one.run()
    other.run()
    assert lists(told) == ["1", "31"]
    watch.at(START + 5 * H)
    other.run()
    assert lists(told) == ["1", "31"]


def test_of_fewer_it_is_not_but_of_one_more_than_these(watch: Watch) -> None:
    told = Told()
    duty = watch.duty(told)
    leave_down(watch, "a.example", "b.example", "c.example")
    compared(watch)
    duty.run()
    hold(watch, "a.example", "b.example")
    duty.run()
    watch.at(START + 2 * H)
    duty.run()
    assert lists(told) == ["3"]

    leave_down(watch, "d.example")
    duty.run()

    assert lists(told) == ["3", "2"]
    hold(watch, "c.example", "d.example")
    duty.run()
    assert set(watch.raised) == {"entries_lost:all"}


def test_what_could_not_be_told_yet_is_told_as_the_list_is_then(watch: Watch) -> None:
    fails = Retry(problem="smtp_timeout")
    told = Told(lambda alarm: fails if alarm.kind == LEFT_DOWN else Delivered())
    duty = watch.duty(told)
    leave_down(watch, "a.example")
    compared(watch)
    duty.run()
    leave_down(watch, "b.example")
    duty.run()
    assert lists(told) == ["1"], "it waits for its next attempt"

    told.outcome = Delivered()
    watch.at(START + 30 * MIN)
    duty.run()
    watch.at(START + 3 * H)
    duty.run()

    assert lists(told) == ["1", "2"]
    assert set(watch.raised) == {"entries_lost:all", "sites_left_down:2"}
