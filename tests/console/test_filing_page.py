"""The page of a site's filing: what it shows to whom, and how its forms change what is filed."""

from __future__ import annotations

import hashlib
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from incidents import clock, views
from incidents.console.pages import terms
from incidents.console.pages.filing_form import Filed
from incidents.filing import people
from incidents.machine import commands as c
from incidents.store import entries
from tests.filing import numbers
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

SITE = "shop.example"
PAGE = f"/sites/{SITE}/filing"
PHONE = "+86 10 5555 0100"
FILED = {
    "subject_kind": "company", "subject_name": "示例商贸有限公司",
    "subject_number": numbers.company(), "responsible_name": "张三",
    "responsible_number": numbers.person(), "responsible_phone": PHONE,
    "responsible_email": "zhangsan@shop.test", "support_phone": "010 5555 0199",
    "level": "3", "registrar": "示例注册商", "icp_number": "京ICP备12345678号-1",
    "public_security_number": "京公网安备 11010502000001号",
    "server.main": '{"city":"北京","count":"2","ip":"203.0.113.7","place":"机房 010 5555 0177"}',
}  # fmt: skip
SECRET = (numbers.person(), "5555 0100", "zhangsan@", "5555 0199", "5555 0177")


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """A desk with one site."""
    desk.do(SITE, c.AddSite(by="li"))
    return desk


OTHER = "approved.example"


def file(desk: ConsoleDesk, **details: str) -> None:
    desk.do(SITE, c.ChangeFiling(by="li", details=tuple(details.items())))


def filed(desk: ConsoleDesk) -> dict[str, str]:
    with desk.app.reading() as connection:
        return views.filing_details(connection, SITE)


def tasks(desk: ConsoleDesk) -> list[Any]:
    with desk.app.reading() as connection:
        return list(views.site(connection, SITE, clock.now())["tasks"])


def form(page: str, id_: str) -> dict[str, str]:
    """All that a form of the page has in it, as a browser would send it untouched."""
    [found] = re.findall(rf'<details class="act" id="act-{id_}".*?</details>', page, re.DOTALL)
    sent = {}
    for tag in re.findall(r"<input [^>]*>", found):
        if 'type="checkbox"' not in tag and 'type="file"' not in tag:
            sent[_of(tag, "name")] = _of(tag, "value")
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', found,
                                 re.DOTALL):  # fmt: skip
        sent[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', found,
                                    re.DOTALL):  # fmt: skip
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        sent[name] = unescape(chosen[0]) if chosen else ""
    return sent


