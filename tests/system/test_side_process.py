"""The costs of an account: one piece of work at a time, within a budget that refills."""

from __future__ import annotations

import pytest

from incidents.system.side_process import (
    BUDGET_S,
    IN_HAND_S,
    WITHIN_S,
    OverspentError,
    ProcessorBudget,
)


class _Machine:
    """A clock and a processor that are moved by hand."""

    def __init__(self) -> None:
        self.now = self.spent = 0.0
        self.processor_budget = ProcessorBudget(lambda: self.now, lambda: self.spent)

    def work(self, by: str, seconds: float) -> None:
        with self.processor_budget.charge(by):
            self.spent += seconds

    def wait_s(self, by: str) -> object:
        with pytest.raises(OverspentError) as found, self.processor_budget.charge(by):
            pass
        return found.value.facts["wait_s"]


@pytest.fixture
def machine() -> _Machine:
    return _Machine()


def test_an_account_has_one_thing_worked_out_at_a_time_and_others_do_not_wait_for_it(
    machine: _Machine,
) -> None:
    with machine.processor_budget.charge("li"):
        assert machine.wait_s("li") == IN_HAND_S
        machine.work("chen", 1)
    machine.work("li", 1)


def test_who_has_any_of_the_budget_left_may_begin_and_who_has_overspent_waits_as_long_as_is_told(
    machine: _Machine,
) -> None:
    machine.work("li", BUDGET_S)
    machine.work("li", 10)
    assert machine.wait_s("li") == 10 * WITHIN_S / BUDGET_S
    machine.now = 10 * WITHIN_S / BUDGET_S - 1
    assert machine.wait_s("li") == 1
    machine.now += 1
    machine.work("li", 0)
    machine.work("chen", 1)


def test_what_another_process_works_for_an_account_is_paid_for_too(machine: _Machine) -> None:
    with machine.processor_budget.charge("li") as spent:
        spent(BUDGET_S)
        machine.spent += 1
    assert machine.wait_s("li") == WITHIN_S / BUDGET_S


def test_what_fails_is_paid_for_too(machine: _Machine) -> None:
    def fail() -> None:
        with machine.processor_budget.charge("li"):
            machine.spent += BUDGET_S + 1
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is raised three lines above
        fail()
    assert machine.wait_s("li") == WITHIN_S / BUDGET_S
