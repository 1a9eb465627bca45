"""The wording: every notice can be written, in both languages, also by one's own templates."""

from __future__ import annotations

import errno
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import meta

from incidents.machine.policy import Policy
from incidents.notices import samples, templating
from incidents.notices import wording as phrases
from incidents.notices.facts import AlarmFacts, AnyFacts, Facts, template_facts
from incidents.notices.letter import DeskContact
from incidents.notices.notice_types import LANGUAGES, NOTICES
from incidents.notices.templating import SHIPPED, TemplateError
from incidents.notices.wording import Wording
from incidents.views.queue.alarm import KINDS
from tests.notices.lane import SHANGHAI, WORDING

TERMS = {"zh_CN": "不提供售后服务，不予退款", "en": "no after-sales service"}
UNTIDY = re.compile(r"[{}%]|\n\n\n| $|  |。。|；。|\.\.|\( ", re.MULTILINE)
CUSTOMER = [name for name, entry in NOTICES.items() if entry.to == "customer"]


def _text(name: str, language: str = "zh_CN", **facts: Any) -> str:
    subject, text = WORDING.render(name, replace(samples.of(name), **facts), language)
    return f"{subject}\n\n{text}"


def _all(name: str) -> Iterator[AnyFacts]:
    """All combinations of what the facts can be."""
    dimensions = samples.dimensions(name)
    for values in itertools.product(*dimensions.values()):
        yield replace(samples.of(name), **dict(zip(dimensions, values, strict=True)))


def _overridden(folder: Path, name: str, text: str) -> Wording:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return Wording(samples.OFFICE, SHANGHAI, folder=folder)


# ── each can be written ──────────────────────────────────────────────────────────────────────────


# One in seven of what can come together, and in long runs all of it.
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_can_be_written_whatever_the_facts_are(
    name: str, language: str, step: int
) -> None:
    for facts in islice(_all(name), 0, None, step):
        subject, text = WORDING.render(name, facts, language)
        assert subject
        assert text
        for written in (subject, text):
            assert "None" not in written
            assert not UNTIDY.search(written), written


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_can_be_written_by_a_desk_that_has_only_a_name(name: str) -> None:
    bare = Wording(DeskContact(name="示例主机"), SHANGHAI)
    facts = samples.of(name)
    if isinstance(facts, Facts):
        facts = replace(facts, link=None)
    assert bare.letter(name, facts, "12-o45").text


def test_all_that_is_shipped_passes_its_own_check() -> None:
    WORDING.check()


def test_each_alarm_and_each_notice_has_a_template_in_each_language_and_no_other_has() -> None:
    for language in LANGUAGES:
        files = {file.name.removesuffix(".txt.jinja") for file in (SHIPPED / language).iterdir()}
        assert {name for name in files if not name.startswith("_")} == set(NOTICES)
    assert {f"alarm_{kind}" for kind in KINDS} < set(NOTICES)
    parts = [
        {file.name for file in (SHIPPED / language).iterdir() if file.name.startswith("_")}
        for language in LANGUAGES
    ]
    assert parts[0] == parts[1]


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_asks_for_the_same_facts_in_both_languages(name: str) -> None:
    asked = [_asked(name, language) for language in LANGUAGES]
    assert asked[0] == asked[1]
    assert asked[0] <= {*template_facts(samples.of(name)), "office"}


def _asked(name: str, language: str) -> set[str]:
    """The facts that a template asks for, and those that it includes."""
    filters = dict.fromkeys(("time", "duration", "times", "category", "problem", "order"), str)
    templates = templating.environment([SHIPPED / language], filters)
    found: set[str] = set()
    waiting = [f"{name}.txt.jinja"]
    while waiting:
        assert templates.loader is not None
        source, _, _ = templates.loader.get_source(templates, waiting.pop())
        tree = templates.parse(source)
        found |= meta.find_undeclared_variables(tree)
        waiting += [str(each) for each in meta.find_referenced_templates(tree)]
    return found


def test_the_templates_are_in_the_package() -> None:
    folder = resources.files("incidents.notices") / "templates"
    assert (folder / "letter.html.jinja").is_file()
    for language in LANGUAGES:
        for name in NOTICES:
            text = (folder / language / f"{name}.txt.jinja").read_text(encoding="utf-8")
            assert text.strip()


