"""Times, and what is due coming first (specification, T and D)."""

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest

from incidents.machine import events as e
from incidents.machine import work
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines
from tests.machine.history import MICROSECOND, Act, History, utc

# Every fact has two times.


def test_an_incident_has_the_time_it_happened_and_the_time_it_was_written_down() -> None:
    site = History(at="10:00").log(at="08:15")
    assert site.incident(1).occurred_at == utc("08:15")
    assert site.incident(1).recorded_at == utc("10:00")


def test_a_contact_has_the_time_it_happened_and_the_time_it_was_written_down() -> None:
    site = History(at="10:00").log()
    site.after("10m").contact(1, "no-answer", at="10:04")
    (contact,) = site.incident(1).contacts
    assert (contact.occurred_at, contact.recorded_at) == (utc("10:04"), utc("10:10"))


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda site: site.removed(1, at="10:04"), e.IncidentRemoved),
        (lambda site: site.contact(1, at="10:04"), e.ContactRecorded),
        (lambda site: site.log(at="10:04"), e.IncidentLogged),
        (lambda site: site.contact(1, at="10:02").refused(1, at="10:04"), e.IncidentRefused),
        (lambda site: site.contact(1).recur(1, at="10:04"), e.IncidentLogged),
        (lambda site: site.imported(at="10:04"), e.IncidentImported),
    ],
)
def test_every_statement_of_a_fact_keeps_both_times(act: Act, kind: type[e.Event]) -> None:
    site = History(at="10:00").log().after("10m")
    act(site)
    event = site.last(kind)
    assert (event.occurred_at, event.recorded_at) == (utc("10:04"), utc("10:10"))


def test_what_is_due_happened_at_its_due_time_and_is_recorded_when_it_is_done() -> None:
    site = History(at="10:00").log().after("3h").elapse()
    lapsed = site.last(e.ClockLapsed)
    assert (lapsed.occurred_at, lapsed.recorded_at) == (utc("11:00"), utc("13:00"))


def test_a_fact_without_a_time_of_its_own_happened_now() -> None:
    site = History(at="10:00").log()
    assert site.incident(1).occurred_at == site.incident(1).recorded_at == utc("10:00")


def test_all_times_are_aware_in_utc_and_exact_to_the_microsecond() -> None:
    site = History(at="10:00").after(MICROSECOND).log()
    incident = site.incident(1)
    assert incident.recorded_at.tzinfo is UTC
    assert incident.recorded_at == utc("10:00:00.000001")
    assert incident.contact_due == utc("11:00:00.000001")


# The future, and a clock that has stepped back.


@pytest.mark.parametrize(
    "act",
    [
        lambda site, at: site.log(at=at),
        lambda site, at: site.contact(1, at=at),
        lambda site, at: site.contact(None, at=at),
        lambda site, at: site.removed(1, at=at),
        lambda site, at: site.refused(2, at=at),
        lambda site, at: site.recur(2, at=at),
        lambda site, at: site.imported(at=at),
        lambda site, at: site.imported(at="10:00", removed=at),
    ],
)
def test_a_time_in_the_future_is_refused_and_now_is_not_the_future(
    act: Callable[[History, str], History],
) -> None:
    site = History(at="10:00").log().log().contact(2).after("10m")
    act(site, "10:10:00.000001")
    assert site.refused_with == "future"
    assert site.happened == []
    act(site, "10:10")
    assert site.refused_with is None


def test_a_clock_that_has_stepped_back_writes_no_entry_before_its_predecessor() -> None:
    site = History(at="10:00").log()
    site.clock_steps_back("30m").log()
    assert site.incident(2).recorded_at == utc("10:00")
    assert site.incident(2).contact_due == utc("11:00")


def test_after_a_step_back_now_is_the_time_of_the_last_entry_so_its_time_is_no_future() -> None:
    site = History(at="10:00").log()
    site.clock_steps_back("30m").contact(1, at="10:00")
    assert site.refused_with is None
    site.contact(1, at="10:00:00.000001")
    assert site.refused_with == "future"


def test_a_clock_that_has_stepped_back_undoes_nothing() -> None:
    site = History(at="10:00").miss()
    site.clock_steps_back("1h").elapse()
    assert site.happened == []
    assert site.state == "suspended"


@pytest.mark.parametrize(
    "act",
    [
        lambda site, at: site.contact(1, at=at),
        lambda site, at: site.removed(1, at=at),
        lambda site, at: site.refused(2, at=at),
        lambda site, at: site.imported(at="09:00", removed=at),
    ],
)
def test_what_has_to_do_with_an_incident_cannot_have_happened_before_it(
    act: Callable[[History, str], History],
) -> None:
    site = History(at="10:00").log(at="09:00").log(at="09:00").contact(2, at="09:00")
    act(site, "08:59:59.999999")
    assert site.refused_with == "before_incident"
    assert "check the time" in site.answer
    act(site, "09:00")
    assert site.refused_with is None


# What is due comes first.


def test_what_is_due_comes_before_the_command_in_one_decision() -> None:
    site = History(at="10:00").log().after("2h").log()
    assert site.happened == ["clock_lapsed", "site_suspended", "incident_logged"]
    assert site.decision.due == 2
    assert (site.decision.incident, site.decision.touched) == (2, (2,))


