"""The overview's page: today's numbers and the charts, for everybody who may look."""

import re

import pytest

from incidents.machine import commands as c
from tests.console.month import a_month
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor


# What the charts are drawn from is counted on both databases in tests/views/test_overview.py.
@pytest.mark.both_databases(long="postgresql")
def test_it_shows_each_chart_with_a_table_behind_it_in_both_languages(desk: ConsoleDesk) -> None:
    a_month(desk)
    page = Visitor(desk, "viewer").get("/overview")
    assert page.status_code == 200
    assert page.text.count('role="img"') == page.text.count("<table") == 5
    for title in ("Violations by category, 30 days", "Time to contact", "Work by hour"):
        assert title in page.text
    assert re.search(r"\d+ (s|min|h)\b", page.text)
    chinese = Visitor(desk, "operator", "zh").get("/overview").text
    assert "按类别统计的违规（30 天）" in chinese
    assert "{" not in page.text.partition("<main")[2] + chinese.partition("<main")[2]
    assert "Violations" not in chinese


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