def test_no_template_is_left_out_of_the_wheel_by_git() -> None:
    import subprocess

    files = [str(file) for file in SHIPPED.rglob("*.jinja")]
    done = subprocess.run(["git", "check-ignore", *files], cwd=SHIPPED, check=False)
    assert done.returncode == 1


# ── what they say ────────────────────────────────────────────────────────────────────────────────


def test_the_notice_of_a_violation_says_what_was_found_by_when_and_what_happens_then() -> None:
    text = _text("violation_found")
    for said in (
        "违规信息通知：shop.example（编号 12-3）", "尊敬的网站负责人 张三：", "违规类别：赌博",
        "- https://shop.example/a", "须在 2026-03-02 13:00（北京时间）前与网站负责人本人通话",
        "或在此之前主动致电 +86 10 5555 0100",
        "仅回复邮件、在线说明、留言或由他人转告，均不视为已联系到网站负责人。",
        "网站将被暂停访问 12 小时", "连续达到 3 次的，关闭网站",
        "24 小时内出现 3 次及以上违规信息的，关闭网站",
        "请立即删除上述违规信息", "- 邮箱：desk@host.example", "请注明编号 12-3",
    ):  # fmt: skip
        assert said in text
    english = _text("violation_found", "en")
    assert "must speak to them in person by 2026-03-02 13:00 (Beijing time)" in english
    assert "the site is suspended for 12 hours" in english


def test_a_miss_that_closes_is_said_to_close_and_not_to_suspend() -> None:
    text = _text("violation_found", miss_closes=True).partition("现行处理规则：")[0]
    assert "网站将被关闭，不提供售后服务，不予退款" in text
    assert "暂停访问 12 小时" not in text


def test_a_site_that_is_down_is_threatened_with_no_suspension() -> None:
    down: dict[str, Any] = {"site_state": "suspended", "miss_acts": False}
    text = _text("violation_found", **down).partition("现行处理规则：")[0]
    assert "该网站目前已暂停访问。" in text
    assert "将被" not in text


def test_a_site_that_opens_before_the_deadline_is_told_what_a_miss_does() -> None:
    soon = {
        "site_state": "suspended",
        "until": datetime(2026, 3, 2, 4, 0, tzinfo=UTC),
        "miss_closes": True,
    }
    text = _text("violation_found", "en", **soon)
    assert "The site is currently suspended and is due to open again at 2026-03-02 12:00" in text
    assert "if we do not reach the responsible person by then, the site is closed" in text
    script = _text("call_script", "en", **soon)
    assert "[The site is currently suspended and opens again before the deadline." in script
    assert "by 2026-03-02 13:00 (Beijing time). Otherwise, the site is closed." in script


def test_the_attempts_that_a_miss_needs_are_told_with_those_that_were_made() -> None:
    strict: dict[str, Any] = {"policy": Policy(min_attempts=2), "attempts": 1}
    assert "by then in at least 2 attempts (made so far: 1), the site is suspended" in _text(
        "violation_found", "en", **strict
    )
    assert "到期至少尝试 2 次（已尝试 1 次）仍无法联系到" in _text("violation_found", **strict)
    assert (
        "Otherwise, the site is suspended for 12 hours. This needs at least 2 attempts by then"
        " (made so far: 1); after fewer, only an alarm is raised."
    ) in _text("call_script", "en", **strict)
    assert "至少尝试 2 次（已尝试 1 次）；次数不足则只告警。" in _text("call_script", **strict)
    assert "(Beijing time). Attempts made: 1." in _text("suspended", "en", **strict)
    assert "我们尝试 1 次，未能联系到" in _text("suspended", **strict)


def test_the_call_script_of_a_site_that_is_down_tells_the_attempts_too() -> None:
    down: dict[str, Any] = {
        "policy": Policy(min_attempts=2), "attempts": 1, "site_state": "suspended",
        "miss_acts": False,
    }  # fmt: skip
    assert (
        "At least 2 attempts are required by then (made so far: 1); after fewer, an alarm is"
        " raised. Record every attempt."
    ) in _text("call_script", "en", **down)
    assert "时限内须至少尝试 2 次（已尝试 1 次）；次数不足则告警。" in _text("call_script", **down)


def test_the_call_script_tells_the_removal_deadline_that_is_set_already() -> None:
    due: dict[str, Any] = {
        "policy": Policy(removal_within=timedelta(hours=2)), "state": "notified",
        "removal_due": datetime(2026, 3, 2, 6, 2, 1, tzinfo=UTC),
    }  # fmt: skip
    text = _text("call_script", "en", **due)
    assert "and we must have confirmed it, by 2026-03-02 14:02:01 (Beijing time)." in text
    assert "after this call is recorded" not in text
    assert "须在 2026-03-02 14:02:01（北京时间）前删除" in _text("call_script", **due)


