"""Due acts are done in batches, earliest first, and once."""

from datetime import timedelta

from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal


def test_nothing_is_due_at_the_deadline_and_all_is_after_it(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=1)
    assert day.desk.elapse() == []
    day.later(microseconds=1)
    (answer,) = day.desk.elapse()
    assert [event["kind"] for event in answer.document["events"]] == [
        "clock_lapsed", "site_suspended",
    ]  # fmt: skip
    assert day.desk.elapse() == []


def test_what_is_due_first_is_done_first_and_a_batch_has_a_limit(day: Rehearsal) -> None:
    names = [f"s{n}.example" for n in range(5)]
    day.add(*names)
    for name in reversed(names):
        day.give(c.Log(by="li"), name)
        day.later(minutes=1)
    day.later(hours=2)
    assert {answer.site for answer in day.desk.elapse(limit=2)} == set(names[3:])
    assert len(day.desk.elapse(limit=2)) == 2
    assert len(day.desk.elapse(limit=2)) == 1


def test_a_due_time_that_was_written_wrong_is_put_right(day: Rehearsal) -> None:
    """Else the daemon would come back to it for ever."""
    day.give(c.Log(by="li"))
    with day.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE sites SET next_due = created_at WHERE name = 'a.example'"
        )
    day.later(minutes=1)
    (answer,) = day.desk.elapse()
    assert answer.document["events"] == []
    assert day.desk.elapse() == []
    day.later(hours=1)
    assert len(day.desk.elapse()) == 1


def test_a_policy_is_the_active_one_when_it_is_decided(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.desk.activate("[unreachable]\nsuspend_for = '2h'\n", by="li", login=None, reason="try")
    day.later(hours=2)
    (answer,) = day.desk.elapse()
    assert answer.site_document["suspended_until"] == "2026-03-01T14:00:00Z"


def test_a_day_of_downtime_is_caught_up_in_one_go(day: Rehearsal) -> None:
    day.desk.submit([Envelope(site="a.example", command=c.Log(by="li"))] * 2)
    day.later(days=1)
    (answer,) = day.elapse()
    assert answer.site_document["state"] == "suspended"
    day.now += timedelta(hours=12, microseconds=1)
    (answer,) = day.elapse()
    assert answer.site_document["state"] == "active"
