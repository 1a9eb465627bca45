"""The comparison: the same history, and the sites to which another policy does something else."""

from io import BytesIO

from incidents.history import reports
from incidents.history.comparison import Comparison, of, prepare
from incidents.history.reports import Draw
from incidents.machine.policy import Policy

LINES = b"""occurred_at,site,contact
2026-03-01 10:00,a.example,reached
2026-03-01 11:00,a.example,reached
2026-03-02 10:00,b.example,no-answer
"""


def compared(*policies: Policy) -> Comparison:
    named = [(f"p{n}", policy) for n, policy in enumerate(policies)]
    taken = prepare(reports.read_history(BytesIO(LINES), "h.csv"), Draw(), None)
    return of(taken, taken.run_under(named))


def test_only_sites_that_fare_otherwise_are_named() -> None:
    found = compared(Policy(), Policy(repeat_count=2))
    assert [difference.site for difference in found.differences] == ["a.example"]
    [first, second] = found.differences[0].actions
    assert (first, [action.what for action in second]) == ((), ["repeat"])


def test_the_same_policy_twice_differs_nowhere() -> None:
    assert compared(Policy(), Policy()).differences == ()


def test_the_numbers_are_those_of_the_history() -> None:
    found = compared(Policy())
    assert (found.reports, found.kept, found.drawn, found.bad) == (3, 3, 0, 0)
    assert [outcome.suspensions for outcome in found.outcomes] == [1]


def test_a_history_that_is_open_already_is_read_and_left_open() -> None:
    raw = BytesIO(LINES)
    assert len(reports.read_history(raw, "h.csv").reports) == 3
    assert not raw.closed
