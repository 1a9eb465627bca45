"""Help in Chinese: every command and option has it, with the facts of the English one."""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po
from rich.cells import cell_len

from incidents.cli import lazy_group, main, params
from incidents.cli.lazy_group import LazyGroup
from incidents.cli.root import root
from incidents.locale.catalogue import FOLDER, phrases
from tests.golden.command_line import commands

CHINESE = phrases("zh_CN", "help")

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """What a command says whose reader has this language, at a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: str, lang: str = "zh") -> tuple[int, str, str]:
        monkeypatch.setenv("INCIDENTS_LANG", lang)
        status = main(list(args))
        return status, *capsys.readouterr()

    return run


def said() -> Iterator[tuple[str, str, str]]:
    """Each thing that help says: its id, how it is said in English and where."""
    yield "help.renamed", "An older spelling of: incidents {now}", ""
    for typed, command in commands():
        path = " ".join(typed)
        yield f"help.{path or 'incidents'}", inspect.cleandoc(command.help or ""), path
        if command.epilog:
            yield f"epilog.{path or 'incidents'}", inspect.cleandoc(command.epilog), path
        if isinstance(command, LazyGroup):
            for section, below in command.sections.items():
                yield f"section.{section}", section, path
                for name, (_, short) in below.items():
                    yield f"short.{path} {name}".replace(". ", "."), short, path
        elif isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield f"short.{path} {name}", inspect.cleandoc(each.help or ""), path
        for option in command.params:
            if isinstance(option, click.Option) and option.help and not option.hidden:
                name = max(option.opts, key=len)
                own = f"option.{path}.{name}"
                yield own if own in CHINESE else f"option.{name}", option.help, path


def metavars() -> Iterator[str]:
    """The id of each word for a value: its parameter's own, or that of each word in capitals."""
    for typed, command in commands():
        for each in command.params:
            name = max(each.opts, key=len)
            own = (f"metavar.{' '.join(typed)}.{name}", f"metavar.{name}")
            shown = each.make_metavar(click.Context(command))
            words = [f"metavar.{word}" for word in re.findall(r"\b[A-Z][A-Z0-9]*\b", shown)]
            is_flag = isinstance(each, click.Option) and (each.is_flag or each.count)
            if not is_flag:
                yield from [id_ for id_ in own if id_ in CHINESE][:1] or words


AS_IN_ENGLISH = {"metavar.ID", "metavar.IP", "metavar.URL"}


def test_everything_that_help_says_has_a_chinese_phrase_and_no_other_stands_there() -> None:
    told = {id_ for id_, _, _ in said()} | (set(metavars()) - AS_IN_ENGLISH)
    assert told == CHINESE.keys()


def test_what_commands_share_is_said_of_one_english_text_alone() -> None:
    english = defaultdict(set)
    for id_, text, _ in said():
        english[id_].add(text)
    assert {id_: texts for id_, texts in english.items() if len(texts) > 1} == {}


# What is typed, set or read as it is: options, names of values, settings and codes, numbers.
FACT = re.compile(
    r"--[a-z][a-z-]*|`[^`]+`|\b[A-Z][A-Z0-9_]{2,}\b|\bR[1-5]\b|\[[a-z]+\]|\b[a-z]+(?:_[a-z]+)+\b"
    r"|\b\d[\d:.,-]*\d\b|\b[a-z.]+/[a-z./-]+\b"
)
METAVAR = re.compile(rf"\b(?:{'|'.join(re.findall('metavar[.]([A-Z]+)', ' '.join(CHINESE)))})\b")
NO_FACTS = {
    "help.orders reconcile": {"LEFT", "DOWN"},
    "help.done": {"TASK"},
    "help.notices preview": {"NAME"},
    "help.audit key new": {"NAME"},
    "help.completion": {"SHELL"},
}
"""What English writes so and Chinese in words."""


