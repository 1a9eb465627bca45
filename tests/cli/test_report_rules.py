"""The commands on intake rules: shown, checked, tried and activated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

FEED = """
[[rule]]
name = "trusted-feed"
owner = "operator-1"
channel = ["command"]
act = "log"
"""
MAIL = "From: a@feed.example\nSubject: phishing\n\nhttps://shop.example/login\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    file.write_text(FEED, encoding="utf-8")
    return file


def test_the_whole_way_of_a_rule(desk: Cli, rules: Path, tmp_path: Path) -> None:
    assert "every report waits for the desk" in desk("report", "rules", "show").out
    checked = desk("report", "rules", "check", str(rules)).out
    assert "1. trusted-feed, owned by operator-1: channel command → log" in checked
    (tmp_path / "mail.eml").write_text(MAIL, encoding="utf-8")
    desk("report", "receive", str(tmp_path / "mail.eml"))
    tried = desk("report", "rules", "try", str(rules), "--json").json
    assert (tried["reports"], tried["by_rule"][0]["log"]) == (1, 1)

    would = desk("report", "rules", "activate", str(rules), "--reason", "agreed", "--dry-run")
    assert "would become the intake rules in force" in would.out
    done = desk("report", "rules", "activate", str(rules), "--reason", "agreed", "--json").json
    assert done["previous"] is None
    shown = desk("report", "rules", "show", "--json").json
    assert (shown["rules"], shown["reason"]) == (done["rules"], "agreed")

    (tmp_path / "next.eml").write_text(MAIL + "again\n", encoding="utf-8")
    desk("report", "receive", str(tmp_path / "next.eml"))
    desk("daemon", "--once")
    told = desk("report", "show", "r2").out
    assert "rule:trusted-feed (operator-1)" in told
    assert desk("audit", "replay").status == 0


def test_a_report_says_why_its_rule_did_not_act(desk: Cli, rules: Path, tmp_path: Path) -> None:
    desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    (tmp_path / "mail.eml").write_text(MAIL.replace("shop.", "none."), encoding="utf-8")
    desk("report", "receive", str(tmp_path / "mail.eml"))
    desk("daemon", "--once")
    assert "trusted-feed: it names no site here" in desk("report", "show", "r1").out
    chinese = desk("report", "show", "r1", "--lang", "zh").out
    assert "trusted-feed：未提及本方网站" in chinese


def test_what_cannot_be_used_is_named(desk: Cli, rules: Path) -> None:
    rules.write_text(FEED + 'chanel = "api"\n', encoding="utf-8")
    for words in (["check"], ["try"], ["activate", "--reason", "agreed"]):
        answer = desk("report", "rules", words[0], str(rules), *words[1:])
        assert answer.status == 2
        assert "rule trusted-feed: unknown key chanel: a rule has name, owner" in answer.err
    told = desk("report", "rules", "check", str(rules), "--lang", "zh").err
    assert f"{rules} 中没有可用的收件规则：rule trusted-feed：未知的键 chanel：规则可用" in told


def test_the_same_rules_are_refused(desk: Cli, rules: Path) -> None:
    desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    again = desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    assert again.status == 3
    assert "already in force" in again.err
