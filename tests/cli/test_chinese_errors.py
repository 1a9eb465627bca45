"""Errors in Chinese: every class has a phrase, and what is told has no English sentence."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import incidents
from incidents import installation
from incidents.cli import error_text
from incidents.cli.run import Run
from incidents.client.faults import ProblemError, TokenNeededError
from incidents.errors import Cause, InputError
from incidents.history import rows
from incidents.locale.language import language
from incidents.values import site_name, web_address
from tests.cli.conftest import Cli

CHINESE = language("zh_CN", "cli")
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
TYPED = re.compile(r"`[^`]*`|“[^”]*”|incidents [a-z -]+|--\w+ [\w.-]+")


CAUSE = re.compile(r"Cause\.of\(\s*\"(\w+)\"")


def test_every_cause_in_the_code_has_its_words() -> None:
    codes = set()
    for module in pkgutil.walk_packages(incidents.__path__, "incidents."):
        spec = importlib.util.find_spec(module.name)
        assert spec is not None
        if spec.origin and spec.origin.endswith(".py"):
            codes |= set(CAUSE.findall(Path(spec.origin).read_text(encoding="utf-8")))
    assert len(codes) > 200
    codes |= {f"history_{code}" for code in rows.CAUSES}
    codes |= {f"site_{code}" for code in site_name.CAUSES}
    codes |= {f"url_{code}" for code in web_address.CAUSES}
    assert [code for code in sorted(codes) if f"cause.{code}" not in CHINESE.phrases] == []


def test_a_cause_fills_both_sentences_in() -> None:
    cause = Cause.of("tile_bytes", "{path} must have {needed} bytes, and has {found}",
                     path="tile/0/000", needed=32, found=31)  # fmt: skip
    assert cause == "tile/0/000 must have 32 bytes, and has 31"
    assert CHINESE.cause(cause) == "tile/0/000 应有 32 字节，而有 31 字节"


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A desk with one site, and a violation logged on it."""
    cli("site", "add", "shop.example")
    cli("log", "shop.example", "--url", "https://shop.example/a")
    return cli


WRONG = [
    ("queue", "--as", "daemon"),
    ("queue", "--as", "wang@shop.example"),
    ("queue", "--as", "王" * 200),
    ("show", "99-1"),
    ("show", "none.example"),
    ("void-contact", "1-1-9", "--reason", "x"),
    ("log", "a..b"),
    ("log", "https://shop.example/"),
    ("log", "shop.example", "--url", "ftp://shop.example/"),
    ("log", "shop.example", "--url", "https://shop.example/a"),
    ("note", "1-1", "\x07"),
    ("note", "1-1", "很" * 9_000),
    ("site", "hold", "shop.example", "--reason", "x", "--key", "\x00"),
    ("attach", "1-1", __file__ + "/none"),
    ("contact", "1-1", "reached", "--at", "2026-02-01 10:00"),
    ("claim", "1-7"),
    ("removed", "9-9"),
    ("refused", "1-1", "--confirm", "shop.example"),
    ("token", "revoke", "x"),
    ("token", "make", "nobody", "--days", "7"),
    ("account", "add", "Wang", "--role", "operator"),
    ("account", "add", "wang", "--role", "king"),
    ("acts", "show", "1-o99"),
    ("policy", "show", "--server", "http://127.0.0.1:9"),
]


def test_what_is_wrong_is_told_in_chinese(desk: Cli) -> None:
    left = {}
    for line in WRONG:
        answer = desk(*line, "--lang", "zh")
        [told] = [each for each in answer.err.splitlines() if each.startswith("incidents")][:1] or [
            answer.err
        ]
        words = ENGLISH.findall(TYPED.sub("", told))
        if words or not re.search("[一-鿿]{2}", told):
            left[line] = told
    assert left == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("show", "shpo.example"), "没有名为 shpo.example 的网站。您要找的是 shop.example 吗？"),
        (("show", "99-1"), "没有违规 99-1"),
        (("log", "a..b"), "“a..b”不是网站名称：两个点之间是空的"),
        (("note", "1-1", "\x07"), "备注含有不能记录的字符 U+0007：请删除后重试"),
        (
            ("queue", "--as", "daemon"),
            "不能以“daemon”的名义操作：它用于签署并非由人所做的事。请写明您自己的名字",
        ),
        (("site", "add", "shop.example"), "shop.example 已登记：可修改其资料"),
        (
            ("approve", "shop.example"),
            "shop.example 没有待批准的申请：没有人申请恢复，也没有人申请关闭",
        ),
        (
            ("filing", "set", "shop.example", "id_number=1"),
            "备案资料没有名为“id_number”的项目。您要找的是 icp_number、subject_number 吗？",
        ),
        (
            ("filing", "set", "shop.example", "level=9"),
            "level 不能是“9”：不在表单的可选项之内：请写 二级（2）、三级（3）之一",
        ),
        (("policy", "check", "/none.toml"), "无法读取 /none.toml：没有这个文件或文件夹"),
        (("daemon", "status", "--once"), "status 和 --once 不能同时使用"),
    ],
)
def test_an_error_is_told_in_one_chinese_sentence(
    desk: Cli, line: tuple[str, ...], told: str
) -> None:
    answer = desk(*line, "--lang", "zh")
    assert answer.err.splitlines()[0] == f"incidents：{told}"
    english = desk(*line, "--lang", "en")
    assert english.status == answer.status
    assert english.err.startswith("incidents: ")