@pytest.mark.parametrize(
    ("id_", "english"), [(id_, text) for id_, text, _ in said() if not id_.startswith("short.")]
)
def test_chinese_help_names_the_facts_of_the_english_one(id_: str, english: str) -> None:
    words = set(FACT.findall(english.replace("\n", " "))) - NO_FACTS.get(id_, set())
    told = {METAVAR.sub(lambda word: CHINESE[f"metavar.{word[0]}"], each) for each in words}
    assert {fact for fact in told if fact not in CHINESE[id_]} == set()


LATIN = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
WHOLE = re.compile(r"^用法：.*|^  \$ .*", re.MULTILINE)
LEFT = re.compile(r"^  (?:-.*?|[a-z-]+)(?:  |$)", re.MULTILINE)
"""The names of options and commands in front of their helps."""
TYPED = re.compile(
    r"`[^`]*`|--[a-z-]+ [A-Za-z.]+|\[[a-z]+\] [a-z_]+|incidents [a-z]+(?: [a-z-]+)*(?: [A-Z]+)*"
    r"|JSON Lines|C2SP [a-z-]+|orders show|site show|filing presets"
)
"""What is typed or set, and names of standards."""


@pytest.mark.parametrize("typed", [typed for typed, _ in commands()], ids=" ".join)
def test_no_english_is_left_in_help_and_no_line_is_too_long(
    typed: tuple[str, ...], told: Told
) -> None:
    status, out, _ = told(*typed, "--help")
    assert status == 0
    before, _, lists = WHOLE.sub("", out).partition("\n选项：\n")
    text = " ".join(f"{before} {LEFT.sub('', lists)}".split())
    assert LATIN.findall(TYPED.sub("", text)) == []
    whole = [line for line in out.splitlines() if not line.startswith("  $ ")]
    assert [line for line in whole if cell_len(line) > 80] == []


def test_help_of_the_program_is_told_in_chinese(told: Told) -> None:
    lines = told("--help")[1].splitlines()
    assert lines[0] == "用法：incidents [选项] 命令 [参数]..."
    assert "值班：" in lines
    assert "  log           登记网站的一项违规" in lines
    assert "  -h, --help  显示此帮助并退出。" in lines
    assert "  5 核验未通过。数据写到标准输出，其余都写到标准错误。" in lines


def test_help_of_a_command_is_told_in_chinese(told: Told) -> None:
    lines = told("void", "--help")[1].splitlines()
    assert lines[0] == "用法：incidents void [选项] 违规"
    assert "  作废违规：属误登，或经复核不构成违规。" in lines
    assert "  --reason 理由  理由；将记录在案。  [必填]" in lines
    assert any(line.startswith("  --db URL                        数据库。") for line in lines)


def test_the_word_for_a_value_is_chinese_and_the_english_one_stays_a_placeholder(
    told: Told,
) -> None:
    assert "  --at 时间        发现的时间：" in told("log", "--help")[1]
    assert "--at T " in told("log", "--help", lang="en")[1]
    assert told("notices", "preview", "--help")[1].startswith(
        "用法：incidents notices preview [选项] [通知]\n"
    )
    assert "SITE 只是占位符" in told("log", "SITE")[2]
    for placeholder in ("R", "理由"):
        assert f"{placeholder} 只是占位符" in told("void", "1-1", "--reason", placeholder)[2]


def test_a_default_is_told_in_chinese(told: Told) -> None:
    assert "最多列出的违规数。  [默认：" in told("police", "list", "--help")[1]


def test_what_is_to_be_typed_stays_in_one_line(told: Told) -> None:
    path = "~/.local/share/bash-completion/completions/incidents"
    line = f"  $ incidents completion bash > {path}"
    assert line in told("completion", "--help")[1].splitlines()


def test_a_program_without_a_command_tells_its_help(told: Told) -> None:
    status, _, err = told()
    assert status == 2
    assert err.startswith("用法：incidents [选项] 命令 [参数]...\n")


