"""The shift's page: who holds what, and the hand-over of what one holds."""

from __future__ import annotations

import pytest

from incidents import clock
from incidents.desk import accounts
from incidents.machine import commands as c
from incidents.views.queue import work
from tests.api.rig import ADMIN
from tests.served_desk import ConsoleDesk, Visitor

LI, WANG = "operator-1", "supervisor-1"


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Three violations on two sites: the operator holds two of them, the supervisor one."""
    for role in ("viewer", "operator", "supervisor"):
        desk.have_account(role)
    for site in ("shop.example", "other.example"):
        desk.violation(site)
    desk.do("shop.example", c.Log(by="li", again=True))
    for site, item, by in (
        ("shop.example", "1", LI), ("other.example", "1", LI), ("shop.example", "2", WANG),
    ):  # fmt: skip
        desk.do(site, c.ClaimItem(by=by, item=item))
    return desk


def held(desk: ConsoleDesk) -> dict[str, list[str]]:
    with desk.app.reading() as connection:
        found = work.holders(connection)
    assert all(each["total"] == len(each["items"]) for each in found)
    return {each["by"]: sorted(item["id"] for item in each["items"]) for each in found}


def test_everybody_sees_who_holds_what_their_own_first(desk: ConsoleDesk) -> None:
    assert held(desk) == {LI: ["1-1", "2-1"], WANG: ["1-2"]}
    page = Visitor(desk, "supervisor").get("/hand-over").text
    assert page.index(f"<bdi>{WANG}</bdi> <small>(you)") < page.index(f"<bdi>{LI}</bdi> <small>")
    assert "holds 2" in page
    assert 'href="/incidents/2-1"' in Visitor(desk, "viewer").get("/hand-over").text


def test_of_many_items_the_first_are_listed_and_all_are_counted(desk: ConsoleDesk) -> None:
    with desk.app.reading() as connection:
        found = work.holders(connection, most=1)
    assert [(each["by"], each["total"], len(each["items"])) for each in found] == [
        (LI, 2, 1), (WANG, 1, 0),
    ]  # fmt: skip


def test_all_that_one_holds_goes_to_the_next_shift(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    # The answer is lost, and it is sent again.
    for _ in range(2):
        assert li.post("/hand-over", {"to": WANG, "site": "", "key": "k"}).status_code == 303
        assert held(desk) == {WANG: ["1-1", "1-2", "2-1"]}
        assert f"Handed over to {WANG}: 2." in li.get("/hand-over").text


def test_or_what_one_holds_of_one_site(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator", "zh")
    assert li.post("/hand-over", {"to": WANG, "site": "shop.example"}).status_code == 303
    assert held(desk) == {LI: ["2-1"], WANG: ["1-1", "1-2"]}
    assert f"已移交给 {WANG}：1 项。" in li.get("/hand-over").text
    again = li.post("/hand-over", {"to": WANG, "site": "shop.example"})
    assert again.status_code == 409
    assert "您在那里没有认领的事项" in again.text


def test_nothing_is_given_to_whom_cannot_work_on_it(desk: ConsoleDesk) -> None:
    desk.account("gone-1", "operator")
    desk.app.desk.on_record(lambda found: accounts.disable(found, ADMIN, "gone-1", clock.now))
    li, before = Visitor(desk, "operator"), held(desk)
    not_chosen, no_taker = "Choose who takes over", "can take or release items"
    for to, told in (
        ("", not_chosen), (LI, not_chosen), ("viewer-1", no_taker), ("nobody", no_taker),
        ("gone-1", no_taker),
    ):  # fmt: skip
        page = li.post("/hand-over", {"to": to, "site": ""})
        assert page.status_code == 409, to
        assert told in page.text, to
        assert f"<option>{WANG}</option>" in page.text
        assert "<option>viewer-1</option>" not in page.text
    assert held(desk) == before


def test_who_may_not_and_who_has_nothing_to_hand_over_see_no_form(desk: ConsoleDesk) -> None:
    assert 'id="h-give"' not in Visitor(desk, "viewer").get("/hand-over").text
    li = Visitor(desk, "operator")
    li.post("/hand-over", {"to": WANG})
    page = li.get("/hand-over").text
    assert 'You have no claimed items. <a href="/">Queue</a>' in page
    assert 'id="to"' not in page