def _of(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def change(visitor: Visitor, section: str, **typed: str) -> Any:
    """Opens the page, and sends that part of the form with what was typed."""
    fields = form(visitor.get(PAGE).text, f"details-{section}")
    return visitor.post(f"{PAGE}/details", {**fields, **typed})


# What is shown.


@pytest.mark.parametrize("role", ["viewer", "operator", "auditor"])
def test_peoples_details_are_masked_for_everybody_until_they_are_asked_for(
    desk: ConsoleDesk, role: str
) -> None:
    file(desk, **FILED)
    page = Visitor(desk, role).get(PAGE).text
    assert [each for each in SECRET if each in page] == []
    for shown in ("示例商贸有限公司", "示例注册商", "203.0.113.7", "•••@shop.test", "level 3"):
        assert shown in page


def test_who_asks_is_shown_all_and_that_goes_on_record_first(desk: ConsoleDesk) -> None:
    file(desk, **FILED)
    shown = Visitor(desk, "operator").post(f"{PAGE}/reveal")
    assert [each for each in SECRET if each not in shown.text] == []
    [entry] = desk.entries("details_revealed")
    assert entry["actor"] == "operator-1"
    assert Visitor(desk, "viewer").post(f"{PAGE}/reveal").status_code == 403


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_change_nothing_sees_no_form_and_no_reference(desk: ConsoleDesk, role: str) -> None:
    file(desk, **FILED)
    visitor = Visitor(desk, role)
    page = visitor.get(PAGE).text
    assert f'action="{PAGE}/details"' not in page
    assert "sha256:" not in page
    assert 'id="acts"' not in page
    fields = {"section": "site", "was.level": "3", "level": "2"}
    assert visitor.post(f"{PAGE}/details", fields).status_code == 403
    assert filed(desk)["level"] == "3"


def test_the_page_tells_what_is_missing_and_why_and_what_the_checks_say(desk: ConsoleDesk) -> None:
    file(desk, **FILED, service_type="forum")
    page = unescape(Visitor(desk, "viewer").get(PAGE).text)
    assert "<b>Access provider</b>: a filing includes this detail" in page
    assert '<span class="state wrong">wrong</span> <b>Site level</b>' in page
    assert "The filed level is 3; 2 is expected for forum." in page
    assert "Source: specification F.40" in page
    assert "% complete" in page
    chinese = unescape(Visitor(desk, "viewer", "zh").get(PAGE).text)
    assert "<b>网络接入服务商</b>：属于须备案的事项" in chinese
    assert '<span class="state wrong">错误</span> <b>网站级别</b>' in chinese
    assert "登记为 3 级，而论坛应为 2 级" in chinese
    assert "依据：规范 F.40" in chinese


def test_the_snippet_is_there_to_copy_as_text(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    assert "The record has no readable record number for the footer." in viewer.get(PAGE).text
    file(desk, **FILED)
    [snippet] = re.findall(r"<pre id=.snippet.[^>]*>(.*?)</pre>", viewer.get(PAGE).text, re.DOTALL)
    assert "<" not in snippet
    assert '<a href="https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001"' in unescape(
        snippet
    )


def test_a_commercial_site_has_the_steps_for_a_changed_address(desk: ConsoleDesk) -> None:
    file(desk, nature="commercial", **{"server.a": '{"province":"北京"}'})
    page = unescape(Visitor(desk, "viewer").get(PAGE).text)
    assert "Submit for first review." in page
    assert "提交初审。" in Visitor(desk, "viewer", "zh").get(PAGE).text


def test_the_sites_page_has_score_terms_and_what_waits(desk: ConsoleDesk) -> None:
    with freeze_time("2026-03-10T02:00:00Z", ignore=["_pytest"]):
        file(desk, opened_on="2026-02-01", responsible_phone="13333333333")
        operator = Visitor(desk, "operator")
        page = operator.get(f"/sites/{SITE}").text
        assert "OVERDUE by 7 d" in page
        assert "<b>Responsible person&#39;s phone</b> · the same digit many times in a row" in page
        assert f'href="/sites/{SITE}/filing"' in page
        link = f"/sites/{SITE}?false=responsible_phone"
        assert f'href="{link}#act-false-info"' in page
        stated = operator.get(link).text
    assert re.search(r'id="act-false-info" open', stated)
    assert re.search(r'id="false-info-field"[^>]* value="responsible_phone"', stated)
    assert 'value="none"' not in operator.get(f"/sites/{SITE}?false=none").text


# What is changed.


def test_only_what_was_touched_is_changed(desk: ConsoleDesk) -> None:
    file(desk, **FILED)
    operator = Visitor(desk, "operator")
    assert change(operator, "site", level="2", service_type="blog").status_code == 303
    [*_, entry] = desk.entries("filing_changed")
    assert entry["data"]["details"] == {"level": "2", "service_type": "blog"}
    untouched = change(operator, "site")
    assert untouched.status_code == 303
    assert len(desk.entries("filing_changed")) == 2


def test_what_is_masked_stays_unless_something_is_typed_or_it_is_taken_away(
    desk: ConsoleDesk,
) -> None:
    file(desk, **FILED)
    operator = Visitor(desk, "operator")
    assert change(operator, "responsible", responsible_name="李四").status_code == 303
    assert filed(desk)["responsible_phone"] == PHONE
    change(operator, "responsible", responsible_phone="010 5555 0123")
    assert filed(desk)["responsible_phone"] == "010 5555 0123"
    change(operator, "responsible", **{"gone.responsible_email": "1"})
    assert "responsible_email" not in filed(desk)


def test_what_is_emptied_is_taken_off_the_record(desk: ConsoleDesk) -> None:
    file(desk, **FILED)
    change(Visitor(desk, "operator"), "site", registrar="")
    assert "registrar" not in filed(desk)


@pytest.mark.both_databases
def test_two_people_who_change_one_filing_at_once_lose_nothing(desk: ConsoleDesk) -> None:
    file(desk, **FILED)
    li, wang = Visitor(desk, "operator"), Visitor(desk, "supervisor")
    fields = form(li.get(PAGE).text, "details-site")
    theirs = form(wang.get(PAGE).text, "details-site")
    assert li.post(f"{PAGE}/details", {**fields, "level": "2"}).status_code == 303
    # What she has not touched stays as he has changed it.
    both = wang.post(f"{PAGE}/details", {**theirs, "service_type": "blog"})
    assert both.status_code == 303
    assert filed(desk)["level"] == "2"
    assert filed(desk)["service_type"] == "blog"


@pytest.mark.parametrize(
    ("section", "key", "first", "second"),
    [
        ("site", "level", "2", ""),
        ("site", "registrar", "另一注册商", "第三注册商"),
        ("responsible", "responsible_phone", "010 5555 0123", "010 5555 0124"),
    ],
)
def test_who_changes_the_same_detail_later_is_told_so_and_keeps_what_they_typed(
    desk: ConsoleDesk, section: str, key: str, first: str, second: str
) -> None:
    file(desk, **FILED)
    li, wang = Visitor(desk, "operator"), Visitor(desk, "supervisor")
    theirs = form(wang.get(PAGE).text, f"details-{section}")
    change(li, section, **{key: first})
    late = wang.post(f"{PAGE}/details", {**theirs, key: second})
    assert late.status_code == 409
    assert "somebody else has changed" in late.text.lower()
    assert filed(desk)[key] == first
    # It stands in the form again, held against what is on record now: sent again, it is meant.
    again = form(late.text, f"details-{section}")
    assert again[key] == second
    assert wang.post(f"{PAGE}/details", again).status_code == 303
    assert filed(desk).get(key, "") == second


def test_what_was_refused_keeps_what_was_typed_and_no_old_value_of_what_was_not(
    desk: ConsoleDesk,
) -> None:
    file(desk, **FILED)
    li, wang = Visitor(desk, "operator"), Visitor(desk, "supervisor")
    fields = form(li.get(PAGE).text, "details-site")
    change(wang, "site", service_type="blog")
    typed = {"home_url": "https://shop.example/", "icp_number": "1" * 65}
    refused = li.post(f"{PAGE}/details", {**fields, **typed})
    assert refused.status_code == 409
    again = form(refused.text, "details-site")
    assert again["home_url"] == "https://shop.example/"
    assert again["service_type"] == "blog"
    li.post(f"{PAGE}/details", {**again, "icp_number": FILED["icp_number"]})
    assert filed(desk)["service_type"] == "blog"
    assert filed(desk)["home_url"] == "https://shop.example/"


def test_a_day_that_is_none_is_refused_by_the_name_of_the_detail(desk: ConsoleDesk) -> None:
    for language, told in (("en", "opening date"), ("zh", "网站开通日期")):
        visitor = Visitor(desk, "operator", language)
        refused = change(visitor, "days", opened_on="2026-02-30")
        assert refused.status_code == 409
        assert told in refused.text
    assert filed(desk) == {}


def test_a_filing_that_moves_all_the_time_is_refused_in_the_end(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, li = Filed.read, Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "details-days")

    def busy(connection: Any, name: str) -> Any:
        found = read(connection, name)
        return type(found)(
            site_id=found.site_id, seq=found.seq - 1, kept=found.kept, plain=found.plain
        )

    monkeypatch.setattr(Filed, "read", busy)
    refused = li.post(f"{PAGE}/details", {**fields, "opened_on": "2026-02-01"})
    assert refused.status_code == 409
    assert "Nothing was done: somebody else acted first" in refused.text
    assert filed(desk) == {}


def test_a_server_whose_answer_was_lost_is_added_once(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    fields = {"new": "1", "label": "spare", "ip": "203.0.113.9", "key": "k"}
    for _ in range(2):
        assert li.post(f"{PAGE}/server", fields).status_code == 303
    assert "recorded once" in li.get(PAGE).text
    assert li.post(f"{PAGE}/server", {**fields, "key": "k2"}).status_code == 409


def test_a_server_is_added_changed_and_taken_off(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "server-")
    new = {**fields, "label": "main", "ip": "203.0.113.7", "province": "广东", "city": "深圳"}
    assert li.post(f"{PAGE}/server", new).status_code == 303
    assert json.loads(filed(desk)["server.main"]) == {
        "ip": "203.0.113.7", "province": "广东", "city": "深圳",
    }  # fmt: skip
    assert li.post(f"{PAGE}/server", new).status_code == 409
    fields = form(li.get(PAGE).text, "server-main")
    assert li.post(f"{PAGE}/server", {**fields, "count": "2"}).status_code == 303
    assert json.loads(filed(desk)["server.main"])["count"] == "2"
    # What he saw is not what is on record any more.
    assert li.post(f"{PAGE}/server", {**fields, "remove": "1"}).status_code == 409
    fields = form(li.get(PAGE).text, "server-main")
    assert li.post(f"{PAGE}/server", {**fields, "remove": "1"}).status_code == 303
    assert filed(desk) == {}


def test_a_server_keeps_what_is_masked_of_it(desk: ConsoleDesk) -> None:
    file(desk, **FILED)
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "server-main")
    assert fields["place"] == ""
    assert li.post(f"{PAGE}/server", {**fields, "count": "3"}).status_code == 303
    found = json.loads(filed(desk)["server.main"])
    assert found["place"] == "机房 010 5555 0177"
    assert found["count"] == "3"


def test_of_a_document_the_digest_goes_on_record_and_no_file_is_kept(
    desk: ConsoleDesk, tmp_path: Path
) -> None:
    desk.keep_evidence_in(tmp_path / "evidence", limit=1_000)
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "document-")
    new = {**fields, "label": "contract", "kind": "access_contract", "expires_on": "2027-01-31"}
    content = b"a contract"
    sent = li.post(f"{PAGE}/document", new, file=("contract.pdf", content))
    assert sent.status_code == 303
    assert json.loads(filed(desk)["document.contract"]) == {
        "digest": hashlib.sha256(content).hexdigest(), "expires_on": "2027-01-31",
        "kind": "access_contract", "size": "10",
    }  # fmt: skip
    assert not (tmp_path / "evidence").exists()
    # Another file takes its place; one that is too large does not, and nothing else is lost.
    fields = form(li.get(PAGE).text, "document-contract")
    li.post(f"{PAGE}/document", fields, file=("contract.pdf", b"a new one"))
    assert json.loads(filed(desk)["document.contract"])["size"] == "9"
    large = li.post(f"{PAGE}/document", fields, file=("contract.pdf", b"x" * 1_001))
    assert large.status_code == 409
    assert json.loads(filed(desk)["document.contract"])["kind"] == "access_contract"


def test_a_preset_fills_in_a_providers_details(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "preset")
    file(desk, level="3")
    chosen = {**fields, "preset": "aliyun-access"}
    # Of a site that has moved on since, nothing is replaced.
    assert li.post(f"{PAGE}/preset", chosen).status_code == 409
    fields = form(li.get(PAGE).text, "preset")
    assert li.post(f"{PAGE}/preset", {**fields, "preset": "aliyun-access"}).status_code == 303
    assert filed(desk)["access_phone"] == "95187"


def test_a_change_that_settles_a_suspicion_says_so(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    change(li, "responsible", responsible_phone="13333333333")
    [task] = tasks(desk)
    assert task["filing"] == ["responsible_phone", "phone_repeats"]
    queue = li.get("/").text
    assert f'href="/sites/{SITE}?false=responsible_phone#act-false-info"' in queue
    assert 'value="not-false"' in queue
    chinese = Visitor(desk, "operator", "zh").get("/").text
    assert "登记的负责人手机号码不实（同一数字连续重复）" in chinese
    change(li, "responsible", responsible_phone=PHONE)
    assert tasks(desk) == []


def test_who_finds_a_suspicion_unfounded_says_so_in_the_queue(desk: ConsoleDesk) -> None:
    file(desk, responsible_phone="13333333333")
    li = Visitor(desk, "operator")
    [task] = tasks(desk)
    li.post(f"/queue/{task['id']}/done", {"outcome": "not-false"})
    assert tasks(desk) == []
    page = Visitor(desk, "operator", "zh").get(f"/sites/{SITE}").text
    assert "并非虚假" in page


def test_terms_and_feet_can_be_told_and_done_in_the_queue(desk: ConsoleDesk) -> None:
    with freeze_time("2026-03-10T02:00:00Z", ignore=["_pytest"]):
        file(desk, opened_on="2026-02-01")
        desk.do(OTHER, c.AddSite(by="li"))
        desk.do(OTHER, c.ChangeFiling(by="li", details=(("approved_on", "2026-02-12"),)))
        for site in (SITE, OTHER):
            desk.do(site, c.Remind(on="2026-03-10"))
        desk.do(SITE, c.RecordFooter(problems=("icon_missing", "icp_missing")))
        operator, reader = Visitor(desk, "operator"), Visitor(desk, "operator", "zh")
        items = re.findall(r'id="i-([^"]+)"', operator.get("/").text)
        page = "".join(operator.get("/", item=each).text for each in items)
        chinese = "".join(reader.get("/", item=each).text for each in items)
    assert "OVERDUE by 7 d" in page
    assert "4 d left" in page
    assert page.count(f'href="/sites/{SITE}/filing"') == 2
    assert page.count(f'href="/sites/{OTHER}/filing"') == 1
    assert page.count('name="outcome" value="told"') == 3
    assert "缺少图标、缺少 ICP 备案号" in chinese
    assert "已超时 7 天" in chinese


def test_hostile_words_are_shown_as_text(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    change(li, "subject", subject_name=HOSTILE)
    change(li, "site", support_name="\u202eevil\u202c مرحبا", level_reason="很" * 4_000)
    page = li.get(PAGE).text
    assert "<script>document" not in page
    assert form(page, "details-subject")["subject_name"] == HOSTILE
    assert form(page, "details-site")["level_reason"] == "很" * 4_000


def test_words_of_several_lines_come_back_as_they_are(desk: ConsoleDesk) -> None:
    file(desk, level_reason="一\n\n二", access_place="x\ny")
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "details-site")
    # A browser sends its own ends of lines.
    sent = {**fields, "level_reason": "一\r\n\r\n二", "level": "3"}
    assert li.post(f"{PAGE}/details", sent).status_code == 303
    [*_, entry] = desk.entries("filing_changed")
    assert entry["data"]["details"] == {"level": "3"}


def test_an_erased_detail_is_told_as_erased_and_can_be_filed_anew(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(desk, **FILED)
    li = Visitor(desk, "operator")
    with monkeypatch.context() as patched:
        patched.setattr(entries, "values", lambda *_: {})
        assert "(erased)" in li.get(PAGE).text
        assert change(li, "responsible", responsible_phone=PHONE).status_code == 303
    assert filed(desk)["responsible_phone"] == PHONE


def test_without_the_libraries_the_page_says_what_to_install(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    li = Visitor(desk, "operator")
    fields = form(li.get(PAGE).text, "details-responsible")

    def missing(*_: object) -> None:
        raise ModuleNotFoundError("no phonenumbers", name="phonenumbers")

    monkeypatch.setattr(people, "check_phones", missing)
    told = li.get(PAGE).text
    assert "without the library phonenumbers" in told
    for tool in ("pip install", "pipx install --force", "uv tool install"):
        assert f"{tool} &#39;incidents[filing]&#39;" in told
    assert "缺少程序库（phonenumbers）" in Visitor(desk, "operator", "zh").get(PAGE).text
    refused = li.post(f"{PAGE}/details", {**fields, "responsible_phone": PHONE})
    assert refused.status_code == 409
    assert "without the library phonenumbers" in refused.text
    assert filed(desk) == {}


def test_settings_that_are_wrong_are_told_and_the_page_stands(
    desk: ConsoleDesk, tmp_path: Path
) -> None:
    li = Visitor(desk, "operator")
    for said in ('icp_form = "none"', f'presets = "{tmp_path}/none.toml"'):
        (tmp_path / "config.toml").write_text(f"[filing]\n{said}\n")
        assert "The filing settings are wrong" in li.get(PAGE).text


# The terms of all sites.


def test_all_terms_stand_on_one_page_overdue_first_and_as_a_calendar(desk: ConsoleDesk) -> None:
    with freeze_time("2026-03-10T02:00:00Z", ignore=["_pytest"]):
        file(desk, opened_on="2026-02-01")
        desk.do(OTHER, c.AddSite(by="li"))
        desk.do(OTHER, c.ChangeFiling(by="li", details=(("approved_on", "2026-02-12"),)))
        viewer = Visitor(desk, "viewer")
        page = viewer.get("/terms").text
        soon = viewer.get("/terms", days="0").text
        for asked in ({"term": "show_number"}, {"site": OTHER}):
            assert "Overdue: 0. Still in time: 1." in viewer.get("/terms", **asked).text
        calendar = viewer.get("/terms.ics")
        page_zh = Visitor(desk, "viewer", "zh").get("/terms").text
    assert "Overdue: 1. Still in time: 1." in page
    assert page.index("OVERDUE by 7 d") < page.index("4 d left")
    assert "4 d left" not in soon
    assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "attachment" in calendar.headers["content-disposition"]
    assert calendar.text.count("BEGIN:VEVENT\r\n") == 2
    assert "已超时 7 天" in page_zh
    assert '<a href="/terms" aria-current="page">期限</a>' in page_zh


def test_the_terms_are_walked_page_by_page_and_filtered(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "PAGE", 1)
    viewer = Visitor(desk, "viewer")
    assert "No active deadlines." in viewer.get("/terms").text
    file(desk, opened_on="2026-02-01")
    desk.do(OTHER, c.AddSite(by="li"))
    desk.do(OTHER, c.ChangeFiling(by="li", details=(("approved_on", "2026-02-12"),)))
    row = re.compile(r'<li class="item term[^"]*" id="r-([^"]+)"')
    first = viewer.get("/terms").text
    [more] = re.findall(r'rel="next" href="([^"]+)"', first)
    found = [*row.findall(first), *row.findall(viewer.get(unescape(more)).text)]
    assert found == [f"{SITE}-file", f"{OTHER}-show_number"]
    assert row.findall(viewer.get("/terms", term="show_number").text) == [f"{OTHER}-show_number"]
    assert row.findall(viewer.get("/terms", site=OTHER).text) == [f"{OTHER}-show_number"]
    assert viewer.get("/terms", days="5").status_code == 422


def test_a_finding_has_one_verdict_and_names_a_document_by_its_label(desk: ConsoleDesk) -> None:
    with freeze_time("2026-03-10T02:00:00Z", ignore=["_pytest"]):
        contract = '{"expires_on":"2026-03-12","kind":"access_contract"}'
        file(desk, responsible_phone="13333333333", **{"document.contract": contract})
        page = Visitor(desk, "operator").get(f"/sites/{SITE}/filing").text
    [doubted] = re.findall(r"<li><p>([^\n]*)<b>Responsible person&#39;s phone</b></p>", page)
    assert re.findall(r'class="state (\w+)">([^<]+)<', doubted) == [("false", "considered false")]
    assert "Document “contract” expires soon" in page
    assert "<h4><bdi>Document “contract”</bdi></h4>" in page
    assert "document.contract" not in page


def test_there_is_nothing_to_show_in_full_where_nothing_is_masked(desk: ConsoleDesk) -> None:
    operator = Visitor(desk, "operator")
    assert "/filing/reveal" not in operator.get(f"/sites/{SITE}/filing").text
    file(desk, responsible_phone="13912345678")
    assert "/filing/reveal" in operator.get(f"/sites/{SITE}/filing").text