def test_a_decision_that_touches_no_incident_names_none() -> None:
    site = History(at="10:00").log().after("2h").hold()
    assert (site.decision.incident, site.decision.touched) == (None, ())


def test_what_is_due_is_done_in_the_order_of_the_due_times() -> None:
    site = History(at="10:00").miss()
    site.at("22:30").log()
    site.at("03-02 09:00").elapse()
    assert site.happened == [
        "suspension_ended",  # at 23:00, and a microsecond
        "task_opened",
        "clock_lapsed",  # at 23:30
        "site_suspended",
    ]
    assert [event.occurred_at for event in site.decision.events if event.kind != "task_opened"] == [
        utc("23:00:00.000001"),
        utc("23:30"),
        utc("23:30"),
    ]


def test_what_is_due_is_done_also_when_the_command_itself_is_refused() -> None:
    site = History(at="10:00").log().after("2h").removed(9)
    assert site.refused_with == "unknown_incident"
    assert site.happened == ["clock_lapsed", "site_suspended"]
    assert site.decision.due == len(site.decision.events)
    assert site.state == "suspended"


@pytest.mark.parametrize("act", [History.log, lambda site: site.contact(1), History.hold])
def test_the_outcome_does_not_depend_on_whether_the_daemon_or_an_operator_came_first(
    act: Act,
) -> None:
    operator, daemon = (History(at="10:00").log().after("2h") for _ in range(2))
    act(operator)
    act(daemon.elapse())
    assert operator.case == daemon.case
    assert operator.events == daemon.events


def test_a_late_daemon_shifts_the_moment_of_the_suspension_and_nothing_else() -> None:
    on_time = History(at="10:00").log().after("1h", MICROSECOND).elapse().after("2h").elapse()
    late = History(at="10:00").log().after("3h", MICROSECOND).elapse()
    assert late.suspension(1).made_at - on_time.suspension(1).made_at == timedelta(hours=2)
    for site in (on_time, late):
        assert (site.state, site.run, site.states) == ("suspended", 1, ["unreached"])
        assert site.suspension(1).due == utc("11:00")


def test_a_late_daemon_shifts_what_falls_into_the_suspension() -> None:
    def history(daemon: str) -> History:
        site = History(at="10:00").log().at(daemon).elapse()
        return site.at("22:30").log().at("03-02 01:00").elapse()

    assert history("11:29").members(1) == [1], "it ends at 23:29; the second lapses at 23:30"
    assert history("11:31").members(1) == [1, 2]


def test_looking_does_nothing_and_shows_what_is_overdue() -> None:
    site = History(at="10:00").log().after("5h")
    before = site.case.copy()
    assert work.items(site.case)["1"].due == utc("11:00")
    assert deadlines.next_due(site.case) == utc("11:00")
    assert site.case == before
    assert site.states == ["open"]


# Everything that is timed is due strictly after its time.


def test_at_its_deadline_a_contact_clock_has_not_lapsed_and_a_microsecond_later_it_has() -> None:
    site = History(at="10:00").log().after("1h").elapse()
    assert site.states == ["open"]
    assert site.happened == []
    site.after(MICROSECOND).elapse()
    assert site.states == ["unreached"]


def test_at_its_end_a_suspension_still_runs_and_a_microsecond_later_it_is_over() -> None:
    site = History(at="10:00").miss().after("12h").elapse()
    assert site.state == "suspended"
    site.after(MICROSECOND).elapse()
    assert site.state == "active"


def test_at_its_deadline_a_removal_is_not_refused_and_a_microsecond_later_it_is() -> None:
    site = History(at="10:00", policy=Policy(removal_within=timedelta(hours=2)))
    site.log().contact(1).after("2h").elapse()
    assert site.state == "active"
    site.after(MICROSECOND).elapse()
    assert (site.state, site.rule) == ("closed", "refusal")


# A rule acts when the fact that completes it arrives.


def test_r1_acts_when_an_incident_is_logged() -> None:
    site = History().closed_by_repeat()
    assert site.happened == ["incident_logged", "site_closed", "task_opened"]


def test_r2_and_r3_act_when_a_clock_lapses() -> None:
    site = History().miss()
    assert site.happened == ["clock_lapsed", "site_suspended"]
    site.sit_out().miss().sit_out().miss()
    assert site.happened == ["clock_lapsed", "site_closed"]


def test_r4_acts_when_it_is_stated() -> None:
    assert History().false_info().happened == ["site_closed"]


def test_r5_acts_when_it_is_stated() -> None:
    assert History().closed_by_refusal().happened == ["incident_refused", "site_closed"]


def test_a_recount_that_makes_the_run_3_closes_nothing() -> None:
    site = History().miss().after("24h").log().contact(2).after("24h")
    site.miss().after("24h").miss().sit_out()
    assert (site.state, site.run) == ("active", 2)
    site.void(2)
    assert (site.state, site.run) == ("active", 3)


def test_a_recount_that_lets_a_case_stand_again_suspends_nobody() -> None:
    site = History().miss().contact(1, ago=MICROSECOND)
    assert (site.state, site.run) == ("active", 0)
    site.void_contact(1)
    assert (site.state, site.run) == ("active", 1)
    assert site.suspension(1).struck is False
