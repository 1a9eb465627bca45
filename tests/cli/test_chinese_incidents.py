"""Incidents, confirmations and usage errors in Chinese: no English sentence is left in them."""

from __future__ import annotations

import json
import pickle
import re
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import confirmation, reauthentication
from incidents.cli.run import Run
from incidents.clock import parse, zone
from incidents.contract.documents.orders import ComparisonVerdict
from incidents.enforcement.verdict import REPAIRED, UP, WAITS, Comparison
from incidents.errors import Cause, InputError, UnknownSiteError
from tests.cli.conftest import NOON, Cli, Result

ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
# What is typed or copied, and what has a name of its own.
TYPED = re.compile(
    r"(?:incidents|site) [a-z][\w .-]*|--[\w-]+(?: [\w.-]+)?|https?://\S+|[\w-]+\.example"
    r"|sha256:\w+|Asia/\w+|# .*"
)


@pytest.fixture
def chinese(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A desk with a site, and a violation of it, that answers in Chinese."""
    cli("site", "add", "shop.example", "--person", "张三", "--phone", "+86 10 5555 0100")
    cli("log", "shop.example", "--url", "HTTPS://shop.example/a", "--category", "赌博")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    return cli


def test_what_closes_a_site_is_asked_in_the_language_of_the_person_though_a_program_reads(
    chinese: Cli,
) -> None:
    asked = chinese(
        "site", "false-info", "shop.example", "--field", "phone", "--evidence", "x", "--json",
        typed="no\n", asked=True,
    )  # fmt: skip
    assert asked.status == 4
    assert asked.err.startswith(
        "此操作将关闭 shop.example：不提供售后服务，不予退款。\n请输入网站名称"
    )
    assert '"message": "nothing was done: closing shop.example was not confirmed' in asked.err


def test_a_category_has_a_chinese_name_and_programs_have_its_code(chinese: Cli) -> None:
    chinese("log", "shop.example", "--category", "phishing")
    assert "类别：网络钓鱼" in chinese("show", "1-2").out.splitlines()
    assert chinese("show", "1-2", "--json").json["category"] == "phishing"


def test_an_outcome_and_a_detail_may_be_given_by_their_chinese_names(chinese: Cli) -> None:
    assert (
        chinese("contact", "1-1", "无人接听", "--json").json["events"][0]["outcome"] == "no-answer"
    )
    wrong = chinese("contact", "1-1", "没有接")
    assert wrong.status == 2
    assert "没有通话结果“没有接”。可写：reached（已联系到）、no-answer（无人接听）" in wrong.err
    closed = chinese(
        "site", "false-info", "shop.example", "--field", "电话", "--evidence", "空号",
        "--confirm", "shop.example", "--json",
    )  # fmt: skip
    assert closed.json["events"][0]["field"] == "phone"


def test_what_a_person_must_give_has_the_word_of_the_help_and_is_refused_as_typed(
    chinese: Cli,
) -> None:
    chinese("contact", "1-1", "reached")
    undone = chinese("undo", "1-1", "--reason", "记错")
    assert "下一步：incidents undo 1-1-1 --reason 理由\n" in undone.err
    for word in ("理由", "R"):
        assert chinese("undo", "1-1-1", "--reason", word).status == 2
    early = chinese("contact", "1-1", "reached", "--at", "2020-01-01 23:00")
    assert "下一步：同一命令，正确填写 --at 时间\n" in early.err


def test_after_a_wrong_number_another_one_is_wanted(chinese: Cli) -> None:
    called = chinese("contact", "1-1", "wrong-number")
    assert "该号码已登记为号码错误：请改用其他联系方式" in called.out
    assert "下一步：incidents site edit shop.example --phone 电话\n" in called.out
    assert "5555 0100" not in called.out
    assert "请联系：" in chinese("contact", "1-1", "no-answer").out


def test_a_suspension_that_is_over_is_not_overdue(
    chinese: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(hours=2))
    chinese("daemon", "--once")
    orders = chinese("orders", "list", "--json").json
    id_ = next(each["id"] for each in orders if each["kind"] == "suspend")
    assert "（还有" in chinese("orders", "show", id_).out
    clock.tick(timedelta(hours=40))
    assert "（已结束）" in chinese("orders", "show", id_).out


def test_a_masked_number_leads_to_the_whole_one(chinese: Cli) -> None:
    chinese("log", "shop.example", "--again")
    chinese("log", "shop.example", "--again", "--confirm", "shop.example")
    told = chinese("show", "1-t1").out
    assert "•• ••00（完整号码：incidents queue --reveal）" in told
    assert "+86 10 5555 0100" in chinese("queue", "--reveal").out


def test_where_an_incident_is_wanted_a_site_leads_to_its_own_page(chinese: Cli) -> None:
    assert "下一步：incidents site why shop.example\n" in chinese("refused", "shop.example").err


def english_in(answer: Result) -> list[str]:
    """The English in what people read, commands and names aside."""
    text = answer.out + answer.err
    assert re.search("[一-鿿]", text), text
    return ENGLISH.findall(TYPED.sub("", text))


def test_the_whole_story_of_an_incident_is_told_in_chinese(
    chinese: Cli, clock: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    file = tmp_path / "截图.png"
    file.write_bytes(b"x")
    chinese("contact", "1-1", "no-answer", "--note", "前台")
    clock.tick(timedelta(minutes=10))
    chinese("contact", "1-1", "no-answer", "--at", "12:05")
    chinese("void-contact", "1-1-1", "--reason", "误记")
    chinese("void-contact", "1-1-2", "--reason", "误记")
    chinese("contact", "1-1", "reached", "--at", "12:08")
    chinese("attach", "1-1", str(file))
    chinese("note", "1-1", "已备注")
    chinese("note", "1-1", "请删除", "--to-customer")

    story = chinese("show", "1-1")

    assert story.status == 0
    assert english_in(story) == []
    lines = story.out.splitlines()
    assert "状态：已告知" in lines
    assert "网址：https://shop.example/a" in lines
    assert "登记时所写：HTTPS://shop.example/a" in lines
    assert "联系记录：1-1-1：2026-03-02 12:00 无人接听，由 li 登记，已作废：前台" in lines
    assert (
        "联系记录：1-1-2：2026-03-02 12:05 无人接听，由 li 于 2026-03-02 12:10 登记，已作废"
    ) in lines
    assert "联系记录：1-1-3：2026-03-02 12:08 已联系到，由 li 于 2026-03-02 12:10 登记" in lines
    assert "内部备注：li，2026-03-02 12:10：已备注" in lines
    assert "给客户的留言：li，2026-03-02 12:10：请删除" in lines
    assert any(line.startswith("证据：截图.png（1 字节，2026-03-02 12:10）") for line in lines)
    assert (
        "报告公安机关：须在 2026-03-03 12:00 Asia/Shanghai（还有 23 小时 50 分钟）前报告"
    ) in lines

    chinese("reported", "1-1", "--ref", "7")
    assert "报告公安机关：已于 2026-03-02 12:10 报告\n" in chinese("show", "1-1").out


def test_a_time_that_was_typed_is_echoed_in_chinese(chinese: Cli) -> None:
    told = chinese("log", "shop.example", "--at", "11:59", "--again")
    assert "所填时间按 2026-03-02 11:59 Asia/Shanghai（1 分钟前）处理" in told.err.splitlines()


def test_a_rehearsal_is_told_in_chinese(chinese: Cli, tmp_path: Path) -> None:
    other = ("--db", f"sqlite:///{tmp_path}/other.db")
    chinese("db", "upgrade", "--rehearsal", *other)
    assert chinese("site", "list", *other).err == "演练：此数据库接受任意时钟\n"


def test_what_is_owed_to_the_police_is_told_in_chinese(
    chinese: Cli, clock: FrozenDateTimeFactory
) -> None:
    owed = chinese("duty")
    assert english_in(owed) == []
    assert "0 项超时，1 项尚在时限内" in owed.err.splitlines()
    assert "公安部令第 33 号）第十条第（六）项" in owed.err
    assert owed.out.split("\t")[:4] == ["1-1", "还有 1 天", "shop.example", "待联系"]
    chinese("log", "shop.example", "--again")
    assert "以上为前 1 项" in chinese("duty", "--limit", "1").err
    for name in ("1-1", "1-2"):
        chinese("reported", name, "--ref", "7")
    assert "没有须向公安机关报告的事项" in chinese("duty").err


def test_the_same_line_is_told_in_chinese(chinese: Cli) -> None:
    chinese("log", "shop.example", typed="")
    twice = chinese("log", "shop.example", typed="")
    assert english_in(twice) == []
    assert "没有重复登记" in twice.err
    chinese("note", "1-1", "备注", typed="")
    assert "如确是另一条备注" in chinese("note", "1-1", "备注", typed="").err
    chinese("contact", "1-1", "reached")
    chinese("removed", "1-1")
    chinese("recur", "1-1", typed="")
    assert "没有重复登记" in chinese("recur", "1-1", typed="").err


def test_a_closure_is_confirmed_in_chinese(chinese: Cli) -> None:
    url = ("--url", "https://other.example/")
    other = chinese("log", "shop.example", *url, typed="no\n", asked=True)
    assert other.status == 4
    assert "网址属于 other.example，而不是 shop.example。\n如仍要登记在" in other.err
    assert "未经确认，没有执行：输入的名称不符" in other.err
    assert english_in(other) == []
    chinese("log", "shop.example", "--again")
    asked = chinese("log", "shop.example", "--again", *url, typed="no\n", asked=True)
    assert asked.status == 4
    closed = chinese("log", "shop.example", "--again", typed="shop.example\n", asked=True)
    assert (
        "这是 24 小时内的第 3 次违规，满 3 次即关闭网站。\n"
        "此操作将关闭 shop.example：不提供售后服务，不予退款。\n"
        "请输入网站名称以确认："
    ) in closed.err
    assert closed.status == 0
    assert english_in(closed) == []


def test_hints_on_what_was_typed_are_in_chinese(chinese: Cli) -> None:
    new = chinese("log", "shop.example", "--again", "--category", "赌愽")
    assert "类别“赌愽”此前没有用过；已用过的有：赌博。" in new.err
    edited = chinese("site", "edit", "shop.example", "--phone", "1", "--email", "a")
    assert "电话号码位数太少，无法拨打" in edited.err
    assert "邮箱地址无效" in edited.err
    assert english_in(new) + english_in(edited) == []


WRONG = [
    ("log shop.example --at x", "incidents：“x”不是时间：请写成 02:50、昨天 17:00、10分钟前"),
    ("log shop.example --at 25:00", "没有“25:00”这个时间（小时请写 00 到 23）"),
    ("log shop.example --at 12:61", "（分钟请写 00 到 59）"),
    ("log shop.example --at 12:00:61", "（秒请写 00 到 59）"),
    ("log shop.example --at 2026-02-30T12:00Z", "（2026 年 2 月的日期为 01 到 28）"),
    ("log shop.example --at 2026-13-01T12:00Z", "（月份请写 01 到 12）"),
    ("log shop.example --at 1969-01-01T12:00Z", "（年份请写 1970 到 2999）"),
    ("log shop.example --at 2026-01-01T12:00+25:00", "（时差请写 -23:59 到 +23:59）"),
    ("log shop.example --at 2025-11-02T01:30 --zone America/New_York", "的时钟会两次显示“2025-"),
    ("log shop.example --at 2025-03-09T02:30 --zone America/New_York", "America/New_York 没有“"),
    ("log shop.example --zone Mars", "没有时区“Mars”"),
    ("site edit shop.example", "没有给出要修改的内容"),
    ("done 1-1 --outcome told", "1-1 是违规，不是任务"),
    ("done 1-disputed --outcome told", "1-disputed 不是任务：用 incidents site uphold NAME"),
    ("done 1-closure --outcome told", "1-closure 不是任务：用 incidents approve SITE"),
    ("done 1-reinstatement --outcome told", "1-reinstatement 不是任务：用 incidents approve SITE"),
    ("log shop.example --policy p.toml", "--policy 只能与 --dry-run 同用"),
    ("log shop.example --dry-run --policy \0", "不能作为文件名"),
    ("site list --db nonsense", "“nonsense”不是数据库的 URL（请写成 sqlite:"),
    ("site list --db mysql://db.example/x", "没有“mysql”这种数据库"),
    ("site list --db postgresql+pg8000://a.example/x", "PostgreSQL 没有驱动“postgresql+pg8000”"),
    ("site list --db sqlite://", "不是 SQLite 文件"),
    ("site list --server nonsense", "“nonsense”不是服务器地址"),
    ("site list --server http://desk.example", "会以明文发送令牌"),
    ("site list --server https://li@desk.example", "服务器地址中不能有用户名"),
    ("queue --after nonsense", "“nonsense”不是待办中的位置"),
    ("show 1-t9", "1-t9 不在待办中"),
    ("attach 1-1 /no/such/file", "没有文件 /no/such/file"),
    ("attach 1-1 /dev/null", "/dev/null 不是普通文件"),
    ("site confirm-closure shop.example --password-file -", "--password-file 在此不起作用"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "told"), WRONG, ids=[line for line, _ in WRONG])
def test_what_is_typed_wrongly_is_told_in_chinese(chinese: Cli, line: str, told: str) -> None:
    answer = chinese(*line.split(" "))
    assert answer.status in (2, 3)
    assert told in answer.err
    assert english_in(Result(answer.status, "", answer.err.replace("America/New_York", ""))) == []

    program = json.loads(chinese(*line.split(" "), "--json").err)
    [document] = program.values()
    assert re.search("[一-鿿]", document["message"]) is None


def test_a_folder_is_told_in_chinese(chinese: Cli) -> None:
    assert "incidents：/ 是文件夹：请指定其中的文件\n" in chinese("audit", "export", "-o", "/").err


def test_a_file_that_is_no_policy_is_told_in_chinese(chinese: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("no = 1", encoding="utf-8")
    assert f"{file} 不是策略文件：" in chinese("policy", "check", str(file)).err
    file.write_text("#" * 1_000_001, encoding="utf-8")
    assert f"{file} 超过 1,000,000 字节" in chinese("policy", "check", str(file)).err


def test_what_would_be_opened_is_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    def site(name: str, really: str, verdict: ComparisonVerdict = REPAIRED) -> Comparison:
        return Comparison(
            site=name, ordered=UP, on_record=UP, really=really, adapter="x", verdict=verdict
        )

    many = [site(f"{n:02}.example", "suspended") for n in range(21)]
    opened = [*many, site("c.example", "closed"), site("u.example", "unknown"),
              site("w.example", "up", WAITS)]  # fmt: skip
    lines = confirmation.openings_text(Run(), opened)
    assert lines[0].startswith("此操作将开通 22 个已停用的网站：00.example（暂停）、01.example")
    assert lines[0].endswith("19.example（暂停），另有 2 个")
    assert [ENGLISH.findall(TYPED.sub("", line)) for line in lines[:3]] == [[], [], []]
    begun = [line[:8] for line in lines[1:]]
    assert begun == ["此操作将下达开通", "有 1 个网站的", "其中 1 个实际"]


def test_an_error_that_has_a_code_keeps_its_facts_and_its_english() -> None:
    with pytest.raises(InputError) as caught:
        parse("25:00", zone("UTC"), NOON)
    error = caught.value
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert each.message == "no such time: '25:00' (write hours from 00 to 23)"
        assert (each.name, each.facts) == ("input", {})
        assert isinstance(each.message, Cause)
        assert each.message.code == "no_such_time"
    assert not isinstance(UnknownSiteError(site="a", way_out="", nearest=[]).message, Cause)


def test_a_password_is_asked_for_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    asked: list[str] = []

    def typed(question: str, **_given: object) -> str:
        asked.append(question)
        return "x"

    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr(reauthentication, "is_terminal", lambda _stream: True)
    assert reauthentication.read_new_password(Run(), None, "li") == "x"
    assert asked == ["li 的新密码：", "请再次输入："]
