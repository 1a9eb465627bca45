"""Names in other letters on the console's pages: in Unicode, the A-label in a title beside them."""

from __future__ import annotations

import re

import pytest

from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

SITE, KEPT = "例子.测试", "xn--fsqu00a.xn--0zwm56d"
IN_FULL = f"{SITE} ({KEPT})"
HOMOGRAPH = "xn--80ak6aa92e.example"
LOG = c.Log(by="li", urls=("https://other.example/a",), again=True)
# What a browser sends, fetches or follows, and what stands in a title to be copied.
FOR_PROGRAMS = re.compile(
    r' (?:href|action|value|title|name|id|data-[\w-]+|hx-[\w-]+|aria-\w+)="[^"]*"'
    r"|<(code|pre)[^>]*>[^<]*</\1>"
)


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """A Chinese site with violations, and a homograph."""
    desk.do(KEPT, c.AddSite(by="li", person="王", phone="+86 10 5555 0100"))
    for command in (
        LOG, LOG, c.RecordContact(by="li", incident=1, outcome="reached"),
        c.ChangeFiling(by="li", details=(("opened_on", "2026-01-10"),)),
        c.ClaimItem(by="supervisor-1", item="1"),
    ):  # fmt: skip
        desk.do(KEPT, command)
    for name in (HOMOGRAPH, "shop.example"):
        desk.do(name, c.AddSite(by="li"))
    desk.do(HOMOGRAPH, LOG)
    return desk


def kept_in(page: str) -> list[str]:
    """What of a page for people has the A-label, but for what stands there to be copied."""
    told = FOR_PROGRAMS.sub("", page).replace(f"<small>{KEPT}</small>", "").replace(IN_FULL, "")
    return re.findall(rf".*{re.escape(KEPT)}.*", told)


PAGES = [
    "/queue/list", "/sites", f"/sites/{KEPT}", f"/sites/{KEPT}/filing", "/incidents/1-1", "/orders",
    "/orders/1-o2.notice", "/overview", "/unreported", "/search?q=测试", "/terms", "/audit",
    f"/log?site={KEPT}", "/hand-over",
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_people_read_a_name_in_its_own_letters(desk: ConsoleDesk, language: str) -> None:
    wang, named = Visitor(desk, "supervisor", language), []
    for path in PAGES:
        answer = wang.get(path)
        assert answer.status_code == 200, path
        assert kept_in(answer.text) == [], path
        named += [path] if SITE in answer.text else []
    assert set(PAGES) - set(named) <= {"/overview"}


def test_the_a_label_stands_beside_it_to_be_copied(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    page = wang.get(f"/sites/{SITE}").text
    assert f'<h1><bdi title="{KEPT}">{SITE}</bdi> <small>{KEPT}</small></h1>' in page
    assert f"<title>{SITE}" in page
    assert f'<bdi title="{KEPT}">{SITE}</bdi>' in wang.get("/incidents/1-1").text
    assert "<h1><bdi>shop.example</bdi></h1>" in wang.get("/sites/shop.example").text


def test_a_homograph_is_shown_as_what_it_is(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "supervisor").get(f"/sites/{HOMOGRAPH}").text
    assert f"<h1><bdi>{HOMOGRAPH}</bdi></h1>" in page
    assert "аррӏе" not in page


@pytest.mark.parametrize("typed", [SITE, KEPT])
def test_a_closing_is_confirmed_in_either_form(desk: ConsoleDesk, typed: str) -> None:
    seen = str(desk.site(KEPT)["seq"])
    fields = {"seen": seen, "field": "phone", "evidence": "空号"}
    wang = Visitor(desk, "supervisor")
    refused = wang.post(f"/sites/{KEPT}/false-info", {**fields, "confirm": "shop.example"})
    assert refused.status_code == 409
    assert desk.site(KEPT)["state"] == "active"
    wang.post(f"/sites/{KEPT}/false-info", {**fields, "confirm": typed})
    assert desk.site(KEPT)["state"] == "closed"
