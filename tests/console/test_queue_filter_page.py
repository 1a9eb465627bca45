"""The queue's page with a filter in its address: the list, its counts, its forms and its panes."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Two calls, and a site that waits for its reinstatement."""
    desk.violation("a.example", ago=timedelta(minutes=55), category="spam")
    desk.violation("b.example", category="gambling")
    for _ in range(3):
        desk.do("c.example", c.AddSite(by="li")) if _ == 0 else None
        desk.do("c.example", c.Log(by="li", again=True))
    return desk


def items(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return re.findall(r'<li class="item[^"]*" id="i-([^"]+)"', answer.text)


def test_a_filter_of_the_address_narrows_the_page_and_the_fresh_list(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    for path in ("/", "/queue/list"):
        assert items(li.get(path, kind="tell")) == ["3-t1"]
        assert items(li.get(path, category="spam")) == ["1-1"]
        assert items(li.get(path, due="10m")) == ["1-1"]
        assert items(li.get(path, site="b.example", rule="")) == ["2-1"]
    assert "No item matches the filter." in li.get("/", site="d.example").text
    page = li.get("/", state="nowhere")
    assert page.status_code == 422
    assert "“nowhere” is not a choice for State" in page.text
    assert li.get("/", category="\0").status_code == 422


def test_a_count_leads_to_its_kind_and_keeps_the_rest(desk: ConsoleDesk) -> None:
    page = unescape(Visitor(desk, "li").get("/", mine="1", holder="", state="closed").text)
    assert 'href="/?mine=1"' in page
    page = unescape(Visitor(desk, "li").get("/", state="closed", kind="call").text)
    assert '<a href="/?kind=tell&state=closed"><b>1</b>' in page
    assert '<a href="/?kind=call&state=closed" aria-current="true"><b>3</b>' in page


def test_an_act_comes_back_to_the_filtered_queue(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    page = li.get("/", category="spam", kind="call").text
    assert '<input type="hidden" name="filter" value="kind=call&amp;category=spam">' in page
    sent = li.post("/queue/1-1/claim", {"filter": "kind=call&category=spam"})
    assert sent.headers["location"] == "/?kind=call&category=spam&item=1-1"
    assert items(li.get("/", holder="li")) == ["1-1"]


def test_rows_of_one_kind_and_site_are_told_apart_by_their_numbers(desk: ConsoleDesk) -> None:
    desk.do("b.example", c.Log(by="li", category="gambling", again=True))
    page = Visitor(desk, "li").get("/", site="b.example").text
    for number in ("2-1", "2-2"):
        assert f'call · <span class="id">{number}</span> · <bdi>gambling</bdi>' in page


def test_suspicions_of_one_site_are_told_apart_by_the_detail_in_doubt(desk: ConsoleDesk) -> None:
    for field in ("responsible_phone", "responsible_email"):
        desk.do("b.example", c.RaiseSuspicion(by="li", field=field, finding="phone_impossible"))
    page = Visitor(desk, "li", "zh").get("/", kind="suspicion").text
    for told in ("负责人手机号码", "负责人电子邮箱"):
        assert f'<span class="kind">信息存疑 · {told}</span>' in page


def test_an_empty_list_leads_to_all_of_it(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    clear = '<a class="button" href="{}">Clear all filters: show {}</a>'
    page = li.get("/", site="d.example").text
    assert clear.format("/", "the whole queue") in page
    page = li.get("/", site="d.example", mine="1").text
    assert clear.format("/?mine=1", "all your items") in page
    assert "Clear all filters" not in li.get("/", mine="1").text


def test_the_button_counts_the_filters_and_a_category_is_in_the_readers_words(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li", "zh")
    page = li.get("/", category="gambling", kind="call").text
    assert ">筛选（2）</summary>" in page
    assert re.search(r'<input id="filter-category"[^>]* value="赌博"', page)
    assert items(li.get("/", category="赌博", kind="call")) == ["2-1"]
    assert ">筛选</summary>" in li.get("/").text


def test_the_police_banner_names_the_site(desk: ConsoleDesk) -> None:
    desk.pass_time(timedelta(hours=23))
    page = Visitor(desk, "li").get("/").text
    assert '<a href="/incidents/1-1">1-1 <bdi>a.example</bdi></a>' in page
