"""The duty to report (L.1): what the police were told of, and that it moves nothing."""

from collections.abc import Callable

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED
from tests.machine.history import BOB, MICROSECOND, History, utc

IN_A_STATE: dict[str, Callable[[], History]] = {
    "open": lambda: History().log(),
    "notified": lambda: History().log().contact(1),
    "unreached": lambda: History().miss(),
    "removed": lambda: History().log().removed(1),
    "refused": lambda: History().closed_by_refusal(),
    "moot": lambda: History().false_info().log(),
}


def test_a_report_is_recorded_at_its_time_with_its_receipt() -> None:
    site = History(at="10:00").log().after("3h")
    site.do(c.StateReported(by=BOB, incident=1, at=utc("12:00"), note="sha256:1"))
    assert site.recorded(e.IncidentReported) == [
        e.IncidentReported(
            occurred_at=utc("12:00"), recorded_at=utc("13:00"), by=BOB, policy=DOCUMENTED.digest,
            incident=1, note="sha256:1",
        )
    ]  # fmt: skip
    assert site.incident(1).reported_at == utc("12:00")
    assert site.decision.touched == (1,)


@pytest.mark.parametrize("state", IN_A_STATE)
def test_an_incident_of_any_state_but_voided_is_reported_and_stays_as_it_is(state: str) -> None:
    site = IN_A_STATE[state]()
    before = site.case
    site.reported(1)
    assert site.happened == ["incident_reported"]
    assert (site.states, site.state) == ([state, *site.states[1:]], before.state)
    assert (site.case.run, site.case.tasks, site.queue) == (before.run, before.tasks, site.queue)
    assert site.case.deliveries == before.deliveries


def test_an_imported_incident_can_be_reported_too() -> None:
    site = History(at="10:00").imported(at="09:00").reported(1)
    assert site.incident(1).reported_at == utc("10:00")


def test_a_voided_incident_is_not_reported_and_one_that_was_reported_can_be_voided() -> None:
    site = History().log().void(1).reported(1)
    assert site.refused_with == "state_forbids"
    assert site.answer.startswith(
        "incident 12-1 is voided; recording a report to the police is possible only when it is"
        " not voided"
    )
    site = History(at="10:00").log().reported(1).void(1)
    assert site.states == ["voided"]
    assert site.incident(1).reported_at == utc("10:00")


def test_an_incident_is_reported_once() -> None:
    site = History(at="10:00").log().reported(1).after("1m").reported(1)
    assert site.refused_with == "already_reported"
    assert site.happened == []
    assert site.incident(1).reported_at == utc("10:00")


def test_each_incident_is_reported_for_itself() -> None:
    site = History().log().log().reported(2).reported(1)
    assert site.refused_with is None
    assert site.incident(1).reported_at == site.incident(2).reported_at == utc("10:00")


def test_an_incident_cannot_have_been_reported_before_it_occurred() -> None:
    site = History(at="10:00").log(at="09:00").reported(1, at="08:59:59.999999")
    assert site.refused_with == "before_incident"
    assert site.reported(1, at="09:00").refused_with is None


def test_nor_in_the_future() -> None:
    site = History(at="10:00").log().reported(1, at="10:00:00.000001")
    assert site.refused_with == "future"
    assert site.reported(1, at="10:00").refused_with is None


def test_what_is_wrong_with_a_report_is_said_in_a_fixed_order() -> None:
    assert History().reported(7, at="11:00").refused_with == "unknown_incident"
    assert History().log().void(1).reported(1, at="11:00").refused_with == "future"
    assert History().log().void(1).reported(1, at="09:00").refused_with == "state_forbids"
    assert History().log().reported(1).reported(1, at="09:00").refused_with == "before_incident"


def test_a_report_stops_no_clock() -> None:
    site = History(at="10:00").log().reported(1).at("11:00").elapse()
    assert site.state == "active"
    assert site.after(MICROSECOND).elapse().state == "suspended"


def test_no_rule_acts_when_its_day_has_passed_without_a_report() -> None:
    """The second clock reminds; it suspends nobody."""
    site = History(at="10:00").log().contact(1).after("24h", MICROSECOND).elapse()
    assert (site.happened, site.state) == ([], "active")
    assert site.after("30d").reported(1).happened == ["incident_reported"]


def test_a_report_orders_nothing() -> None:
    assert History().log().reported(1).ordered == []