def test_a_policy_that_closes_at_the_first_miss_promises_no_suspension() -> None:
    for language, closes in (("en", "violation, the site is closed."), ("zh_CN", "的，关闭网站；")):
        text = _text("violation_found", language, policy=Policy(run_count=1), miss_closes=True)
        assert closes in text
        assert not re.search("suspended for|If that happens|暂停网站访问|上述情形", text)


def test_too_few_attempts_are_told_with_what_they_came_to() -> None:
    assert "with 1 of 2 required attempts made, so shop.example was not suspended" in _text(
        "alarm", "en"
    )
    assert "联系次数不足（须 2 次，实为 1 次），shop.example 未暂停" in _text("alarm")


def test_a_violation_on_a_closed_site_threatens_nothing_and_sets_no_time() -> None:
    for language in LANGUAGES:
        text = _text("violation_found", language, site_state="closed")
        assert "13:00" not in text
        assert "12 小时" not in text
        assert "suspended" not in text
        assert "https://shop.example/a" in text


def test_a_person_who_was_reached_is_given_no_time_to_be_reached() -> None:
    for language in LANGUAGES:
        text = _text("violation_found", language, state="notified")
        assert "13:00" not in text
    assert "2026-03-02 15:00（北京时间）前删除" in _text(
        "violation_found", state="notified", removal_due=datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
    )


def test_numbers_are_those_of_the_policy() -> None:
    policy = Policy(
        repeat_count=5, repeat_within=timedelta(days=7), unreachable_within=timedelta(minutes=90),
        suspend_for=timedelta(hours=36), run_count=2, run="total",
        removal_within=timedelta(hours=2),
    )  # fmt: skip
    text = _text("violation_found", policy=policy)
    for said in (
        "1 小时 30 分钟内无法联系",
        "暂停网站访问 36 小时",
        "累计达到 2 次",
        "7 天内出现 5 次及以上",
        "告知后 2 小时内不删除",
    ):
        assert said in text
    english = _text("violation_found", "en", policy=policy)
    for said in (
        "within 1 hour 30 minutes", "suspended for 36 hours", "happens twice in all",
        "5 or more violations within 7 days", "not deleted within 2 hours after",
    ):  # fmt: skip
        assert said in english


@pytest.mark.parametrize("rule", ["repeat", "unreachable_run", "false_info", "refusal"])
@pytest.mark.parametrize("name", ["closed", "call_task"])
def test_a_closure_is_told_with_its_rule_and_its_terms(name: str, rule: str) -> None:
    said = {
        "repeat": ("24 小时内出现 3 次及以上违规信息", "3 or more violations within 24 hours"),
        "unreachable_run": ("连续达到 3 次", "3 times in a row"),
        "false_info": ("信息虚假", "details are false"),
        "refusal": ("未予删除", "not deleted"),
    }[rule]
    for language, words in zip(LANGUAGES, said, strict=True):
        text = _text(name, language, rule=rule)
        assert words in text
        assert TERMS[language] in text


def test_a_closure_by_false_information_names_the_detail() -> None:
    assert "（联系电话）" in _text("closed", rule="false_info", false_field="phone")
    assert "(the phone number)" in _text("closed", "en", rule="false_info", false_field="phone")
    assert "（icp_number）" in _text("closed", rule="false_info", false_field="icp_number")


def test_a_suspension_is_told_until_when_and_a_held_one_without_a_time() -> None:
    assert "暂停至 2026-03-03 01:00" in _text("suspended")
    for language in LANGUAGES:
        held = _text("suspended_held", language)
        assert held.count("2026-03-") == 1  # since when
    assert "公安机关或有关主管部门的要求" in _text("suspended_held")