def test_groups_of_plain_commands_have_whole_short_helps(told: Told) -> None:
    out = told("db", "--help")[1]
    assert "命令：\n  backup   将 SQLite 数据库备份到文件\n" in out


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("log --bogus", "没有选项“--bogus”。"),
        ("lgo", "没有命令“lgo”。 是否指 'log'？"),
        ("site lst", "没有命令“lst”。 是否指 'list'？"),
        ("log", "缺少参数 '网站'."),
        ("void 12-3", "缺少选项 '--reason'."),
        ("log a.example b", "多余的参数（b）"),
        ("queue --limit x", "'--limit' 的值无效：“x”不是有效的数字。"),
        ("queue --watch=3", "选项“--watch”不接受值。"),
        ("token make li --days", "选项“--days”后须写 1 个值。"),
    ],
)
def test_what_was_typed_wrongly_is_told_in_chinese(typed: str, complaint: str, told: Told) -> None:
    status, out, err = told(*typed.split())
    assert (status, out) == (2, "")
    assert err.endswith(f"错误：{complaint}\n")


def test_where_help_is_found_is_told_in_chinese(told: Told) -> None:
    assert told("log", "--bogus")[2].startswith(
        "用法：incidents log [选项] 网站\n用 incidents log --help 查看帮助。\n\n"
    )


def test_a_language_that_is_named_on_the_line_goes_before(told: Told) -> None:
    assert told("log", "--lang", "zh", "--help", lang="en")[1].startswith("用法：")
    assert told("log", "--lang=zh", "--help", lang="en")[1].startswith("用法：")
    assert told("log", "--lang", "en", "--help", lang="zh")[1].startswith("Usage: ")


def test_without_one_it_is_that_of_the_locale(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert told("log", "--help", lang="")[1].startswith("用法：")
    assert told("log", "--help", lang="en")[1].startswith("Usage: ")


@pytest.mark.parametrize("asked", [["--json"], ["--format", "jsonl"], ["--format=csv"]])
def test_programs_read_complaints_in_english(asked: list[str], told: Told) -> None:
    assert "No such option '--bogus'" in told("queue", *asked, "--bogus")[2]


def test_a_site_that_has_the_letters_is_no_language(told: Told) -> None:
    assert "No such option '--bogus'" in told("log", "zh.example", "--bogus", lang="")[2]


def test_english_is_as_it_was_after_chinese(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    before = told("log", "--help", lang="en")
    assert "  -h, --help                      显示此帮助并退出。\n" in told("log", "--help")[1]
    assert told("log", "--help", lang="en") == before
    assert os.environ["LANGUAGE"] == "de"
    assert root.context_class is click.Context


@pytest.mark.parametrize(
    ("words", "begun", "told_of_it"),
    [
        ("incidents ", "lo", "登记网站的一项违规"),
        ("incidents log ", "--u", "发现违规的网址；可重复，一次发现最多 50 个地址。"),
        ("incidents db ", "back", "将 SQLite 数据库备份到文件"),
        ("incidents db ", "--h", "显示此帮助并退出。"),
    ],
)
def test_completion_helps_in_chinese(
    words: str,
    begun: str,
    told_of_it: str,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_INCIDENTS_COMPLETE", "fish_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", begun)
    with pytest.raises(SystemExit):
        told()
    assert told_of_it in capsys.readouterr().out


def test_the_words_of_click_are_those_that_it_asks_for() -> None:
    own = (Path(lazy_group.__file__), Path(params.__file__))
    files = [*Path(click.__file__).parent.glob("*.py"), *own]
    asked = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    with (FOLDER / "zh_CN" / "LC_MESSAGES" / "messages.po").open("rb") as source:
        ids = [message.id for message in read_po(source) if message.id]
    words = {word for id_ in ids for word in ([id_] if isinstance(id_, str) else id_)}
    assert words - asked == set()