def test_a_missing_library_is_told_with_its_extra_and_the_command_of_each_tool(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    answer = desk("serve", "--lang", "zh")
    pip, pipx, uv = installation.commands("console")
    assert answer.err == (
        "incidents：没有安装所需的 uvicorn：请安装附加组件“console”"
        f"（按安装本程序所用的工具，任选一条命令）：{pip}、{pipx}、{uv}\n"
    )


def test_a_used_key_is_told_by_why_it_is_refused(desk: Cli) -> None:
    """Another key for the same command would record it twice."""
    line = ("log", "shop.example", "--again", "--key", "k1")
    assert desk(*line, "--as", "li").status == 0
    theirs = desk(*line, "--as", "wang", "--lang", "zh")
    other = desk("log", "shop.example", "--again", "--note", "x", "--key", "k1", "--lang", "zh")

    assert "用防重键“k1”下达过此命令。请查看其结果；换一个防重键会再次执行" in theirs.err
    assert "已用于另一项操作：请换一个" in other.err


def test_a_policy_and_a_scenario_are_told_wrong_in_chinese(desk: Cli, tmp_path: Path) -> None:
    policy, scenario = tmp_path / "p.toml", tmp_path / "s.toml"
    policy.write_text('[repeat]\nwithin = "2x"\n', encoding="utf-8")
    scenario.write_text(
        '[[scenario]]\nname = "a"\nsteps = [{do = "log", at = 5}]\n', encoding="utf-8"
    )

    checked = desk("policy", "check", str(policy), "--lang", "zh").err
    tried = desk("policy", "test", str(scenario), "--lang", "zh").err

    assert checked == (
        f'incidents：{policy} 不是策略文件：repeat.within 为 "2x"，须为形如 "1h30m" 的时长\n'
    )
    assert tried == (
        f'incidents：{scenario}：场景 1（"a"）第 1 步：at 为 5，须为时间（自开始起算写作 +1h30m，'
        "或写作 2026-03-01T10:00:00Z）\n"
    )


def test_a_wrong_language_or_format_is_told_in_that_of_the_locale(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert desk("site", "list", "--lang", "fr").err == "incidents：没有语言“fr”（请写 en 或 zh）\n"
    assert "“xml”不在可选值之中" in desk("site", "list", "--format", "xml").err


def test_the_range_of_a_number_is_named_in_words(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk("queue", "--limit", "0").err.endswith("0 is not in the range 1 to 1000.\n")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert desk("queue", "--limit", "0").err.endswith("“0”不在 1 到 1000 的范围内。\n")
    assert "1 到 1000" in desk("queue", "--help").out


def test_why_a_database_cannot_be_opened_is_told_in_chinese_too(
    desk: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    answer = desk("site", "list", "--db", f"sqlite:///{tmp_path}/nowhere/x.db").err
    assert "无法打开" in answer
    assert ENGLISH.sub("", TYPED.sub("", answer)) == TYPED.sub("", answer)


def test_a_server_that_wants_a_token_is_told_in_chinese() -> None:
    run = Run()
    run.asked_language = "zh"
    problem = {"type": "urn:incidents:problem:not-signed-in", "detail": "no"}
    assert error_text.rendered(run, ProblemError(401, problem)).startswith("令牌无效：")
    assert error_text.rendered(run, TokenNeededError(401, problem)).startswith(
        "访问服务器需要令牌："
    )


def test_a_setting_is_told_wrong_in_chinese(
    desk: Cli, write_settings: Callable[[str], Path]
) -> None:
    file = write_settings('evidence_limit = "much"')
    answer = desk("queue", "--lang", "zh")
    assert answer.err == (
        f"incidents：设置有误（{file}）：evidence_limit 为“much”，须为形如 50MiB 的大小，或字节数\n"
    )


def test_programs_read_english(desk: Cli) -> None:
    refused = desk("log", "a..b", "--lang", "zh", "--json").refused
    assert (
        refused["message"] == "'a..b' is not a site's name: it has an empty part between two dots"
    )
    assert refused["facts"]["detail"] == "it has an empty part between two dots"


def test_an_error_with_a_code_of_its_own_is_told_by_that() -> None:
    run = Run()
    run.asked_language = "zh"
    error = InputError(Cause.of("future", "{at} is too late", at="12:00"))
    assert error.message == "12:00 is too late"
    assert error_text.rendered(run, error).startswith("12:00 是将来的时间")


def test_what_a_server_tells_in_another_way_is_told_in_english() -> None:
    run = Run()
    run.asked_language = "zh"
    problem = {"type": "urn:incidents:problem:epochs-used-up", "detail": "no new epoch",
               "facts": {"highest": "many"}}  # fmt: skip
    assert error_text.rendered(run, ProblemError(409, problem)) == "no new epoch"
    problem["facts"] = {"highest": 9_000}
    assert error_text.rendered(run, ProblemError(409, problem)).startswith(
        "不能开始新的纪元：9,000"
    )
