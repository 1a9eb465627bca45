"""The record: what an order's notice would tell, of real days at a desk, on both databases."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from incidents.clock import read_rfc3339
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.enforcement.port import Order
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.machine.policy import Policy
from incidents.notices import lanes, record
from incidents.notices.facts import MAX_FINDINGS, MAX_URLS, Facts
from incidents.notices.record import FactsOfOrders
from incidents.store.database.engine import reading, writing
from incidents.store.schema.log_tables import orders
from incidents.store.schema.tables import sites
from incidents.values.ids import order_id
from tests.notices.lane import WORDING
from tests.store.order_rows import claim_due
from tests.views.day import SITE, Day, utc


def orders_of(day: Day, kind: str, lane: str = "notice") -> list[Order]:
    """The orders of that kind, as they are given to whoever carries them out."""
    joined = orders.join(sites, sites.c.id == orders.c.site_id)
    found = select(orders, sites.c.name).select_from(joined).where(orders.c.kind == kind)
    with day.reading() as connection:
        rows = connection.execute(found.order_by(orders.c.site_id, orders.c.site_seq)).mappings()
        return [_order(dict(row), lane) for row in rows]


def _order(row: dict[str, Any], lane: str) -> Order:
    data = row["data"]
    return Order(
        id=order_id(row["site_id"], row["site_seq"], lane), kind=row["kind"], lane=lane,
        site=row["name"], site_id=row["site_id"], seq=row["site_seq"],
        ordered_at=row["created_at"], rule=data.get("rule"), incident=data.get("incident"),
        suspension=data.get("suspension"), task=data.get("task"),
        until=read_rfc3339(data["until"]) if "until" in data else None,
    )  # fmt: skip


def _facts(day: Day, order: Order) -> Facts:
    with day.reading() as connection:
        found = record.of_order(connection, order)
    assert found is not None
    return found


def _of(day: Day, kind: str, lane: str = "notice", n: int = -1) -> Facts:
    return _facts(day, orders_of(day, kind, lane)[n])


# ── a violation ──────────────────────────────────────────────────────────────────────────────────


def test_a_violation_is_told_with_its_addresses_its_clock_and_whom_to_write_to(day: Day) -> None:
    urls = ("https://shop.example/a", "https://shop.example/b")
    day.log(urls=urls, category="gambling", at=utc("09:30"))
    found = _of(day, "notify")
    assert (found.reference, found.site, found.state) == ("1-1", SITE, "open")
    assert (found.person, found.email) == ("张三", "zhang@shop.example")
    assert found.phone == "+86 10 5555 0101"
    assert (found.contact_due, found.removal_due) == (utc("11:00"), None)
    assert not found.miss_closes
    assert not found.settled
    [finding] = found.findings
    assert (finding.id, finding.category, finding.urls) == ("1-1", "gambling", urls)
    assert (finding.occurred_at, finding.recorded_at) == (utc("09:30"), utc("10:00"))


def test_so_many_addresses_stand_there_and_the_others_are_counted(day: Day) -> None:
    day.log(urls=tuple(f"https://shop.example/{n}" for n in range(MAX_URLS + 3)))
    [finding] = _of(day, "notify").findings
    assert (len(finding.urls), finding.more) == (MAX_URLS, 3)


@pytest.mark.parametrize("settling", ["removed", "voided"])
def test_what_is_removed_or_voided_by_then_is_told_to_nobody(settling: str, day: Day) -> None:
    day.log()
    removed = c.StateRemoved(by="li", incident=1)
    voided = c.VoidIncident(by="li", incident=1, reason="slip")
    day.do(removed if settling == "removed" else voided)
    assert _of(day, "notify").settled


def test_who_was_reached_by_then_is_given_no_time_to_be_reached(day: Day) -> None:
    day.log().contact(1)
    found = _of(day, "notify")
    assert (found.state, found.contact_due, found.settled) == ("notified", None, False)


def test_the_time_to_remove_is_told_where_the_policy_sets_one(day: Day) -> None:
    _activate(day, Policy(removal_within=timedelta(hours=2)))
    day.log().contact(1)
    found = _of(day, "notify")
    assert found.removal_due == utc("12:00")
    assert found.policy.removal_within == timedelta(hours=2)


def test_what_has_lapsed_by_then_is_told_with_the_time_that_has_passed(day: Day) -> None:
    day.miss()
    found = _of(day, "notify")
    assert (found.state, found.contact_due) == ("unreached", utc("11:00"))
    assert found.site_state == "suspended"


def test_the_miss_that_would_close_is_told(day: Day) -> None:
    day.miss().after("12h").elapse().log()
    assert not _of(day, "notify").miss_closes
    day.after("1h1s").elapse().after("12h").elapse().after("24h").log()
    assert _of(day, "notify").miss_closes


def test_a_miss_that_changes_nothing_is_told_as_such(day: Day) -> None:
    day.log()
    assert _of(day, "notify").miss_acts
    day.after("1h1s").elapse().log()
    assert not _of(day, "notify").miss_acts


def test_a_clock_that_outlasts_the_suspension_acts(day: Day) -> None:
    day.miss().after("11h50m").log().contact(2, "no-answer")
    found = _of(day, "notify")
    assert (found.site_state, found.miss_acts, found.attempts) == ("suspended", True, 1)
    assert found.until == utc("23:00:01")
    day.do(c.SetHold(by="li", reason="order 7"))
    assert not _of(day, "notify").miss_acts


def test_a_violation_on_a_site_that_is_closed_by_then_is_told_without_a_clock(day: Day) -> None:
    for _ in range(3):
        day.log()
    for order in orders_of(day, "notify"):
        found = _facts(day, order)
        assert (found.site_state, found.contact_due, found.settled) == ("closed", None, False)


def test_no_clock_from_before_a_reinstatement_is_told(day: Day) -> None:
    day.log().do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    day.do(c.AskReinstatement(by="li", reason="slip")).do(c.Approve(by="wang"))
    found = _of(day, "notify")
    assert (found.state, found.site_state, found.contact_due) == ("open", "active", None)


# ── a suspension, and its end ────────────────────────────────────────────────────────────────────


def test_a_suspension_is_told_with_its_end_and_the_clock_that_lapsed(day: Day) -> None:
    day.miss()
    found = _of(day, "suspend")
    assert (found.at, found.until) == (utc("11:00:01"), utc("23:00:01"))
    assert (found.contact_due, found.reference) == (utc("11:00"), "1-1")
    assert [finding.id for finding in found.findings] == ["1-1"]
    assert not found.settled


def test_a_suspension_that_late_truth_has_struck_is_told_to_nobody(day: Day) -> None:
    day.miss().contact(1, at="10:30")
    assert _of(day, "suspend").settled
    found = _of(day, "reopen")
    assert found.cause == "struck"
    assert [finding.id for finding in found.findings] == ["1-1"]


def test_a_site_that_is_held_is_told_of_no_time(day: Day) -> None:
    day.do(c.SetHold(by="li", reason="ordered"))
    found = _of(day, "suspend")
    assert (found.until, found.findings, found.reference) == (None, (), "1-o2")
    day.do(c.LiftHold(by="li", reason="lifted"))
    assert _of(day, "reopen").cause == "other"


@pytest.mark.parametrize(
    "outlives",
    [c.SetHold(by="boss", reason="ordered"), c.StateFalse(by="boss", field="phone", evidence="e")],
)
def test_a_suspension_that_a_hold_or_a_closure_outlives_is_told_without_its_end(
    day: Day, outlives: c.Command
) -> None:
    day.miss()
    assert not _of(day, "suspend").stays_down
    day.do(outlives)
    assert _facts(day, orders_of(day, "suspend")[0]).stays_down


def test_who_was_told_of_the_end_is_told_once_that_the_hold_outlasts_it(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend")
    carried_out(day, "suspend", "notice")
    day.do(c.SetHold(by="boss", reason="ordered"))
    _, order = orders_of(day, "suspend")
    found = _facts(day, order)
    assert (lanes.notice_of(order), found.stays_down, found.outlasts, found.settled) == (
        "suspended_held", True, True, False,
    )  # fmt: skip
    told = WORDING.letter("suspended_held", found, "1").text
    assert "your site shop.example stays suspended" in told
    assert "暂停期满后也不会恢复访问" in told
    carried_out(day, "suspend", "notice")
    day.after("13h").elapse()
    assert len(orders_of(day, "suspend")) == 2
    assert orders_of(day, "reopen") == []
    day.do(c.LiftHold(by="boss", reason="lifted"))
    assert _facts(day, order).settled
    assert not _of(day, "reopen").settled


def _told_again(day: Day, *ends: str) -> Facts:
    """What a hold that is set now tells who was written to."""
    carried_out(day, "suspend", "notice")
    day.after("1h")
    for end in ends:
        day.do(c.LiftHold(by="boss", reason=end))
    day.do(c.SetHold(by="boss", reason="ordered again"))
    return _facts(day, orders_of(day, "suspend")[-1])


def test_who_was_told_of_no_end_is_told_of_none_that_a_hold_outlasts(day: Day) -> None:
    """The first letter was of a hold as well, or a hold or a loss kept the site down by then."""
    day.do(c.SetHold(by="boss", reason="ordered"))
    carried_out(day, "suspend")
    found = _told_again(day, "lifted")
    assert (found.stays_down, found.outlasts) == (True, False)
    told = WORDING.letter("suspended_held", found, "1").text
    assert "your site shop.example stays suspended.\n" in told
    assert "继续暂停访问。\n" in told


def test_nor_is_one_whose_suspension_was_told_of_under_a_hold(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend")
    day.do(c.SetHold(by="boss", reason="ordered"))
    first = orders_of(day, "suspend")[0].entry
    day.do(c.RecordDelivery(order=first, lane="notice", adapter="mail", attempts=1, enforced=True))
    assert not _facts(day, orders_of(day, "suspend")[-1]).outlasts


def test_nor_one_that_a_loss_had_left_down_when_it_was_told_of(day: Day) -> None:
    _left_down(day)
    day.miss()
    carried_out(day, "suspend")
    assert not _told_again(day).outlasts


def test_who_was_told_of_nothing_is_told_when_the_hold_took_the_site_down(day: Day) -> None:
    order = orders_of(day.miss(), "suspend")[-1].seq
    day.do(c.CancelOrder(by="boss", order=order, lane="act", why="by_hand", reason="r"))
    day.after("1h").do(c.SetHold(by="boss", reason="ordered"))
    found = _of(day, "suspend")
    assert (found.stays_down, found.at) == (False, utc("12:00:01"))


def _left_down(day: Day) -> None:
    """A loss leaves the site down."""
    why = Resumption(cause=ENTRIES_LOST, by=DAEMON)
    with writing(day.after("1m").engine) as connection:
        resumption.resume(connection, why, lambda: day.now)
    day.after("1m").do(
        c.RecordState(by=DAEMON, adapter="panel", seen="suspended", in_force="active", last_act=0)
    )


def test_so_is_that_of_a_site_that_a_loss_had_left_down(day: Day) -> None:
    _left_down(day)
    day.miss()
    found = _of(day, "suspend")
    assert (found.stays_down, found.until is not None) == (True, True)
    told = WORDING.letter("suspended", found, "1").text
    assert "No time is set yet for the reopening" in told
    assert "恢复访问的时间尚未确定" in told
    assert ", until" not in told
    assert "暂停至" not in told


@pytest.mark.parametrize("is_held", [False, True])
def test_of_one_that_is_closed_in_the_world_nothing_is_told_but_that_it_is_opened(
    day: Day, *, is_held: bool
) -> None:
    """It is neither suspended, nor opened at the end of that, nor was it not taken down."""
    why = Resumption(cause=ENTRIES_LOST, by=DAEMON)
    with writing(day.after("1m").engine) as connection:
        resumption.resume(connection, why, lambda: day.now)
    day.after("1m").do(
        c.RecordState(by=DAEMON, adapter="panel", seen="closed", in_force="active", last_act=0)
    )
    day.miss()
    if is_held:
        day.do(c.SetHold(by="boss", reason="ordered"))
    assert _of(day, "suspend").settled

    day.after("12h1s").elapse()
    if is_held:
        assert _of(day, "suspend").settled
        day.do(c.LiftHold(by="boss", reason="lifted"))
    assert _of(day, "reopen").settled

    for order in orders_of(day, "suspend"):
        day.do(c.CancelOrder(by=c.DISPATCHER, order=order.seq, lane="act", why="lifted"))
    assert _of(day, "reopen").settled


def test_a_site_that_went_down_later_than_it_was_ordered_is_told_of_that_time(day: Day) -> None:
    day.miss().after("7h")
    carried_out(day, "suspend")
    assert _of(day, "suspend").at == utc("18:00:01")


def test_while_somebody_takes_it_down_it_is_told_of_when_they_began(day: Day) -> None:
    day.miss().after("7h")
    with writing(day.engine) as connection:
        lease = timedelta(seconds=30)
        [claimed] = claim_due(connection, "daemon", now=day.now, lease=lease, most=1)
    day.after("10s")
    assert _of(day, "suspend").at == claimed.taken_at == utc("18:00:01")


def test_a_reopening_is_told_with_what_is_not_known_to_be_deleted(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend")
    day.log(urls=("https://shop.example/b",)).after("13h").elapse()
    found = _of(day, "reopen")
    assert not found.settled
    assert (found.cause, found.at, found.findings_more) == ("ended", utc("03-02 00:00:01"), 0)
    assert [finding.id for finding in found.findings] == ["1-1", "1-2"]
    day.do(c.StateRemoved(by="li", incident=1))
    assert [finding.id for finding in _of(day, "reopen").findings] == ["1-2"]


def test_a_reopening_names_so_many_incidents_and_counts_the_others(day: Day) -> None:
    _activate(day, Policy(repeat_count=100))
    for _ in range(MAX_FINDINGS + 5):
        day.log()
    day.after("1h1s").elapse().after("13h").elapse()
    found = _of(day, "reopen")
    assert (len(found.findings), found.findings_more) == (MAX_FINDINGS, 5)


def test_nothing_is_to_be_deleted_on_a_site_that_is_closed_since(day: Day) -> None:
    day.miss().after("13h").elapse()
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    assert _of(day, "reopen").findings == ()


# ── a closure ────────────────────────────────────────────────────────────────────────────────────


def test_a_closure_is_told_with_its_rule_its_numbers_and_what_it_counted(day: Day) -> None:
    for n in range(3):
        day.log(urls=(f"https://shop.example/{n}",))
    found = _of(day, "close")
    assert (found.rule, found.needed, found.within) == ("repeat", 3, timedelta(hours=24))
    assert [finding.id for finding in found.findings] == ["1-1", "1-2", "1-3"]
    assert (found.at, found.site_state, found.settled) == (utc("10:00"), "closed", False)
    assert found.reference == orders_of(day, "close")[0].id.partition(".")[0]


def test_the_numbers_of_a_closure_stay_when_the_policy_changes(day: Day) -> None:
    for _ in range(3):
        day.log()
    _activate(day, Policy(repeat_count=9, repeat_within=timedelta(days=9)))
    found = _of(day, "close")
    assert (found.needed, found.within) == (3, timedelta(hours=24))


def test_a_closure_by_the_third_miss_is_told_as_such(day: Day) -> None:
    for _ in range(3):
        day.miss().after("36h").elapse()
    found = _of(day, "close")
    assert (found.rule, found.needed, found.total) == ("unreachable_run", 3, False)


def test_a_closure_by_false_information_names_the_detail(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    found = _of(day, "close")
    assert (found.rule, found.false_field, found.findings) == ("false_info", "phone", ())


def test_a_closure_by_refusal_names_the_incident(day: Day) -> None:
    day.log().contact(1).do(c.StateRefused(by="li", incident=1))
    found = _of(day, "close")
    assert (found.rule, [finding.id for finding in found.findings]) == ("refusal", ["1-1"])


def test_a_closure_that_was_upheld_is_told_without_what_was_voided(day: Day) -> None:
    for _ in range(3):
        day.log()
    day.do(c.VoidIncident(by="li", incident=2, reason="none"))
    day.do(c.Uphold(by="wang", reason="two are enough"))
    for kind, lane in (("close", "notice"), ("call", "desk")):
        found = _of(day, kind, lane)
        assert [finding.id for finding in found.findings] == ["1-1", "1-3"]
        assert (found.findings_more, found.settled) == (0, False)


def test_and_without_whom_somebody_has_reached_in_time(day: Day) -> None:
    for _ in range(3):
        day.miss().after("36h").elapse()
    day.contact(2, at="03-02 23:30")
    day.do(c.Uphold(by="wang", reason="two are enough"))
    assert [finding.id for finding in _of(day, "close").findings] == ["1-1", "1-3"]


def test_a_closure_that_was_taken_back_is_told_to_nobody_and_the_next_one_is(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    day.do(c.AskReinstatement(by="li", reason="slip")).do(c.Approve(by="wang"))
    assert _of(day, "close").settled
    assert _of(day, "reopen").cause == "other"
    day.after("1m").do(c.StateFalse(by="li", field="email", evidence="bounces"))
    assert [_facts(day, order).settled for order in orders_of(day, "close")] == [True, False]


# ── what is not done in the world ──────────────────────────────────────────────────────────────


def carried_out(day: Day, kind: str, lane: str = "act") -> None:
    """The last order of that kind is."""
    order = orders_of(day, kind)[-1].seq
    day.do(c.RecordDelivery(order=order, lane=lane, adapter="panel", attempts=1, enforced=True))


def _braked(day: Day, kind: str) -> int:
    order = orders_of(day, kind)[-1].seq
    for lane in ("act", "notice"):
        day.do(
            c.RecordFailure(order=order, lane=lane, adapter="brake", attempts=0, problem="braked")
        )
    return order


@pytest.mark.parametrize("cancelled", [False, True])
def test_nobody_is_told_that_a_site_is_closed_which_the_brake_or_a_person_keeps_up(
    cancelled: bool, day: Day
) -> None:
    for _ in range(3):
        day.log()
    order = _braked(day, "close")
    if cancelled:
        day.do(
            c.CancelOrder(
                by="wang", order=order, lane="act", why="by_hand", reason="a stolen token"
            )
        )
    assert (_of(day, "notify").site_state, _of(day, "call", "desk").withheld) == ("active", True)
    if not cancelled:
        day.do(c.RetryOrder(by="wang", order=order, lane="act"))
        assert _of(day, "notify").site_state == "closed"
        assert not _of(day, "call", "desk").withheld


def test_a_site_that_is_suspended_while_its_closure_waits_is_told_so(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend")
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    _braked(day, "close")
    assert _of(day, "notify").site_state == "suspended"


def test_a_closure_that_a_hold_carries_out_is_told_with_the_time_of_the_hold(day: Day) -> None:
    day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    _braked(day, "close")
    day.after("1h").do(c.SetHold(by="boss", reason="ordered"))
    found = _facts(day, orders_of(day, "close")[0])
    assert (found.settled, found.at, found.rule) == (False, utc("11:00"), "false_info")


def _opening(day: Day) -> int:
    """It was down for its twelve hours; the number of the order to open it."""
    day.miss()
    carried_out(day, "suspend")
    day.after("13h").elapse()
    return orders_of(day, "reopen")[-1].seq


def test_a_site_is_being_opened_until_it_is(day: Day) -> None:
    order = _opening(day)
    day.do(c.RecordFailure(order=order, lane="act", adapter="panel", attempts=9, problem="gone"))
    ordered = _of(day, "reopen")
    assert (ordered.opening, ordered.settled, ordered.cause) == (True, False, "ended")

    day.after("2h")
    carried_out(day, "reopen")

    done = _of(day, "reopen")
    assert (done.opening, done.settled, done.at) == (False, False, ordered.at + timedelta(hours=2))


def test_what_another_order_has_opened_is_open(day: Day) -> None:
    order = _opening(day)
    day.do(c.RecordFailure(order=order, lane="act", adapter="panel", attempts=9, problem="gone"))
    day.do(c.RepeatOrder(by="boss"))
    carried_out(day, "reopen")
    told = _facts(day, orders_of(day, "reopen")[0])
    assert (told.opening, told.settled) == (False, False)


@pytest.mark.parametrize("why", ["by_hand", "superseded", "left_down"])
def test_nobody_is_told_of_an_opening_that_does_not_come(day: Day, why: str) -> None:
    order = _opening(day)
    if why == "superseded":
        day.do(c.SetHold(by="boss", reason="ordered"))
    elif why == "left_down":
        day.do(c.CancelOrder(by=c.DISPATCHER, order=order, lane="act", why=why, tried=False))
    else:
        day.do(c.CancelOrder(by="boss", order=order, lane="act", why=why, reason="not now"))
    assert _of(day, "reopen").settled


@pytest.mark.parametrize("opening", ["hours", "late truth", "hold lifted"])
def test_what_fell_before_it_was_carried_out_is_told_to_nobody_nor_is_its_end(
    opening: str, day: Day
) -> None:
    if opening == "hold lifted":
        day.do(c.SetHold(by="li", reason="ordered")).do(c.LiftHold(by="li", reason="lifted"))
    elif opening == "hours":
        day.miss().after("13h").elapse()
    else:
        day.miss().contact(1, at="10:30")
    assert (_of(day, "suspend").settled, _of(day, "reopen").settled) == (True, True)
    for kind in ("suspend", "reopen"):
        order = orders_of(day, kind)[-1].seq
        day.do(c.CancelOrder(by=c.DISPATCHER, order=order, lane="act", why="lifted", tried=False))
    assert (_of(day, "suspend").settled, _of(day, "reopen").settled) == (True, True)


def test_who_was_told_of_a_suspension_that_fell_is_told_that_it_did(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend", "notice")
    day.after("13h").elapse()
    found = _of(day, "reopen")
    assert (found.cause, found.settled) == ("never_down", False)


def test_nobody_is_told_that_a_site_was_not_taken_down_which_a_hold_takes_down(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend", "notice")
    day.after("13h").elapse().do(c.SetHold(by="boss", reason="ordered"))
    assert _of(day, "reopen").settled


def test_nobody_is_told_that_a_site_was_not_taken_down_which_a_loss_has_left_down(day: Day) -> None:
    day.miss()
    carried_out(day, "suspend", "notice")
    day.after("13h").elapse()
    order = orders_of(day, "reopen")[-1].seq

    day.do(c.CancelOrder(by=c.DISPATCHER, order=order, lane="act", why="left_down", tried=False))

    assert _of(day, "reopen").settled


def test_what_was_tried_may_have_been_down_and_its_end_is_told(day: Day) -> None:
    day.miss()
    order = orders_of(day, "suspend")[-1].seq
    day.do(c.RecordFailure(order=order, lane="act", adapter="panel", attempts=9, problem="gone"))
    day.after("13h").elapse()
    found = _of(day, "reopen")
    assert (found.cause, found.settled) == ("ended", False)


@pytest.mark.parametrize("kind", ["suspend", "close"])
def test_what_somebody_had_to_release_is_told_with_the_time_of_the_release(
    kind: str, day: Day
) -> None:
    day.miss()
    if kind == "close":
        carried_out(day, "suspend")
        day.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    order = _braked(day, kind)
    day.after("2h").do(c.RetryOrder(by="wang", order=order, lane="act"))
    found = _of(day, kind)
    assert (found.at, found.settled) == (utc("13:00:01"), False)


def test_a_closure_in_doubt_is_told_without_its_reason_and_is_no_call(day: Day) -> None:
    for _ in range(3):
        day.log()
    day.do(c.VoidIncident(by="li", incident=3, reason="slip"))
    found = _of(day, "close")
    assert (found.disputed, found.settled) == (True, False)
    assert [finding.id for finding in found.findings] == ["1-1", "1-2"]
    assert _of(day, "call", "desk").settled
    day.do(c.Uphold(by="wang", reason="it stands"))
    assert not _of(day, "close").disputed
    assert not _of(day, "call", "desk").settled


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────


def test_a_call_is_told_until_it_is_made(day: Day) -> None:
    for _ in range(3):
        day.log()
    found = _of(day, "call", "desk")
    assert (found.task, found.rule, found.settled) == ("1-t1", "repeat", False)
    day.do(c.CompleteTask(by="li", task=1, outcome="told"))
    assert _of(day, "call", "desk").settled


def test_a_clock_that_lapsed_with_too_few_attempts_is_told_until_the_person_is(day: Day) -> None:
    _activate(day, Policy(min_attempts=2))
    day.miss()
    found = _of(day, "alarm", "desk")
    assert (found.state, found.contact_due) == ("unreached", utc("11:00"))
    assert (found.attempts, found.needed, found.settled) == (0, 2, False)
    _activate(day, Policy())
    assert _of(day, "alarm", "desk").needed == 2
    day.contact(1)
    assert _of(day, "alarm", "desk").settled


# ── what is not there ────────────────────────────────────────────────────────────────────────────


def test_a_site_without_details_has_none(day: Day) -> None:
    day.add("bare.example").log("bare.example")
    found = _of(day, "notify")
    assert (found.site, found.person, found.email, found.phone) == (
        "bare.example",
        None,
        None,
        None,
    )


def test_what_was_erased_is_not_there(day: Day) -> None:
    day.log()
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM sealed")
    found = _of(day, "notify")
    assert (found.person, found.email, found.phone) == (None, None, None)


def test_an_order_about_nothing_has_no_facts(day: Day) -> None:
    day.log()
    [order] = orders_of(day, "notify")
    with day.reading() as connection:
        unknown: list[dict[str, Any]] = [{"site_id": 99}, {"incident": "1-9"}, {"incident": None}]
        for changed in unknown:
            assert record.of_order(connection, replace(order, **changed)) is None


def test_a_name_in_other_letters_is_told_as_people_read_it(day: Day) -> None:
    day.add("xn--fsqu00a.example").log("xn--fsqu00a.example")
    assert _of(day, "notify").site == "例子.example"


def test_the_customer_s_page_is_asked_for_each_order(day: Day) -> None:
    day.log()

    def opened() -> AbstractContextManager[Connection]:
        return reading(day.engine)

    asked = FactsOfOrders(
        opened, lambda order, revoked: f"https://desk.example/{order.incident}.{revoked}"
    )
    [order] = orders_of(day, "notify")
    for revoked in range(3):
        found = asked(order)
        assert found is not None
        assert found.link == f"https://desk.example/1-1.{revoked}"
        day.do(c.RevokeLinks(by="li", incident=1))
    without = FactsOfOrders(opened)(order)
    assert without is not None
    assert without.link is None


def test_the_facts_cost_the_same_however_long_the_history_is(day: Day) -> None:
    _activate(day, Policy(repeat_count=900))
    day.log()
    first = orders_of(day, "notify")[0]
    few = len(day.statements(lambda: _facts(day, first)))
    for _ in range(30):
        day.log()
    assert len(day.statements(lambda: _facts(day, first))) == few
    assert few <= 8


def _activate(day: Day, policy: Policy) -> None:
    day.desk.activate(policy.toml(), by="li", login="desk1", reason="agreed")
