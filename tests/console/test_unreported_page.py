"""The list of incidents to report: page by page, filtered, and short however many there are."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from incidents.console.pages import unreported
from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

ROW = re.compile(r'<li class="item duty[^"]*" id="r-([^"]+)"')


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Four incidents to report, of which the first one is overdue, and one that was reported."""
    for n, hours in enumerate((25, 23, 2, 1)):
        desk.violation(
            f"s{n}.example", ago=timedelta(hours=hours), category=("spam", "fraud")[n % 2]
        )
    desk.do("s3.example", c.Log(by="li", again=True))
    desk.do("s3.example", c.StateReported(by="li", incident=1))
    return desk


@pytest.mark.both_databases
def test_the_list_is_walked_page_by_page(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreported, "PAGE", 2)
    viewer = Visitor(desk, "viewer")
    first = viewer.get("/unreported").text
    assert "Overdue: 1. Still in time: 3." in first
    [more] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = viewer.get(unescape(more)).text
    assert [ROW.findall(page) for page in (first, second)] == [["1-1", "2-1"], ["3-1", "4-2"]]
    assert 'rel="next"' not in second


@pytest.mark.both_databases
def test_the_list_is_filtered_by_its_address(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for asked, found in (
        ({"due": "overdue"}, ["1-1"]),
        ({"due": "4h"}, ["1-1", "2-1"]),
        ({"category": "spam"}, ["1-1", "3-1"]),
        ({"site": "s3.example"}, ["4-2"]),
        ({"state": "removed"}, []),
    ):
        assert ROW.findall(viewer.get("/unreported", **asked).text) == found, asked
    assert viewer.get("/unreported", due="soon").status_code == 422
    assert viewer.get("/unreported", category="\0").status_code == 422
    assert viewer.get("/unreported", site="nobody.example").status_code == 422


def test_the_list_says_that_reports_are_recorded_together_or_one_by_one(desk: ConsoleDesk) -> None:
    for language, told in (
        ("en", "Record one report on the incident&#39;s page, or select several."),
        ("zh", "可在违规页面逐项登记已报告，也可勾选多项一并登记。"),
    ):
        assert told in Visitor(desk, "li", language).get("/unreported").text


@pytest.mark.both_databases
def test_the_counts_above_the_list_are_of_what_is_filtered(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for asked, told in (
        ({"site": "s0.example"}, "Overdue: 1. Still in time: 0."),
        ({"site": "s1.example"}, "Overdue: 0. Still in time: 1."),
        ({"category": "spam"}, "Overdue: 1. Still in time: 1."),
        ({"due": "overdue"}, "Overdue: 1. Still in time: 0."),
        ({"state": "removed"}, "Overdue: 0. Still in time: 0."),
    ):
        assert told in viewer.get("/unreported", **asked).text, asked


def test_the_pages_of_the_incident_and_the_site_say_by_when_to_report(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    page = li.get("/incidents/2-1").text
    [told] = re.findall(r"not reported · Report by .*?</dd>", page)
    assert "data-ticks" in told
    assert 'href="#act-reported"' in told
    assert "not reported" not in li.get("/incidents/4-1").text
    assert 'href="#act-reported"' not in Visitor(desk, "vera").get("/incidents/2-1").text
    dues = re.findall(r'<p class="due">.*?</p>', li.get("/sites/s3.example").text)
    # The clock of an incident is nearer than its report, and what was reported is not due.
    assert ["report to the police" in due for due in dues] == [False, True]
    assert 'href="/incidents/4-2#act-reported"' in dues[1]
