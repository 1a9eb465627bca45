"""The customer's page: what is shown of an incident, and what a statement on it comes to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from incidents.clock import read_rfc3339
from incidents.machine import commands as c
from incidents.notices import wording
from incidents.notices.customer_link import Incident
from tests.console.customers import Customers, Page
from tests.notices.lane import SHANGHAI

THANKS = ("谢谢，已收到您的说明", "Thank you, we have your statement")
AGAIN = ("此前已经说明过，无需重复", "You have already told us, no need to repeat it")
NO_CLOCK_STOPS = ("任何时限都不会因此停止", "It stops no deadline: please call us at +86 10 5555")


def assert_told(page: Page, *told: str) -> None:
    for each in told:
        assert each in page.read, page.text


# ── to look ──────────────────────────────────────────────────────────────────────────────────────


def test_it_shows_what_was_found_and_by_when_somebody_must_be_reached(
    served: Customers,
) -> None:
    urls = ("https://shop.example/a", "https://shop.example/b")
    incident = served.logged(urls=urls, category="gambling")
    shown = served.get(incident)
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    due = served.due(incident)
    by = {language: wording.time(due, SHANGHAI, language) for language in ("zh_CN", "en")}
    name = f"{incident[0]}-{incident[1]}"
    assert_told(
        shown, f"编号：{name}", "违规类别：赌博", f"Reference: {name}", *urls,
        f"须在 {by['zh_CN']}前与网站负责人本人通话", f"speak to them in person by {by['en']}",
        "网站将被暂停访问 12 小时", "the site is suspended for 12 hours",
        "在本页说明不等于已联系到网站负责人", "does not count as reaching the responsible person",
        "现行处理规则", "The current rules",
    )  # fmt: skip


def test_chinese_stands_first_and_each_language_is_marked(served: Customers) -> None:
    shown = served.get(served.logged())
    [html] = shown.parts.all("html")
    assert html["lang"] == "zh-CN"
    assert [s["lang"] for s in shown.parts.all("section")] == ["zh-CN", "en"]
    assert shown.text.index("违规信息：") < shown.text.index("Violating content:")


def test_its_form_takes_a_remark_and_has_one_button(served: Customers) -> None:
    parts = served.get(served.logged()).parts
    [form] = parts.all("form")
    assert (form["method"], form.get("action")) == ("post", None)
    [remark] = parts.all("textarea")
    assert remark["name"] == "remark"
    [label] = parts.all("label")
    assert label["for"] == remark["id"]
    assert [button["type"] for button in parts.all("button")] == ["submit"]
    assert parts.all("input") == []


def test_to_look_changes_nothing_not_even_what_is_overdue(served: Customers) -> None:
    """Programs that scan mail open what they find in it."""
    incident = served.logged(ago=timedelta(hours=2))
    before = len(served.bodies()), served.incident(incident)
    for method in ("GET", "HEAD", "GET", "OPTIONS", "PUT", "DELETE"):
        served.get(incident, method)
    assert (len(served.bodies()), served.incident(incident)) == before
    assert before[1]["state"] == "open"
    assert before[1]["removal_said_at"] is None


def test_nothing_that_people_have_told_is_on_it(served: Customers) -> None:
    incident = served.logged(note="seen by a neighbour, 010 5555 0177")
    site = incident[0]
    served.do(site, c.EditSite(by="operator-1", phone="010 5555 0101", email="z@shop.example"))
    served.do(
        site, c.RecordContact(by="operator-1", incident=1, outcome="no-answer", note="a child")
    )
    told = c.AddNote(by="operator-1", incident=1, audience="desk", text="they shouted at us")
    served.do(site, told)
    hidden = ("张三", "0101", "z@shop", "operator", "neighbour", "0177", "a child", "my own",
              "shouted")  # fmt: skip
    for shown in (served.get(incident), served.say(incident, "my own words")):
        assert shown.status == 200
        assert [told for told in hidden if told in shown.text] == []


def test_what_the_desk_has_written_to_the_customer_stands_there_as_text_with_its_time(
    served: Customers,
) -> None:
    incident = served.logged()
    empty = served.get(incident)
    text = "请在中午前删除。\n<script>x</script> & https://shop.example/a"
    note = c.AddNote(by="operator-1", incident=1, audience="customer", text=text)
    [written] = served.do(incident[0], note).incident_document["notes"]
    shown = served.get(incident)
    at = read_rfc3339(written["recorded_at"])
    for language, heading in (("zh_CN", "我们给您的留言"), ("en", "Our messages to you")):
        assert heading not in empty.text
        assert_told(shown, heading, wording.time(at, SHANGHAI, language))
    assert "".join(shown.parts.seen).count(text) == 2, "once in each language"
    assert shown.parts.all("script") == []
    assert {a["href"] for a in shown.parts.all("a")} == {a["href"] for a in empty.parts.all("a")}
    assert "operator-1" not in shown.text


def test_so_many_addresses_stand_there_and_the_others_are_counted(served: Customers) -> None:
    incident = served.logged(urls=tuple(f"https://shop.example/{n}" for n in range(50)))
    shown = served.get(incident)
    assert_told(shown, "https://shop.example/9", "另有 40 个网址", "40 more, not listed here")
    assert "https://shop.example/10" not in shown.text


# ── to state ─────────────────────────────────────────────────────────────────────────────────────


def test_a_statement_becomes_a_task_for_the_desk_and_stops_no_clock(served: Customers) -> None:
    incident = served.logged(urls=("https://shop.example/a",))
    before = served.incident(incident)
    said = served.say(incident, "已删除，谢谢。\r\n第二行")
    assert said.status == 200
    assert_told(said, *THANKS, *NO_CLOCK_STOPS, "call +86 10 5555 0100 before then")
    after = served.incident(incident)
    assert (after["state"], after["contact_due"]) == ("open", before["contact_due"])
    assert after["removal_said_at"] is not None
    assert read_rfc3339(after["removal_said_at"]) > read_rfc3339(after["recorded_at"])
    items = served.items(incident)
    name, task = f"{incident[0]}-1", f"{incident[0]}-t1"
    assert {id_: item["kind"] for id_, item in items.items()} == {name: "call", task: "recheck"}
    assert 3_500 < (items[name]["left_s"] or 0) <= 3_600
    assert items[task]["remark"] == "已删除，谢谢。\n第二行"
    assert "reports the content removed: “已删除，谢谢。 第二行”." in items[task]["say"]
    assert [event["by"] for event in served.story(incident)][-2:] == ["customer", "customer"]


def test_without_a_remark_it_is_a_statement_too(served: Customers) -> None:
    incident = served.logged()
    assert_told(served.say(incident), *THANKS)
    assert served.items(incident)[f"{incident[0]}-t1"]["remark"] is None


def test_what_is_due_comes_before_it(served: Customers) -> None:
    incident = served.logged(ago=timedelta(hours=2))
    said = served.say(incident)
    assert_told(said, *THANKS, "我们未能联系到网站负责人", "We could not reach the responsible")
    assert_told(said, "该网站目前已暂停访问，预计于", "is due to open again at")
    assert served.incident(incident)["state"] == "unreached"
    assert [event["kind"] for event in served.story(incident)][-4:] == [
        "clock_lapsed", "site_suspended", "removal_said", "task_opened",
    ]  # fmt: skip


def test_it_is_stated_once_and_then_the_page_says_so(served: Customers) -> None:
    incident = served.logged()
    served.say(incident, "first")
    again = served.say(incident, "second")
    assert again.status == 409
    assert_told(again, *AGAIN, *NO_CLOCK_STOPS)
    shown = served.get(incident)
    assert shown.status == 200
    assert_told(shown, "已收到说明", "We have your statement", *NO_CLOCK_STOPS)
    for each in (again, shown):
        assert each.parts.all("form") == []
    assert [e["kind"] for e in served.story(incident)].count("removal_said") == 1


@pytest.mark.both_databases
def test_of_many_at_once_one_is_recorded(served: Customers) -> None:
    incident = served.logged()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: served.say(incident, f"no. {n}").status, range(8)))
    assert sorted(answers) == [200] + [409] * 7
    assert [e["kind"] for e in served.story(incident)].count("removal_said") == 1
    assert [i["kind"] for i in served.items(incident).values()].count("recheck") == 1


def test_whoever_was_told_by_phone_reads_by_when_it_must_be_gone(served: Customers) -> None:
    incident = served.logged()
    reached = c.RecordContact(by="operator-1", incident=1, outcome="reached")
    served.do(incident[0], reached)
    shown = served.get(incident)
    assert_told(shown, "此事我们已与网站负责人通过电话", "We have spoken to the responsible person")
    assert "本人通话" not in shown.text
    assert_told(served.say(incident), *THANKS)
    assert served.incident(incident)["state"] == "notified"


# ── what is settled ──────────────────────────────────────────────────────────────────────────────


def _removed(served: Customers) -> Incident:
    incident = served.logged()
    served.do(incident[0], c.StateRemoved(by="operator-1", incident=1))
    return incident


def _voided(served: Customers) -> Incident:
    incident = served.logged()
    served.do(incident[0], c.VoidIncident(by="operator-1", incident=1, reason="a slip"))
    return incident


def _refused(served: Customers) -> Incident:
    incident = served.logged()
    reached = c.RecordContact(by="operator-1", incident=1, outcome="reached")
    served.do(incident[0], reached)
    served.do(incident[0], c.StateRefused(by="operator-1", incident=1))
    return incident


def _moot(served: Customers) -> Incident:
    site, _ = served.logged()
    served.do(site, c.StateFalse(by="operator-1", field="phone", evidence="rings elsewhere"))
    served.do(site, c.Log(by="operator-1", again=True))
    return site, 2


@pytest.mark.parametrize(
    ("settled", "told"),
    [
        (_removed, ("已办结，无需处理", "Settled: nothing to do")),
        (_voided, ("已撤销，无需处理", "Withdrawn: nothing to do")),
        (_refused, ("本页不再接受说明", "this page takes no more statements")),
        (_moot, ("仅供知悉", "For your information")),
    ],
)
def test_of_what_is_settled_it_says_so_and_takes_no_statement(
    settled: object, told: tuple[str, str], served: Customers
) -> None:
    assert callable(settled)
    incident = settled(served)
    shown, before = served.get(incident), len(served.bodies())
    assert shown.status == 200
    said = served.say(incident, "gone")
    assert (said.status, len(served.bodies())) == (409, before)
    for each in (shown, said):
        assert_told(each, *told)
        assert each.parts.all("form") == []
        assert "时限" not in each.text


def test_of_a_record_that_was_withdrawn_nothing_says_that_there_is_a_violation(
    served: Customers,
) -> None:
    shown = served.get(_voided(served))
    assert_told(shown, "已撤销：", "Withdrawn: ")
    for word in ("违规信息", "Violating content"):
        assert word not in shown.text


def test_what_was_stated_before_it_was_settled_asks_for_no_call(served: Customers) -> None:
    incident = served.logged()
    served.say(incident)
    served.do(incident[0], c.StateRemoved(by="operator-1", incident=1))
    shown = served.get(incident)
    assert_told(shown, "已办结，无需处理")
    assert "已收到说明" not in shown.text
    assert served.say(incident).status == 409


def test_on_a_closed_site_it_can_be_stated_and_opens_nothing(served: Customers) -> None:
    incident = served.logged()
    closing = c.StateFalse(by="operator-1", field="phone", evidence="rings elsewhere")
    served.do(incident[0], closing)
    shown = served.get(incident)
    assert_told(shown, "该网站已经关闭", "A statement here does not open the site again")
    said = served.say(incident)
    assert_told(said, *THANKS)
    with_site = served.incident(incident)
    assert with_site["site_document"]["state"] == "closed"
