"""The desk's records of orders and of their outcomes."""

import pytest

from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.refusal import Refusal
from tests.desk.rehearsal import TEN, Rehearsal


def test_a_repeated_suspension_is_opened_by_order_though_both_share_a_transaction(
    day: Rehearsal,
) -> None:
    day.give(c.SetHold(by="li", reason="ordered"))
    day.desk.submit(
        [
            Envelope(site="a.example", command=c.RepeatOrder(by="li")),
            Envelope(site="a.example", command=c.LiftHold(by="li", reason="ordered")),
        ]
    )
    assert day.rows("SELECT kind FROM orders ORDER BY site_seq") == [
        ("suspend",), ("suspend",), ("reopen",),
    ]  # fmt: skip


def test_what_is_in_force_is_answered_beside_what_is_ordered(day: Rehearsal) -> None:
    held = day.give(c.SetHold(by="li", reason="ordered")).site_document
    assert (held["state"], held["in_force"]) == ("suspended", "active")
    carried_out = c.RecordDelivery(
        order=2, lane="act", adapter="panel", attempts=1, enforced=True
    )  # fmt: skip
    done = day.give(carried_out)
    site, (event,) = done.site_document, done.document["events"]
    assert (site["state"], site["in_force"]) == ("suspended", "suspended")
    assert (event["kind"], event.get("order"), event.get("lane")) == (
        "order_delivered",
        "1-o2",
        "act",
    )
    assert day.rows("SELECT in_force, last_act FROM sites ORDER BY id") == [
        ("suspended", 2), ("active", 0),
    ]  # fmt: skip


def test_what_the_police_and_the_customer_say_is_answered_with_the_incident(
    day: Rehearsal,
) -> None:
    day.give(c.Log(by="li"))
    day.later(minutes=5)
    told = day.give(c.StateReported(by="li", incident=1, at=TEN, note="receipt 7"))
    assert told.incident_document["reported_at"] == "2026-03-01T10:00:00Z"
    said = day.give(c.SayRemoved(incident=1, note="all is gone"))
    assert said.incident_document["removal_said_at"] == "2026-03-01T10:05:00Z"
    assert said.incident_document["state"] == "open"
    assert [event["by"] for event in said.document["events"]] == ["customer"] * 2
    bodies = "".join(str(body) for (body,) in day.rows("SELECT body FROM entries"))
    assert "receipt" not in bodies
    assert "gone" not in bodies
    sealed = [value for (value,) in day.rows("SELECT value FROM sealed ORDER BY value")]
    assert sealed == ["all is gone", "receipt 7"]


@pytest.mark.both_databases(long="postgresql")
@pytest.mark.parametrize(
    "command",
    [
        c.RecordDelivery(
            order=2, lane="act", adapter="dc12345678", attempts=1, enforced=True
        ),
        c.RecordFailure(order=2, lane="act", adapter="a", attempts=1, problem="tel_12345678"),
        c.CancelOrder(by="li", order=2, lane="act", why="12345678"),
        c.RecordState(
            by="li", adapter="a", seen="w@a.example", in_force="active", last_act=0
        ),
    ],
    ids=lambda command: type(command).__name__,
)  # fmt: skip
def test_a_code_of_an_order_cannot_hold_somebodys_number_or_address(
    day: Rehearsal, command: c.Command
) -> None:
    day.give(c.SetHold(by="li", reason="ordered"))
    assert day.refused(command) == "personal_code"
    assert day.rows("SELECT count(*) FROM entries WHERE site_id = 1") == [(2,)]


def test_an_order_of_another_site_is_unknown_on_this_one(day: Rehearsal) -> None:
    day.give(c.SetHold(by="li", reason="ordered"))
    refusal = day.give(c.CancelOrder(by="li", order=2, lane="act", why="by_hand"), "b.example")
    assert refusal.refusal == Refusal("unknown_order", {"order": "2-o2"})


def test_many_orders_of_many_sites_are_settled_in_one_transaction(day: Rehearsal) -> None:
    names = [f"s{n}.example" for n in range(50)]
    day.add(*names)
    hold = c.SetHold(by="li", reason="ordered")
    day.desk.submit([Envelope(site=name, command=hold) for name in names])
    done = c.RecordDelivery(order=2, lane="act", adapter="panel", attempts=1, enforced=True)
    answers = day.desk.submit([Envelope(site=name, command=done) for name in names])
    assert all(answer.refusal is None for answer in answers)
    assert day.rows("SELECT DISTINCT lane FROM deliveries") == [("notice",)]
    assert day.rows("SELECT count(*) FROM sites WHERE in_force = 'suspended'") == [(50,)]


def test_the_name_of_its_notice_releases_what_the_brake_holds_only_while_it_is_ordered(
    day: Rehearsal,
) -> None:
    """The customer would be told of a suspension, and when it ends, whose site is closed."""
    day.give(c.Log(by="li"))
    day.later(hours=1, seconds=1)
    day.elapse()
    [order] = {seq for seq, lane in day.orders() if lane == "act"}
    for lane in ("act", "notice"):
        held = c.RecordFailure(
            order=order, lane=lane, adapter="brake", attempts=0, problem="braked"
        )
        assert day.give(held).refusal is None
    by_notice = c.RetryOrder(by="wang", order=order, lane="notice")
    released = day.give(by_notice, dry_run=True)
    assert [event.get("lane") for event in released.document["events"]] == ["act", "notice"]
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    refusal = day.give(by_notice).refusal
    assert refusal == Refusal("overtaken", {"order": f"1-o{order}", "site": "a.example"})