@pytest.mark.parametrize("name", CUSTOMER)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_customer_is_always_told_how_to_answer_and_by_what_name_to_call_it(
    name: str, language: str
) -> None:
    text = _text(name, language)
    for said in ("+86 10 5555 0100", "desk@host.example"):
        assert said in text
    # A link names one incident: what is about the whole site has none.
    has_page = name in ("violation_found", "suspended")
    assert ("https://host.example/c/12-3." in text) == has_page
    facts = samples.of(name)
    assert isinstance(facts, Facts)
    assert facts.reference in text
    assert "示例主机" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_is_told_how_a_dead_order_that_was_overtaken_is_settled(language: str) -> None:
    text = _text("alarm_order_dead", language)
    assert "incidents orders retry 12-o45\n" in text
    assert "incidents orders cancel 12-o45 --reason R" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_site_is_told_in_its_own_letters_and_typed_in_ascii(language: str) -> None:
    text = _text("alarm_closure_waits", language, site="例子.测试")
    assert "例子.测试" in text.splitlines()[0]
    assert "incidents site why xn--fsqu00a.xn--0zwm56d\n" in text
    assert not re.search("incidents .*例子", text)


@pytest.mark.parametrize("name", [name for name, entry in NOTICES.items() if entry.to == "desk"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_is_told_nobody_s_name_and_no_address(name: str, language: str) -> None:
    text = _text(name, language)
    for kept in ("张三", "https://shop.example", "@"):
        assert kept not in text


def test_both_languages_stand_in_one_letter_in_the_order_that_is_asked_for() -> None:
    both = WORDING.letter("closed", samples.of("closed"), "12-o45.notice")
    assert (
        both.subject
        == "网站关闭通知：shop.example（编号 12-o45） / Site closed: shop.example (12-o45)"
    )
    assert both.text.index("关闭条款") < both.text.index("Terms:")
    other = Wording(samples.OFFICE, SHANGHAI, languages=("en", "zh_CN"))
    text = other.letter("closed", samples.of("closed"), "12-o45.notice").text
    assert text.index("Terms:") < text.index("关闭条款")
    alone = WORDING.in_language("en").letter("closed", samples.of("closed"), "12-o45.notice")
    assert "关闭" not in alone.text
    assert alone.languages == ("en",)


def test_times_are_told_in_the_zone_with_its_name() -> None:
    berlin = Wording(samples.OFFICE, ZoneInfo("Europe/Berlin"))
    text = berlin.letter("violation_found", samples.of("violation_found"), "12-o45").text
    assert "2026-03-02 06:00（Europe/Berlin）" in text
    assert "by 2026-03-02 06:00 (Europe/Berlin)" in text


@pytest.mark.parametrize(
    ("length", "chinese", "english"),
    [
        (timedelta(hours=1), "1 小时", "1 hour"),
        (timedelta(hours=24), "24 小时", "24 hours"),
        (timedelta(days=30), "30 天", "30 days"),
        (timedelta(days=2, hours=1), "2 天 1 小时", "2 days 1 hour"),
        (timedelta(minutes=90), "1 小时 30 分钟", "1 hour 30 minutes"),
        (timedelta(seconds=61), "1 分钟 1 秒", "1 minute 1 second"),
        (timedelta(0), "0 秒", "0 seconds"),
    ],
)
def test_durations_are_told_as_people_say_them(
    length: timedelta, chinese: str, english: str
) -> None:
    assert phrases.DURATIONS["zh_CN"](length) == chinese
    assert phrases.DURATIONS["en"](length) == english


def test_only_the_customer_s_own_page_is_a_link() -> None:
    sample = samples.of("violation_found")
    assert isinstance(sample, Facts)
    page = WORDING.letter("violation_found", sample, "12-o45").html
    assert re.findall(r'href="([^"]*)"', page) == [sample.link] * 2
    assert "<li>https://shop.example/a</li>" in page
    assert '<div lang="zh-CN">' in page
    assert '<div lang="en">' in page


def test_the_page_says_what_the_text_says() -> None:
    for name in NOTICES:
        letter = WORDING.letter(name, samples.of(name), "12-o45")
        seen = re.sub(r"<title>.*</title>|<[^>]*>", "", letter.html)
        words = re.sub(r"^- |─+|\s", "", letter.text, flags=re.MULTILINE)
        subjects = re.sub(r"\s", "", letter.subject).split("/")
        shown = re.sub(r"\s", "", seen)
        for subject in letter.subject.split(" / "):
            shown = shown.replace(re.sub(r"\s", "", subject), "", 1)
        assert subjects
        assert shown == words


# ── templates of one's own ───────────────────────────────────────────────────────────────────────


def test_a_template_of_the_operator_s_goes_before_the_shipped_one_alone(tmp_path: Path) -> None:
    wording = _overridden(tmp_path, "zh_CN/closed.txt.jinja", "关闭 {{ site }}\n\n{{ at|time }}\n")
    letter = wording.letter("closed", samples.of("closed"), "12-o45.notice")
    assert letter.subject.startswith("关闭 shop.example / Site closed")
    assert letter.text.startswith("2026-03-02 12:00（北京时间）\n\n─")
    assert wording.letter("reopened", samples.of("reopened"), "12-o45").text == (
        WORDING.letter("reopened", samples.of("reopened"), "12-o45").text
    )
    assert wording.own_template("closed", "zh_CN") == tmp_path / "zh_CN/closed.txt.jinja"
    assert wording.own_template("closed", "en") is None


def test_a_part_of_the_operator_s_stands_in_all_notices(tmp_path: Path) -> None:
    wording = _overridden(tmp_path, "en/_answer.txt.jinja", "Write to {{ office.mail }}.\n")
    for name in CUSTOMER:
        assert wording.render(name, samples.of(name), "en")[1].endswith(
            "Write to desk@host.example."
        )


def test_what_may_be_a_copy_is_told_as_such_around_the_operator_s_own_words(
    tmp_path: Path,
) -> None:
    name = "alarm_order_dead"
    wording = _overridden(tmp_path, f"en/{name}.txt.jinja", "Dead: {{ order }}\n\nAlas.\n")
    facts = samples.of(name)
    assert isinstance(facts, AlarmFacts)
    subject, text = wording.render(name, replace(facts, halted_since=facts.at), "en")
    assert subject == "MAY BE A COPY: Dead: 12-o45"
    assert text.startswith("desk-1 sends this about the database ")
    assert text.endswith("\n\nAlas.")

    wording = _overridden(tmp_path, "en/_of_a_copy.txt.jinja", "{{ subject }}\n\n{{ nobody }}\n")
    with pytest.raises(TemplateError, match="'nobody' is undefined"):
        wording.check()


def test_the_page_too_can_be_the_operator_s(tmp_path: Path) -> None:
    wording = _overridden(tmp_path, "letter.html.jinja", "<p>{{ subject }}</p>")
    closed = samples.of("closed")
    assert isinstance(closed, Facts)
    facts = replace(closed, site="<b>&")
    assert wording.letter("closed", facts, "12-o45").html == (
        "<p>网站关闭通知：&lt;b&gt;&amp;（编号 12-o45） / Site closed: &lt;b&gt;&amp; (12-o45)</p>"
    )


def test_a_changed_template_is_used_at_once(tmp_path: Path) -> None:
    wording = _overridden(tmp_path, "en/closed.txt.jinja", "one\n\none")
    assert wording.render("closed", samples.of("closed"), "en") == ("one", "one")
    _overridden(tmp_path, "en/closed.txt.jinja", "two\n\ntwo")
    os.utime(tmp_path / "en/closed.txt.jinja", (1, 1))
    assert wording.render("closed", samples.of("closed"), "en") == ("two", "two")


def test_a_template_that_comes_later_goes_before_the_shipped_one_at_once(tmp_path: Path) -> None:
    wording = Wording(samples.OFFICE, SHANGHAI, folder=tmp_path)
    shipped = wording.render("closed", samples.of("closed"), "en")
    _overridden(tmp_path, "en/closed.txt.jinja", "one\n\none")
    assert wording.render("closed", samples.of("closed"), "en") == ("one", "one")
    (tmp_path / "en/closed.txt.jinja").unlink()
    assert wording.render("closed", samples.of("closed"), "en") == shipped


def test_a_folder_that_may_not_be_entered_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wording = _overridden(tmp_path, "en/closed.txt.jinja", "one\n\none")
    stat = os.stat

    def refuse(path: Any, *options: Any, **more: Any) -> os.stat_result:
        if str(path).startswith(f"{tmp_path}/en/"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, *options, **more)

    # Root may enter any folder.
    monkeypatch.setattr(os, "stat", refuse)
    for _ in range(2):
        assert wording.render("closed", samples.of("closed"), "en") == (
            WORDING.render("closed", samples.of("closed"), "en")
        )
    assert wording.own_template("closed", "en") is None


def test_a_file_that_was_saved_on_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "zh_CN").mkdir()
    (tmp_path / "zh_CN/closed.txt.jinja").write_bytes("\ufeff关闭\r\n\r\n一\r\n二\r\n".encode())
    wording = Wording(samples.OFFICE, SHANGHAI, folder=tmp_path)
    assert wording.render("closed", samples.of("closed"), "zh_CN") == ("关闭", "一\n二")


@pytest.mark.parametrize(
    ("text", "line", "detail"),
    [
        ("s\n\n{{ nobody }}", 3, "'nobody' is undefined"),
        ("s\n\n\n{% if x %}", 4, "Unexpected end of template"),
        ("s\n{{ 1 / 0 }}", 2, "ZeroDivisionError: division by zero"),
        ("s\n\n{{ until|time }}", 3, "AttributeError"),
        ("s\n\n{{ cause }}", 3, "it uses a fact that is not there"),
        ("s\n\n{{ site|nothing }}", 3, "No filter named 'nothing'"),
        ("s\n\n{% include 'nothing.txt.jinja' %}", 3, "there is no nothing.txt.jinja"),
        ("s\n\n{{ ''.__class__ }}", 3, "access to attribute '__class__' of 'str' object is unsafe"),
        ("s\n\n{{ ''.__class__.__mro__ }}", 3, "unsafe"),
        ("s\n\n{{ site.__init__.__globals__ }}", 3, "unsafe"),
        ("s\n\n{{ policy.__class__ }}", 3, "unsafe"),
        ("s\n\n{{ policy.toml.__func__.__globals__ }}", 3, "unsafe"),
        ("s\n\n{{ '{0.__class__}'.format(site) }}", 3, "unsafe"),
        ("s\n\n{% for n in range(10**9) %}{% endfor %}", 3, "Range too big"),
        ("s\n\n{{ findings.append(1) }}", 3, "append"),
    ],
)
def test_a_wrong_template_is_told_with_its_file_and_line(
    text: str, line: int, detail: str, tmp_path: Path
) -> None:
    wording = _overridden(tmp_path, "zh_CN/closed.txt.jinja", text)
    with pytest.raises(TemplateError) as raised:
        wording.letter("closed", samples.of("closed"), "12-o45")
    message = raised.value.message
    file = tmp_path / "zh_CN/closed.txt.jinja"
    assert message.startswith(f"the template {file} is wrong in line {line}: ")
    assert detail in message
    assert "\n" not in message
    assert raised.value.exit_status == 1


def test_what_is_wrong_in_an_included_part_is_told_of_that_part(tmp_path: Path) -> None:
    wording = _overridden(tmp_path, "en/_answer.txt.jinja", "Write to\n{{ nobody.at }}.\n")
    with pytest.raises(TemplateError, match=r"/en/_answer\.txt\.jinja is wrong in line 2: "):
        wording.letter("closed", samples.of("closed"), "12-o45")


def test_a_template_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "zh_CN").mkdir()
    for name in ("closed", "_answer"):
        file = tmp_path / f"zh_CN/{name}.txt.jinja"
        file.write_bytes("ok\nok\n网站关闭\n".encode("gb18030"))
        wording = Wording(samples.OFFICE, SHANGHAI, folder=tmp_path)
        expected = re.escape(f"the template {file} is wrong in line 3: it is not UTF-8")
        with pytest.raises(TemplateError, match=expected):
            wording.letter("closed", samples.of("closed"), "12-o45")
        file.unlink()


