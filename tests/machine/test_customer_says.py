"""The customer says that the content is gone: the desk looks, and nothing stops for it (R2)."""

from collections.abc import Callable

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED
from tests.machine.history import MICROSECOND, History, utc

LIVING: dict[str, Callable[[], History]] = {
    "open": lambda: History().log(),
    "notified": lambda: History().log().contact(1),
    "unreached": lambda: History().miss(),
}
SETTLED: dict[str, Callable[[], History]] = {
    "removed": lambda: History().log().removed(1),
    "refused": lambda: History().closed_by_refusal(),
    "voided": lambda: History().log().void(1),
    "moot": lambda: History().false_info().log(),
}


def test_the_customers_word_is_recorded_with_the_remark_and_opens_a_recheck() -> None:
    site = History(at="10:00").log().after("30m")
    site.do(c.SayRemoved(incident=1, note="sha256:1"))
    assert site.recorded() == [
        e.RemovalSaid(
            occurred_at=utc("10:30"), recorded_at=utc("10:30"), by=c.CUSTOMER,
            policy=DOCUMENTED.digest, incident=1, note="sha256:1",
        ),
        e.TaskOpened(
            occurred_at=utc("10:30"), recorded_at=utc("10:30"), by=c.CUSTOMER,
            policy=DOCUMENTED.digest, task=1, task_kind="recheck", incidents=(1,),
        ),
    ]  # fmt: skip
    assert site.incident(1).removal_said_at == utc("10:30")
    assert site.queue["t1"] == "recheck"
    assert site.decision.touched == (1,)


@pytest.mark.parametrize("state", LIVING)
def test_it_moves_no_state(state: str) -> None:
    site = LIVING[state]()
    before = site.case
    site.says_removed(1)
    assert site.happened == ["removal_said", "task_opened"]
    assert (site.states, site.state, site.run) == ([state], before.state, before.run)
    assert site.incident(1).contact_due == before.incidents[1].contact_due
    assert site.ordered == []


@pytest.mark.parametrize("state", SETTLED)
def test_there_is_nothing_to_say_of_what_is_settled(state: str) -> None:
    site = SETTLED[state]().says_removed(1)
    assert site.refused_with == "state_forbids"
    assert site.answer == (
        f"incident 12-1 is {state}; this is possible only when it is open or notified or unreached"
    )


def test_it_stops_no_clock() -> None:
    site = History(at="10:00").log().after("5m").says_removed(1).at("11:00").elapse()
    assert (site.states, site.state) == (["open"], "active")
    site.after(MICROSECOND).elapse()
    assert (site.states, site.state) == (["unreached"], "suspended")


def test_it_ends_no_suspension_and_breaks_no_run() -> None:
    site = History(at="10:00").miss().says_removed(1)
    assert (site.state, site.run) == ("suspended", 1)
    assert site.sit_out().miss().run == 2


def test_it_is_said_once_of_an_incident_also_after_the_desk_has_looked() -> None:
    site = History().log().says_removed(1).says_removed(1)
    assert (site.refused_with, site.happened) == ("already_said", [])
    site.done(1, "still there").says_removed(1)
    assert site.refused_with == "already_said"
    assert site.log().says_removed(2).refused_with is None


def test_of_what_is_found_there_again_it_can_be_said_anew() -> None:
    site = History().log().contact(1).says_removed(1).recur(1).says_removed(2)
    assert [task.incidents for task in site.open_tasks] == [(1,), (2,)]


def test_a_statement_that_it_is_gone_completes_the_recheck() -> None:
    site = History().log().says_removed(1).removed(1)
    assert site.happened == ["incident_removed", "task_completed"]
    assert site.open_tasks == []


def test_an_incident_that_is_not_there_is_unknown() -> None:
    assert History().says_removed(1).refused_with == "unknown_incident"


def test_it_can_be_said_on_a_closed_site_and_opens_nothing() -> None:
    site = History().closed_by_repeat().says_removed(1)
    assert site.happened == ["removal_said", "task_opened"]
    assert (site.state, site.disputed) == ("closed", False)


def test_what_is_due_comes_before_it() -> None:
    site = History(at="10:00").log().after("1h", MICROSECOND).says_removed(1)
    assert site.happened == ["clock_lapsed", "site_suspended", "removal_said", "task_opened"]
