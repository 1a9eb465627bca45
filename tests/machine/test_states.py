"""The states of a site and of an incident, and the ways between them (specification, S)."""

import pytest

from tests.machine.history import MICROSECOND, Act, History

# The site.


def test_a_site_goes_from_active_to_suspended_and_back_again_and_again() -> None:
    site = History()
    assert site.state == "active"
    for _ in range(2):
        assert site.miss().state == "suspended"
        assert site.sit_out().state == "active"


@pytest.mark.parametrize("before", [lambda site: site, lambda site: site.miss()])
def test_from_either_it_may_be_closed(before: Act) -> None:
    site = History()
    before(site)
    assert site.false_info().state == "closed"


@pytest.mark.parametrize(
    "act",
    [
        lambda site: site.after("2400h").elapse(),
        lambda site: site.hold().unhold(),
        lambda site: site.void(1).void(2).void(3),
        lambda site: site.uphold(),
        lambda site: site.void(1).uphold(),
        lambda site: site.contact(None),
        lambda site: site.reinstate(),
        lambda site: site.reinstate().decline(),
    ],
)
def test_from_closed_nothing_but_a_reinstatement_leads_back(act: Act) -> None:
    site = History().closed_by_repeat()
    act(site)
    assert site.state == "closed"
    site.reinstate().approve()
    assert site.state == "active"


# The incident.


def test_an_incident_is_open_while_its_clock_runs() -> None:
    site = History().log()
    assert site.states == ["open"]
    assert site.case.clock_runs(site.incident(1))


def test_after_a_reinstatement_it_is_open_without_a_clock() -> None:
    site = History().log().false_info().reopened()
    assert site.states == ["open"]
    assert not site.case.clock_runs(site.incident(1))


@pytest.mark.parametrize(
    ("way", "states"),
    [
        (lambda s: [s.contact(1), s.removed(1)], ["notified", "removed"]),
        (lambda s: [s.contact(1), s.refused(1)], ["notified", "refused"]),
        (lambda s: [s.after("2h").elapse(), s.contact(1)], ["unreached", "notified"]),
        (lambda s: [s.after("2h").elapse(), s.removed(1)], ["unreached", "removed"]),
        (lambda s: [s.removed(1)], ["removed"]),
    ],
)
def test_the_ways_forward(way: Act, states: list[str]) -> None:
    passed: list[str] = []
    site = _watched(passed)
    way(site)
    assert passed == states


@pytest.mark.parametrize(
    "before",
    [
        lambda site: site.log(),
        lambda site: site.log().contact(1),
        lambda site: site.miss(),
        lambda site: site.log().removed(1),
        lambda site: site.closed_by_refusal(),
        lambda site: site.false_info().log(),
    ],
    ids=["open", "notified", "unreached", "removed", "refused", "moot"],
)
def test_from_any_state_but_voided_an_incident_is_voided(before: Act) -> None:
    site = History()
    before(site)
    assert site.void(1).states == ["voided"]
    assert site.void(1).refused_with == "state_forbids"


def test_what_is_found_on_a_closed_site_is_moot() -> None:
    assert History().false_info().log().states == ["moot"]


def test_back_from_unreached_to_notified_by_late_truth() -> None:
    assert History().miss().contact(1, ago=MICROSECOND).states == ["notified"]


def test_back_from_notified_to_open_by_a_voided_contact() -> None:
    assert History().log().contact(1).void_contact(1).states == ["open"]


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (lambda site: site.log().removed(1), "open"),
        (lambda site: site.log().contact(1).removed(1), "notified"),
        (lambda site: site.miss().removed(1), "unreached"),
        (lambda site: site.closed_by_refusal(), "notified"),
    ],
)
def test_back_from_removed_or_refused_by_taking_it_back(before: Act, state: str) -> None:
    site = History()
    before(site)
    assert site.take_back(1).states == [state]


@pytest.mark.parametrize(
    ("before", "act"),
    [
        (lambda site: site.log().removed(1), lambda site: site.removed(1)),
        (lambda site: site.closed_by_refusal(), lambda site: site.removed(1)),
        (lambda site: site.log().void(1), lambda site: site.removed(1)),
        (lambda site: site.false_info().log(), lambda site: site.removed(1)),
        (lambda site: site.log().void(1), lambda site: site.refused(1)),
    ],
)
def test_what_no_table_allows_is_refused_and_says_when_it_is_possible(
    before: Act, act: Act
) -> None:
    site = History()
    before(site)
    states = site.states
    act(site)
    assert site.refused_with == "state_forbids"
    assert "possible only when it is" in site.answer
    assert site.states == states


@pytest.mark.parametrize(
    "act",
    [
        lambda site: site.contact(7),
        lambda site: site.removed(7),
        lambda site: site.refused(7),
        lambda site: site.void(7),
        lambda site: site.void_contact(7),
        lambda site: site.take_back(7),
        lambda site: site.recur(7),
    ],
)
def test_an_incident_that_does_not_exist_is_refused_by_name(act: Act) -> None:
    site = History().log()
    act(site)
    assert site.refused_with == "unknown_incident"
    assert "12-7" in site.answer


def _watched(passed: list[str]) -> History:
    """A site with one open incident, whose states are noted as it passes through them."""

    class Watched(History):
        def do(self, command: object) -> "Watched":
            super().do(command)  # type: ignore[arg-type]
            if self.case.incidents and (state := self.states[0]) != "open":
                passed.append(state)
            return self

    return Watched().log()