def test_a_folder_that_has_a_template_s_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "zh_CN/closed.txt.jinja").mkdir(parents=True)
    wording = Wording(samples.OFFICE, SHANGHAI, folder=tmp_path)
    assert wording.letter("closed", samples.of("closed"), "12-o45") == WORDING.letter(
        "closed", samples.of("closed"), "12-o45"
    )


def test_the_check_finds_what_only_some_facts_stumble_over(tmp_path: Path) -> None:
    text = "s\n\n{{ findings[0].urls[0] }}"
    wording = _overridden(tmp_path, "en/violation_found.txt.jinja", text)
    assert wording.letter("violation_found", samples.of("violation_found"), "12-o45").text
    with pytest.raises(TemplateError, match=r"en/violation_found\.txt\.jinja is wrong in line 3"):
        wording.check()


def test_a_template_sees_no_address_of_the_customer_s(tmp_path: Path) -> None:
    facts = samples.of("closed")
    assert isinstance(facts, Facts)
    facts = replace(facts, email="zhang@shop.example", phone="+86 10 5555 0101")
    wording = _overridden(tmp_path, "en/closed.txt.jinja", "s\n\n{{ email }}")
    with pytest.raises(TemplateError, match="'email' is undefined"):
        wording.letter("closed", facts, "12-o45")
