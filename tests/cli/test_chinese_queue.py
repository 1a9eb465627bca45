"""The queue in Chinese, its warnings, the alarms and the orders: no English is left in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast, get_args

import pytest
from freezegun.api import FrozenDateTimeFactory
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from incidents.cli.prose import Prose
from incidents.cli.queue import keys as queue_keys
from incidents.cli.queue.frame import frame
from incidents.cli.queue.screen import Screen
from incidents.cli.queue.words import _WARNINGS, notices
from incidents.cli.run import Run
from incidents.contract.documents.queue import QueuePage
from incidents.errors import AwayError
from incidents.locale.language import language
from incidents.locale.words import TimeFormat
from incidents.views.queue import queue_warning
from tests.cli import test_queue_frame as english
from tests.cli.conftest import NOON, Cli
from tests.cli.terminal_session import terminal_session
from tests.cli.test_queue_watch import begin

CHINESE = language("zh_CN", "cli")
WHEN = TimeFormat(zone=english.Desk.when.zone, now=NOON, language=CHINESE)
GROUPS = (
    "alarms", "capped", "daemon", "enforcement", "notice", "order_of", "order_state", "orders",
    "problem", "queue", "queue_ask", "queue_deed", "queue_help", "queue_key", "reconcile",
    "reconciled", "rehearsal", "serve", "todo", "why_halted",
)  # fmt: skip
WORDS = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
# What is typed at a terminal, what stands in settings, and what people and programs are called.
TYPED = re.compile(
    r"incidents [a-z]+(?: [a-z-]+)?(?: (?:SITE|[\w.-]*\.example|\d+-\w+))*(?: --[\w-]+(?: [A-Z])?)*"
    r"|\bsite false-info|daemon --once|\[\w+\] \w+|\{[^}]*\}|[\w-]+\.example|Asia/Shanghai"
)


def english_in(text: str) -> list[str]:
    """The English in what people read, what is typed aside."""
    return WORDS.findall(TYPED.sub(" ，", text))


def assert_chinese(text: str) -> None:
    assert re.search(r"[\u4e00-\u9fff]", text), text
    assert english_in(text) == [], text


class Desk:
    """A run that tells all in Chinese."""

    person = "li"
    when = WHEN
    settings = property(lambda self: self)
    app = property(lambda self: self)


def sit(*items: Any, **more: Any) -> Screen:
    found = english.page(list(items), **more)
    return Screen(cast("Run", Desk()), lambda: found)


def drawn(screen: Screen, width: int = 80, height: int = 24) -> list[str]:
    lines = frame(screen, width, height)
    assert all(line.cell_len <= width for line in lines)
    return [line.plain.replace("\u00a0", " ").rstrip() for line in lines]


SAID = "请致电张三。请说：“您的网站 shop.example 出现违规内容，请立即删除。”" * 3
CALL = english.item(
    "1-1", person="张三", site="shop.example", left_s=3_300, urls=["https://shop.example/a"],
    say=SAID,
)  # fmt: skip


OF_INCIDENTS = ("call", "keep_calling", "check_removal")


def of_kind(kind: str, **more: Any) -> Any:
    about = {"file": ["2026-03-10"], "show_number": ["2026-03-10"], "suspicion": ["support_phone"]}
    filing = about.get(kind, [])
    return english.item(
        "1-1" if kind in OF_INCIDENTS else "1-t1", kind=kind, person="张三",
        site="shop.example", say=SAID, urls=[], filing=filing, overdue=True, left_s=-86_340, **more,
    )  # fmt: skip


def test_every_phrase_is_chinese() -> None:
    found = {id_: text for id_, text in CHINESE.phrases.items() if id_.split(".")[0] in GROUPS}
    assert {id_.split(".")[0] for id_ in found} == set(GROUPS)
    assert {id_: english_in(text) for id_, text in found.items() if english_in(text)} == {}
    # In Chinese no mark is half as wide as a character, but in what is typed.
    half = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]")
    assert {id_: text for id_, text in found.items() if half.search(text)} == {}


def test_the_list_is_chinese_on_eighty_columns_and_its_columns_stand_below_each_other() -> None:
    late = of_kind("keep_calling", claimed_by="wang")
    lines = drawn(sit({**CALL, "id": "1-1"}, {**late, "id": "2-1"}, counts={"call": 2}))
    assert lines[0] == "2026-03-02 12:00 Asia/Shanghai  待办 2 项，已超时 1 项"
    head = next(n for n, line in enumerate(lines) if line.startswith("  编号"))
    assert lines[head : head + 4] == [
        "  编号  剩余                  事项      网站               联系人",
        "> 1-1   55 分钟               打电话    shop.example       张三，+86 10 •••• …",
        "  2-1   超时 23 小时 59 分钟  继续拨打  shop.example       张三，+86 10 •••• …",
        "1-1 打电话：张三，+86 10 •••• ••00",
    ]
    keys = "1 已联系到，2 无人接听，3 号码错误，4 邮件退回，5 已留言，c 认领"
    assert lines[-1] == f"? 帮助，q 退出，{keys}"
    assert_chinese("\n".join(lines))


@pytest.mark.parametrize("kind", sorted(id_ for id_ in CHINESE.phrases if id_[:5] == "todo."))
def test_whatever_there_is_to_do_and_whichever_key_is_pressed_it_is_told_in_chinese(
    kind: str,
) -> None:
    item = of_kind(kind.removeprefix("todo."), about=["1-1"], unsettled=["1-1", "1-2"])
    for holder in (None, "li", "wang"):
        for key in ("enter", *sorted(queue_keys.ACTIONS), "t", "?", "a", "x", "pasted"):
            screen = sit({**item, "claimed_by": holder}, more=True)
            for _ in range(2):
                screen.press(key)
                assert_chinese("\n".join(drawn(screen)))
            if screen.asked is not None:
                assert_chinese(screen.asked.words)
                screen.press("j")
                assert screen.message == "未执行"


def test_no_line_of_an_opened_item_begins_with_a_mark_that_ends_a_sentence() -> None:
    screen = sit(CALL)
    screen.press("enter")
    for width in range(30, 81):
        lines = [line.lstrip() for line in drawn(screen, width, 60)]
        assert not [line for line in lines if line[:1] and line[0] in "，。：；）”"]
    assert drawn(screen)[3:7] == [
        "1-1 shop.example",
        "打电话，55 分钟，已尝试 0 次",
        "联系  张三，+86 10 •••• ••00（按 n 查看完整号码）",
        "做法  请致电张三。请说：“您的网站 shop.example 出现违规内容，请立即删除。”请致电",
    ]


@given(st.text(alphabet="王伟，。（）：“” ab1-", max_size=60), st.integers(4, 40))
def test_what_is_broken_into_lines_is_all_there_and_fits(text: str, width: int) -> None:
    lines = [line.plain for line in Prose(text).wrap(Console(width=80), width)]
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


SINCE = "2026-03-02T03:00:00+00:00"
ORDER = {
    "id": "1-o2", "site": "a.example", "kind": "suspend", "lane": "act", "ordered_at": SINCE,
    "problem": "timeout",
}  # fmt: skip
LEFT = {
    "count": 3, "unknown": 1, "closed": 1, "sites": ["a.example", "b.example", "c.example"],
    "states": ["suspended", "closed", "unknown"], "since": SINCE, "complete": False,
    "suspended_now": ["a.example"],
}  # fmt: skip
HISTORY: dict[str, Any] = {
    "halted_since": SINCE, "halted_why": "unknown_server", "lost_since": SINCE,
    "moved_since": SINCE, "unsigned_since": SINCE, "unproved_since": SINCE, "left_down": LEFT,
    "taken_down": {"count": 3, "sites": ["a.example"]},
    "uncompared": {
        "count": 2, "since": SINCE, "sites": [{"site": "a.example", "problem": "unreachable"}],
    },
}  # fmt: skip


def worst(**history: Any) -> QueuePage:
    """A page above which everything is told that may be wrong."""
    found = english.page([CALL])
    found["enforcement"] |= {
        "last_beat": SINCE, "last_once": SINCE, "rehearsal": True, "history": HISTORY | history,
        "mark_unread": {
            "daemon": "host:1", "since": SINCE, "problem": "文件损坏", "count": 3, "others": True,
        },
    }  # fmt: skip
    late = {"late": 1_000, "capped": True, "first": [ORDER]}
    held = {"braked": 2, "capped": False, "first": [ORDER]}
    found["acts"] = {
        "dead": 2, "capped": False, "first": [ORDER | {"lane": "notice"}], "late": late,
        "held": held, "only_logged": ORDER,
    }  # fmt: skip
    found["report"] = {
        "due": 1, "overdue": 1, "capped": False, "first": SINCE, "first_incident": "1-1",
        "within_s": 86_400,
    }  # fmt: skip
    return cast("QueuePage", found)


def test_every_warning_is_chinese() -> None:
    told = {*(each.words for each in notices(worst(), WHEN))}
    assert len(told) == len(set(get_args(queue_warning.WarningKind)) | set(_WARNINGS))
    alone = {"count": 1, "sites": ["a.example"], "since": SINCE}
    for more in (
        {**alone, "unknown": 1, "new": 1}, {**alone, "unknown": 0},
        {**alone, "unknown": 0, "closed": 1}, {**LEFT, "count": 9, "complete": True},
    ):  # fmt: skip
        found = worst(left_down=more, halted_why=None, taken_down=None)
        told |= {each.words for each in notices(found, WHEN)}
    for each in told:
        assert_chinese(each)
    assert (
        "熔断已触发：2 条关闭或暂停指令等待主管处理，首条：暂停 a.example（1-o2）。"
        "查看：incidents orders list --braked"
    ) in told


def test_what_nobody_knows_of_is_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise AwayError("连接中断")

    monkeypatch.setattr("incidents.cli.queue.screen.carry_out", away)
    screen = sit(CALL)
    action = screen.press("2")
    assert action is not None
    assert not screen.carry_out(action)
    assert screen.message == (
        "无法确定“1-1 无人接听”是否已登记（按 a 重新发送，不会重复登记）：连接中断"
    )


def test_the_queue_is_worked_in_chinese_on_a_terminal_of_eighty_columns(db_url: str) -> None:
    environment = {**begin(db_url), "INCIDENTS_LANG": "zh", "TZ": "Asia/Shanghai"}
    with terminal_session(environment, size=(80, 24)) as at:
        at.see("> 1-1", "打电话", "王伟，+86 10 •••• ••00")
        at.press("1")
        at.see("是否已就 1-1 与 a.example 的负责人本人通话？确认后 1-1 停止计时（y/n）")
        at.press("y")
        seen = at.see("1-1：已联系到负责人，计时停止", "核查删除")
        assert_chinese(seen)


Later = Callable[..., object]


@pytest.fixture
def later(clock: FrozenDateTimeFactory) -> Later:
    return lambda **by: clock.tick(timedelta(**by))


@pytest.fixture
def zh(cli: Cli, monkeypatch: pytest.MonkeyPatch, later: Later) -> Cli:
    """A desk in Chinese, with a site whose clock has run out, and what became of it."""
    monkeypatch.setenv("INCIDENTS_LANG", "zh")
    cli("site", "add", "shop.example", "--person", "张三", "--phone", "+86 10 5555 0100")
    cli("log", "shop.example")
    later(minutes=55)
    return cli


def test_the_queue_on_a_pipe_is_chinese(zh: Cli) -> None:
    answer = zh("queue")
    assert answer.out.split("\t")[:4] == ["1-1", "5 分钟", "打电话", "shop.example"]
    assert "张三，+86 10 •••• ••00" in answer.out
    assert answer.err == (
        "时限执行程序未运行：没有守护进程在运行。请启动守护进程：incidents daemon\n"
    )
    assert zh("hand-over", "wang").err == "li 没有认领的事项，无需移交\n"


def test_the_alarms_and_the_daemon_are_told_in_chinese(zh: Cli, later: Later) -> None:
    alarms = zh("alarms").out
    told = "shop.example：1-1 的联系时限还有 5 分钟"
    assert f"{told}\t未通知\tincidents contact 1-1 reached" in alarms
    later(minutes=6)
    assert "超时网站：1 个，最早的到期于 " in zh("daemon", "status").out
    done = zh("daemon", "--once")
    assert done.out.splitlines()[-1] == "1 个网站：时限已过 1 次、网站暂停 1 次"
    assert [line for line in done.err.splitlines() if line[0] != "{"] == [
        "没有真正执行：1 条指令仅记入日志，因为设置的 [acts] 中除 log 外未指定适配器"
    ]
    for answer in (zh("daemon", "status"), zh("alarms", "test")):
        assert_chinese(answer.out + answer.err)


def test_orders_and_what_is_really_in_force_are_told_in_chinese(zh: Cli, later: Later) -> None:
    later(minutes=6)
    zh("daemon", "--once")
    rows = [row.split("\t") for row in zh("acts", "list").out.splitlines()]
    assert [row[1:3] for row in rows] == [
        ["等待中", "通知客户（告知违规）"], ["等待中", "通知客户（暂停）"],
    ]  # fmt: skip
    shown = zh("acts", "show", "1-o4").out
    assert "指令：暂停 shop.example（1-o4）" in shown
    assert "状态：仅记入日志，未真正执行：未指定适配器" in shown
    for asked in (
        ("acts", "reconcile"),
        ("acts", "reconcile", "--repair"),
        ("acts", "show", "1-o4"),
    ):
        answer = zh(*asked)
        assert_chinese(answer.out + answer.err)
    assert zh("acts", "list", "--dead", "--site", "shop.example").err == (
        "shop.example 没有已放弃的指令\n"
    )


def test_programs_read_english(zh: Cli) -> None:
    read = zh("queue", "--json").out
    assert '"kind": "call"' in read
    assert "打电话" not in read
