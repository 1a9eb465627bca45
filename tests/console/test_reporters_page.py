"""The reporters in the console: marked on the page of a report, and listed."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from incidents.views.inbox import reporters
from tests.console.test_reports_pages import receive
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

MAIL = "From: {}\nSubject: {}\n\nhttp://shop.example/{}\n"


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """The reports r1 of a@user.example, r2 of b@user.example, and r3 of nobody."""
    receive(desk, *(MAIL.format(f"{n}@user.example", n, n).encode() for n in "ab"), "damaged.zip")
    return desk


def mark(who: Visitor, report: str, standing: str, reason: str = "known") -> int:
    answer = who.post(f"/reports/{report}/reporter", {"standing": standing, "reason": reason})
    return int(answer.status_code)


def test_a_reporter_is_trusted_and_their_reports_come_first(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert mark(li, "r2", "trusted", f"a colleague {HOSTILE}") == 303
    page = li.get("/reports").text
    assert page.index('id="r-r2"') < page.index('id="r-r1"')
    assert "0 logged or joined, 0 dismissed, 1 waiting" in page
    listed = li.get("/reporters").text
    assert "b@user.example" in listed
    assert "a colleague" in listed
    assert "<img src=x" not in listed
    assert "a colleague" in li.get("/reports/r2").text


def test_one_who_is_not_marked_any_more_leaves_the_list(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    mark(li, "r1", "blocked")
    assert "a@user.example" in li.get("/reporters").text
    mark(li, "r1", "none")
    assert "No reporter is marked." in li.get("/reporters").text


def test_a_mark_needs_a_standing_a_reason_and_a_reporter(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert mark(li, "r1", "famous") == 409
    assert mark(li, "r1", "trusted", " ") == 409
    assert mark(li, "r3", "trusted") == 409
    assert mark(Visitor(desk, "viewer"), "r1", "trusted") == 403
    with desk.app.reading() as connection:
        assert reporters.with_standing(connection) == []


def test_a_viewer_sees_the_standing_and_no_form(desk: ConsoleDesk) -> None:
    mark(Visitor(desk, "li"), "r1", "muted")
    page = Visitor(desk, "viewer").get("/reports/r1").text
    assert "muted" in page
    assert "/reports/r1/reporter" not in page


def test_a_reporter_s_reports_are_found_from_the_list(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    mark(li, "r1", "muted")
    address = quote("a@user.example")
    assert f"/reports?reporter={address}" in li.get("/reporters").text.replace("%40", "%40")
    assert 'id="r-r2"' not in li.get("/reports", reporter="a@user.example").text
