"""The record's commands in Chinese: no English sentence is left of what they say to people."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.tlog.keys import COSIGNATURE_V1, SigningKey
from tests.cli.conftest import Cli

NAME = "desk.example/log"
CHINESE = re.compile("[一-鿿]{2}")
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
# What is typed, and what files, sites, tables and keys are called.
TYPED = re.compile(r"`[^`]+`|incidents (?:audit|recover|acts)[ a-z-]*|shred -u \S+|[\w.-]*/\S+")


@pytest.fixture
def log(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A log with a key of its own, two sites in it, and signed; what is asked of it in Chinese."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    assert cli("audit", "key", "new", NAME).status == 0
    for site in ("shop.example", "news.example"):
        cli("site", "add", site)
        cli("log", site)
    assert cli("audit", "checkpoint").status == 0
    return cli


def told(cli: Cli, *args: str, status: int = 0) -> list[str]:
    """The lines of an answer in Chinese, in each of which there is Chinese and no English."""
    answer = cli(*args, "--lang", "zh")
    assert answer.status == status, answer
    lines = [*answer.out.splitlines(), *answer.err.splitlines()]
    assert [line for line in lines if not CHINESE.search(line)] == [], lines
    assert [english for line in lines for english in english_in(line)] == [], lines
    return lines


def english_in(line: str) -> list[str]:
    return ENGLISH.findall(TYPED.sub("", line))


def changed(db_url: str, *statements: str) -> None:
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as database, database:
        for statement in statements:
            database.execute(statement)


def test_a_verified_log_is_told_in_chinese(log: Cli) -> None:
    lines = told(log, "audit", "verify")
    assert lines[:3] == [
        "核验通过",
        "  已核验：2 个网站的 5 个条目：中间无缺失，哈希均相符",
        "  已核验：其上的树、分块与根，重新计算后完全一致",
    ]
    assert (
        "  未能证明：持有密钥者未曾重写记录（请在外部保存检查点，并用 --checkpoint 指定）" in lines
    )
    assert lines[-1] == "下一步：用 incidents audit replay 核对数据库各表与条目是否一致"


def test_what_is_taken_from_before_and_what_is_not_shown_is_told_in_chinese(
    log: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FrozenDateTimeFactory
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    told(log, "audit", "verify", "--since", "auto", "--no-policy")
    told(log, "audit", "verify", "--since", "auto")
    log("site", "add", "blog.example")
    lines = told(log, "audit", "verify", "--since", "auto")
    assert "  沿用上次核验：覆盖不超过 5 条的检查点的签名" in lines
    clock.tick(timedelta(minutes=2))
    late = "（记录于 2026-03-02 12:00，等待时间过长：守护进程是否在运行？）"
    assert f"  未能证明：尚未编号的 1 个条目今后不会改变{late}" in told(log, "audit", "verify")


TAMPERED = {
    'UPDATE entries SET body = replace(body, \'"actor":"li"\', \'"actor":"wu"\') WHERE id = 3': (
        "有误 entries 表 id 3，叶子 2：叶子哈希与内容不符：其中之一被改动"
    ),
    "UPDATE entries SET site_seq = 9 WHERE id = 3": (
        "有误 entries 表 id 3，叶子 2：条目写明为 1-2，表中的行为 1-9"
    ),
    "DELETE FROM entries WHERE id = 3": "有误 叶子 2：它是条目 3 的编号，该条目已被删除",
    "UPDATE entries SET body = '{}' WHERE id = 3": (
        "有误 entries 表 id 3，叶子 2：结尾不是值班台的写法"
    ),
    "UPDATE leaves SET leaf_index = 7 WHERE leaf_index = 4": (
        "有误 log_head：所写已编号 5 条，leaves 中有 5 个编号，最后一个为 7"
    ),
    "UPDATE tiles SET hashes = zeroblob(160)": "",
    "DELETE FROM checkpoints": "有误 checkpoints：曾签署 1 个，现有 0 个：有的已被删除",
    "UPDATE checkpoints SET size = 3": "有误 checkpoints 1：它覆盖 5 条，表中的行为 3 条",
    "UPDATE checkpoints SET note = 'x'": (
        "有误 checkpoints 1：不是可信的签署文本：文本与签名之间没有空行"
    ),
    "DELETE FROM log_keys": "",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_is_wrong_with_a_log_is_named_in_chinese(
    log: Cli, db_url: str, statement: str
) -> None:
    changed(
        db_url,
        *(f"DROP TRIGGER IF EXISTS {name}" for name in _triggers(db_url)),
        "PRAGMA foreign_keys = OFF",
        statement,
    )
    lines = told(log, "audit", "verify", status=5)
    assert TAMPERED[statement] in ("", *lines), lines
    # In a document it is as it was.
    for finding in log("audit", "verify", "--json", "--lang", "zh").json["findings"]:
        assert not CHINESE.search(finding["what"] + finding["where"])


def _triggers(db_url: str) -> list[str]:
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return [name for (name,) in found]


def test_a_replay_is_told_in_chinese(log: Cli, db_url: str) -> None:
    assert told(log, "audit", "replay") == ["已重放 2 个网站的 5 个条目：数据库各表与条目一致"]
    changed(db_url, "UPDATE sites SET phone = 'sha256:x' WHERE name = 'shop.example'")
    changed(db_url, "DELETE FROM incidents WHERE site_id = 2")
    lines = told(log, "audit", "replay", status=5)
    assert "news.example：incidents 2-1：记录中有这一行，表中已不存在" in lines
    assert lines[-1] == "已重放 2 个网站的 5 个条目：发现 2 处问题"


def test_a_bundle_is_told_in_chinese(log: Cli, tmp_path: Path) -> None:
    log("site", "add", "blog.example")
    log("audit", "status")
    assert told(log, "audit", "export", "--format", "bundle", "-o", str(tmp_path / "whole"))[0] == (
        "已写出 5 个条目，记录共 5 条"
    )
    told(log, "audit", "verify", str(tmp_path / "whole"))
    part = ("audit", "export", "--site", "shop.example", "--format", "bundle")
    told(log, *part, "-o", str(tmp_path / "part"))
    told(log, "audit", "verify", str(tmp_path / "part"))
    entries = tmp_path / "part" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes()[:-1])
    lines = told(log, "audit", "verify", str(tmp_path / "part"), status=5)
    assert any(re.fullmatch(r"有误 entries.jsonl 第 \d 行：被截断，或过长", line) for line in lines)


def test_the_status_and_the_keys_are_told_in_chinese(cli: Cli, log: Cli, tmp_path: Path) -> None:
    log("site", "add", "blog.example")
    lines = told(log, "audit", "status")
    assert lines[0].startswith("待编号：1，最早一条记录于 ")
    assert "签署：已是最新" in lines
    assert lines[-1] == "只有已发布的条目才能防篡改，且须在外部保存检查点"
    answer = cli("audit", "key", "rotate", "--reason", "rest", "--lang", "zh")
    assert "不再用于签署" in answer.err
    assert [found for line in answer.err.splitlines() for found in english_in(line)] == []
    cli("audit", "checkpoint")
    cli("site", "add", "forum.example")
    (tmp_path / "audit.key").unlink()
    last = cli("audit", "checkpoint", "--lang", "zh")
    assert "这是最近的检查点；本次未签署：密钥 desk.example/log+" in last.err


def test_without_a_key_the_way_to_one_is_told_in_chinese(cli: Cli) -> None:
    lines = told(cli, "audit", "status")
    assert "密钥：尚无：请用 incidents audit key new 生成" in lines
    assert told(cli, "audit", "key", "show") == ["记录尚无密钥：请用 incidents audit key new 生成"]
    told(cli, "audit", "verify")


def test_a_witness_is_told_in_chinese(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    file = tmp_path / "key"
    made = cli("audit", "witness", "--key", str(file), "--new-key", "witness.example")
    assert made.err == f"私钥保存在 {file}，见证记录保存在 {file}.db：两者均须备份\n"


def test_a_loss_and_the_way_back_are_told_in_chinese(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for command in (
        f"db upgrade;audit key new {NAME};site add shop.example;audit checkpoint;"
        f"db backup {tmp_path}/older.db;site add forum.example;audit checkpoint"
    ).split(";"):
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/older.db")

    lines = told(cli, "audit", "status", status=5)
    assert "签署：已拒绝" in lines
    assert "已停止签署：曾签署 3 条，而记录只有 2 条" in lines
    assert "：曾签署 3 条，而记录只有 2 条" in "".join(told(cli, "audit", "verify", status=5))

    told(cli, "recover", "--reason", "restored", "--dry-run")
    lines = told(cli, "recover", "--reason", "restored")
    assert lines[0] == "记录自条目 2 起继续，进入纪元 60"
    assert any(line.startswith("此后由 desk.example/log+") for line in lines)
    assert any(
        line.startswith("丢失：记录自条目 2 起继续；曾签署 3 条：至少缺失 1 条（纪元 60，始于 ")
        and line.endswith("，人工发起）")
        for line in told(cli, "audit", "status")
    )
    told(cli, "audit", "verify", status=0)


def test_a_witness_that_has_not_signed_is_missed_in_chinese(log: Cli) -> None:
    key = str(SigningKey.generate("witness.example", COSIGNATURE_V1).verifier)
    lines = told(log, "audit", "verify", "--witness", key, status=5)
    assert f"有误 {key}：此见证方未会签此处的任何检查点" in lines
