"""The overview's page: today's numbers and the charts, for everybody who may look."""

import html
import re
from collections import Counter
from datetime import timedelta

import pytest

from incidents import clock
from incidents.machine import commands as c
from tests.console.month import a_month
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor


# What the charts are drawn from is counted on both databases in tests/views/test_overview.py.
@pytest.mark.both_databases(long="postgresql")
def test_it_shows_each_chart_with_a_table_behind_it_in_both_languages(desk: ConsoleDesk) -> None:
    a_month(desk)
    page = Visitor(desk, "viewer").get("/overview")
    assert page.status_code == 200
    assert page.text.count('<svg class="chart') == page.text.count("<table") == 5
    for title in (
        "Violations by category",
        "Day of occurrence (",
        "Time to contact",
        "Work by hour",
    ):
        assert title in page.text
    assert re.search(r"\d+ (s|min|h)\b", page.text)
    chinese = Visitor(desk, "operator", "zh").get("/overview").text
    assert "按类别统计的违规" in chinese
    assert "{" not in page.text.partition("<main")[2] + chinese.partition("<main")[2]
    assert "Violations" not in chinese


@pytest.mark.both_databases(long="postgresql")
@pytest.mark.parametrize("period", [pytest.param("24h"), pytest.param("30d")])
def test_behind_each_number_is_a_list_with_as_many_rows(desk: ConsoleDesk, period: str) -> None:
    a_month(desk)
    # In one bar with one that counts.
    desk.violation("slip.example", category="phishing", ago=timedelta(minutes=1))
    desk.do("slip.example", c.Log(by="li", category="phishing", again=True))
    desk.do("slip.example", c.VoidIncident(by="li", incident=1, reason="slip"))
    late = timedelta(days=10)
    desk.violation("late-record.example", ago=late, at=clock.now() - late - timedelta(days=2))
    visitor = Visitor(desk, "supervisor")
    page = visitor.get("/overview", range=period).text
    told = re.findall(r'<td><a href="([^"]+)">([\d,]+)</a></td>', page)
    # Each chart but that of delays, which has no list; and each bar has the link of its number.
    paths = Counter(html.unescape(link).partition("?")[0] for link, _ in told)
    assert paths["/incidents"] > 1
    assert paths["/audit"] > 1
    bars = re.findall(r'<a class="stop" href="([^"]+)"', page)
    assert Counter(bars) == Counter(link for link, _ in told)
    for link, number in told:
        rows = visitor.client.get(html.unescape(link))
        assert rows.status_code == 200
        found = rows.text.count('<li class="item incident"') + rows.text.count('<pre class="wrap"')
        assert found == int(number), html.unescape(link)


def test_who_may_not_read_the_record_gets_no_link_to_its_entries(desk: ConsoleDesk) -> None:
    a_month(desk)
    page = Visitor(desk, "viewer").get("/overview").text
    assert 'class="stop" href="/incidents?' in page
    assert 'href="/audit?' not in page


def test_the_address_names_the_period_and_an_unknown_one_is_the_usual(desk: ConsoleDesk) -> None:
    a_month(desk)
    visitor = Visitor(desk, "viewer")
    for given, columns in (("7d", 7), ("90d", 90), ("x", 30)):
        page = visitor.get("/overview", range=given).text
        violations = page.partition('<svg class="chart')[2].partition("</svg>")[0]
        assert violations.count('<g class="column"') == columns
        assert re.search(rf'aria-current="page">{columns} days</a>', page)
    assert "Hour of occurrence (" in visitor.get("/overview", range="24h").text


def test_a_hostile_category_stays_text(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    desk.do("shop.example", c.Log(by="li", category=HOSTILE))
    page = Visitor(desk, "viewer").get("/overview").text
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title=" in page


def test_an_empty_desk_says_that_there_is_nothing_yet(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "viewer").get("/overview").text
    assert page.count("No data yet.") == 5
    assert '<svg class="chart"' not in page


def test_nobody_sees_it_without_signing_in(desk: ConsoleDesk) -> None:
    answer = desk.nobody().get("/overview", headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=/overview"
