"""One finding or another: what a rule joins, leaves to the desk, or logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.intake import finding
from incidents.intake.finding import BURST, NEW, Decision, Known, Named
from incidents.values.incident_states import ENDED, UNSETTLED

TEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
A, B = "https://shop.example/a", "https://shop.example/b"
STATES = (*UNSETTLED, *ENDED)


def known(
    minutes: float, state: str = "open", category: str | None = "phishing", url: str = A, n: int = 1
) -> Known:
    """An incident whose last report came in that many minutes ago."""
    return Known(
        n=n, state=state, category=category, urls=frozenset([url]),
        last_at=TEN - timedelta(minutes=minutes),
    )  # fmt: skip


def named(url: str = A, category: str | None = "phishing") -> Named:
    return Named(category=category, urls=frozenset([url]), received_at=TEN)


@pytest.mark.parametrize(
    ("report", "before", "decided"),
    [
        (named(), [], NEW),
        (named(B), [known(60)], Decision(n=1)),
        (named(B), [known(60.1)], NEW),
        (named(), [known(9_000)], Decision(n=1)),
        (named(B, "malware"), [known(1)], NEW),
        (named(A, "malware"), [known(1)], Decision(asks="double_entry")),
        (named(A, "malware"), [known(1, "removed")], NEW),
        (named(B, None), [known(1)], Decision(n=1)),
        (named(B), [known(1, category=None)], Decision(n=1)),
        (named(), [known(1, "removed")], Decision(asks="just_settled")),
        (named(B), [known(1, "voided")], Decision(asks="just_settled")),
        (named(), [known(61, "removed")], NEW),
        # Recorded after the report came in: the rule acts late.
        (named(B), [known(-600)], Decision(n=1)),
        (named(), [known(5, url=B, n=2), known(300, n=1)], Decision(n=1)),
        (named(), [known(5, "removed", n=2), known(300, n=1)], Decision(n=1)),
    ],
)
def test_what_may_be_known_is_not_logged(
    report: Named, before: list[Known], decided: Decision
) -> None:
    assert finding.to_log(report, before) == decided


@pytest.mark.parametrize(
    ("report", "before", "decided"),
    [
        (named(), [], Decision(asks="no_incident")),
        (named(), [known(9_000), known(1, url=B, n=2)], Decision(n=1)),
        (named(B), [known(9_000)], Decision(n=1)),
        (named(B), [known(1), known(1, n=2)], Decision(asks="several_incidents")),
        (named(), [known(1), known(1, n=2)], Decision(asks="several_incidents")),
        (named(), [known(1, "removed")], Decision(asks="no_incident")),
        (named(B), [known(1, category="malware")], Decision(asks="no_incident")),
        (named(A), [known(1, category="malware")], Decision(n=1)),
    ],
)
def test_a_report_is_joined_to_the_only_one_that_it_can_be_about(
    report: Named, before: list[Known], decided: Decision
) -> None:
    assert finding.to_join(report, before) == decided


_CATEGORIES = st.sampled_from([None, "phishing", "malware"])
_KNOWN = st.lists(
    st.builds(
        known, st.integers(-100, 200), st.sampled_from(STATES), _CATEGORIES,
        st.sampled_from([A, B]), st.integers(1, 9),
    ),
    unique_by=lambda each: each.n,
)  # fmt: skip


@given(st.builds(named, st.sampled_from([A, B]), _CATEGORIES), _KNOWN)
def test_nothing_is_logged_within_an_hour_of_a_report_of_the_same_kind(
    report: Named, before: list[Known]
) -> None:
    recent = [each for each in before if TEN - each.last_at <= BURST]
    alike = [each for each in recent if report.category in (each.category, None)]
    if alike:
        assert finding.to_log(report, before) != NEW


@given(st.builds(named, st.sampled_from([A, B]), _CATEGORIES), _KNOWN)
def test_only_what_the_desk_still_works_on_is_joined(report: Named, before: list[Known]) -> None:
    states = {each.n: each.state for each in before}
    for decide in (finding.to_log, finding.to_join):
        n = decide(report, before).n
        assert n is None or states[n] in UNSETTLED
