"""The page that logs: a mail that names several sites, each logged from its own form."""

from __future__ import annotations

import re
from datetime import timedelta

from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

MAIL = (
    "https://shop.example/a https://img.forum.example/b https://forum.example/c"
    " https://cdn.example/d"
)


def forms(page: str) -> dict[str, list[str]]:
    """The forms that log, by their sites: the addresses that are ticked in each."""
    found = re.findall(r'<input type="hidden" name="step" value="log">.*?</form>', page, re.DOTALL)
    return {
        re.findall(r'name="site" value="([^"]*)"', each)[0]: re.findall(
            r'name="url" value="([^"]*)" checked', each
        )
        for each in found
    }


def hidden(page: str, site: str) -> dict[str, str]:
    """What the form of that site is sent with, without what somebody types."""
    [form] = [
        each
        for each in re.findall(r'name="step" value="log">.*?</form>', page, re.DOTALL)
        if f'name="site" value="{site}"' in each
    ]
    own = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    return {**own, "step": "log", "site": site}


def test_the_addresses_of_several_sites_each_go_to_their_own(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    desk.do("forum.example", c.AddSite(by="li"))
    li = Visitor(desk, "li")
    found = li.post("/log", {"step": "look", "paste": MAIL}).text
    assert forms(found) == {
        "shop.example": ["https://shop.example/a"],
        "forum.example": ["https://img.forum.example/b", "https://forum.example/c"],
        "cdn.example": ["https://cdn.example/d"],
    }
    # Whoever has logged one comes back to the others.
    urls = {"url": forms(found)["forum.example"]}
    logged = li.post("/log", {**hidden(found, "forum.example"), **urls})
    assert desk.site("forum.example")["incidents"][0]["urls"] == urls["url"]
    left = li.get(logged.headers["location"]).text
    assert list(forms(left)) == ["shop.example", "cdn.example"]
    assert "Logged so far: forum.example." in left
    assert "2-1 logged on forum.example" in left
    # What is refused stands in its form again, and beside it the others.
    typed = {**hidden(left, "shop.example"), "note": "a shop", "at": "tomorrow", "url": []}
    refused = li.post("/log", typed)
    assert refused.status_code == 409
    assert forms(refused.text) == {"shop.example": [], "cdn.example": ["https://cdn.example/d"]}
    assert ">a shop</textarea>" in refused.text
    # After the last site of the register nothing is left to be logged.
    done = li.post("/log", {**hidden(refused.text, "shop.example"), "note": "a shop"})
    assert done.headers["location"] == "/incidents/1-1"


def test_what_a_mail_says_of_one_site_alone_may_be_its_own_at_another_host(
    desk: ConsoleDesk,
) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    li = Visitor(desk, "li")
    found = li.post("/log", {"step": "look", "paste": MAIL}).text
    assert forms(found) == {"shop.example": ["https://shop.example/a"]}
    assert found.count('name="url"') == 4
    # Whoever comes from another site's page logs on that.
    found = li.post("/log", {"step": "look", "paste": MAIL, "site": "other.example"}).text
    assert forms(found) == {"shop.example": ["https://shop.example/a"], "other.example": []}


def test_what_may_be_cut_off_is_not_ticked(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    paste = "a=b https://shop.example/?x=\nmore https://shop.example/b"
    found = Visitor(desk, "li").post("/log", {"step": "look", "paste": paste}).text
    assert forms(found) == {"shop.example": ["https://shop.example/b"]}
    assert "might be cut off" in found


def test_a_category_and_a_time_are_read_as_a_chinese_reader_types_them(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li"))
    li = Visitor(desk, "li", "zh")
    page = li.get("/log?site=shop.example").text
    assert '<option value="赌博">' in page
    typed = {"category": "赌博", "at": "２０２６－０１－０２　０９：０５"}
    logged = li.post("/log", {**hidden(page, "shop.example"), **typed})
    assert logged.headers["location"] == "/incidents/1-1"
    told = "在 shop.example 登记违规 1-1。24 小时内第 1 次违规，满 3 次即关闭网站。"
    assert told in li.get("/incidents/1-1").text
    [incident] = desk.site("shop.example")["incidents"]
    assert (incident["category"], incident["occurred_at"]) == ("gambling", "2026-01-02T01:05:00Z")
    assert li.get("/incidents/１－１").status_code == 200
    assert li.get("/search?q=１－１").headers["location"] == "/incidents/1-1"
    edited = li.post("/sites/shop.example/edit", {"phone": "１３８　0000　1234"})
    assert edited.status_code == 303
    assert desk.site("shop.example")["phone"] == "138 0000 1234"


def test_the_page_says_what_logging_starts_and_where_the_site_stands(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert "Reach the responsible person within 1 h (R2)" in li.get("/log").text
    assert "this would be number" not in li.get("/log", site="nobody.example").text
    desk.violation("shop.example", ago=timedelta(hours=25))
    desk.do("shop.example", c.Log(by="li", again=True), ago=timedelta(hours=23))
    told = "If found now, this would be number 2 of 3 on shop.example within 24 h."
    assert told in li.get("/log", site="shop.example").text
    desk.do("shop.example", c.Log(by="li", again=True))
    closes = "this would be number 3 of 3 on SHOP.example within 24 h: it closes the site."
    assert closes in li.get("/log", site="SHOP.example").text
    desk.do("shop.example", c.Log(by="li", again=True))
    closed = li.get("/log", site="shop.example").text
    assert "no clock starts" in closed
    assert "Reach the responsible person" not in closed


def test_the_page_names_the_numbers_of_the_policy_in_force(desk: ConsoleDesk) -> None:
    policy = '[repeat]\ncount = 1\nwithin = "2h"\n[unreachable]\nwithin = "30m"\n'
    desk.app.desk.activate(policy, by="wang", login="desk1", reason="agreed", signed_in=True)
    desk.do("shop.example", c.AddSite(by="li"))
    page = Visitor(desk, "li", "zh").get("/log", site="shop.example").text
    assert "须在 30 分钟 内联系到负责人（R2）" in page
    assert "2 小时 内的第 1 起，满 1 起：网站将被关闭" in page
