"""Grouping: a burst of reports is one finding."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from incidents.history.report import Report
from incidents.history.reports import MAX_URLS, MAX_URLS_BYTES, group_reports

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(
    minutes: float, site: str = "a.example", url: str | None = None, line: int = 0
) -> Report:
    at = START + timedelta(minutes=minutes)
    return Report(line=line, site=site, occurred_at=at, url=url)


def kept(*minutes: float, within: timedelta | None = HOUR) -> list[float]:
    found = group_reports([report(minute) for minute in minutes], within)
    return [(f.report.occurred_at - START) / timedelta(minutes=1) for f in found]


def test_a_report_that_lies_exactly_that_far_is_not_kept_and_one_further_is() -> None:
    assert kept(0, 60) == [0]
    assert kept(0, 60.0001) == [0, 60.0001]


def test_the_distance_is_to_the_last_one_kept_and_not_to_the_last_one() -> None:
    assert kept(0, 40, 80, 120, 160) == [0, 80, 160]


def test_without_a_distance_each_report_is_kept() -> None:
    assert kept(0, 0, 1, within=None) == [0, 0, 1]


def test_with_no_distance_at_all_reports_of_one_moment_are_one() -> None:
    assert kept(0, 0, 0.0001, within=timedelta(0)) == [0, 0.0001]


def test_sites_are_grouped_apart() -> None:
    found = group_reports([report(0), report(1, "b.example"), report(2)], HOUR)
    assert [finding.report.site for finding in found] == ["a.example", "b.example"]


def test_several_addresses_of_one_finding_are_on_its_incident_each_once() -> None:
    urls = ["http://a.example/1", None, "http://a.example/2", "http://a.example/1"]
    [finding] = group_reports([report(n, url=url) for n, url in enumerate(urls)], HOUR)
    assert finding.urls == ("http://a.example/1", "http://a.example/2")
    assert finding.left_out == 0


def test_an_incident_has_no_more_addresses_than_it_may_and_the_rest_is_counted() -> None:
    [many] = group_reports(
        [report(0, url=f"http://a.example/{n}") for n in range(MAX_URLS + 3)], HOUR
    )
    assert (len(many.urls), many.left_out) == (MAX_URLS, 3)
    [long] = group_reports(
        [report(0, url="http://a.example/" + f"{n:02000}") for n in range(40)], HOUR
    )
    assert sum(map(len, long.urls)) <= MAX_URLS_BYTES
    assert len(long.urls) + long.left_out == 40


reports = st.lists(
    st.builds(report, st.integers(0, 400), st.sampled_from(["a.example", "b.example"]))
).map(lambda found: sorted(found, key=lambda r: r.occurred_at))


@given(reports, st.integers(0, 200).map(lambda minutes: timedelta(minutes=minutes)))
def test_what_is_kept_is_what_a_look_at_all_pairs_keeps(
    given: list[Report], within: timedelta
) -> None:
    expected: list[Report] = []
    for candidate in given:
        same = [one for one in expected if one.site == candidate.site]
        if all(candidate.occurred_at - one.occurred_at > within for one in same):
            expected.append(candidate)
    assert [finding.report for finding in group_reports(given, within)] == expected


@given(reports, st.integers(0, 200).map(lambda minutes: timedelta(minutes=minutes)))
def test_each_report_is_kept_or_within_the_distance_of_one_that_is(
    given: list[Report], within: timedelta
) -> None:
    found = [finding.report for finding in group_reports(given, within)]
    for one in given:
        assert any(
            other.site == one.site and timedelta(0) <= one.occurred_at - other.occurred_at <= within
            for other in found
        )
