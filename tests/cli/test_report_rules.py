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
    assert "rule: trusted-feed\n" in told
    assert desk("audit", "replay").status == 0


def test_a_report_says_that_its_rule_is_due_and_later_why_it_did_not_act(
    desk: Cli, rules: Path, tmp_path: Path
) -> None:
    desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    (tmp_path / "mail.eml").write_text(MAIL.replace("shop.", "none."), encoding="utf-8")
    desk("report", "receive", str(tmp_path / "mail.eml"))
    due = desk("report", "show", "r1").out
    assert "rule: trusted-feed, which the daemon has yet to apply" in due
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


def test_rules_stop_with_the_first_account_and_say_so_wherever_they_are_shown(
    desk: Cli, rules: Path
) -> None:
    desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    assert desk("report", "rules", "check", str(rules)).status == 0
    said = "trusted-feed cannot act, because operator-1 has no account here"
    way_out = "next: incidents account add operator-1 --role operator"

    added = desk("account", "add", "admin-1", "--role", "administrator").err

    checked, shown = (
        desk("report", "rules", *words) for words in (["check", str(rules)], ["show"])
    )
    for told in (added, checked.err, shown.err):
        assert said in told
        assert way_out in told
    assert (checked.status, shown.status) == (1, 0)
    assert "收件规则无法执行" in desk("alarms", "--lang", "zh").out
    stopped = [{"rule": "trusted-feed", "owner": "operator-1", "why": "no_account"}]
    assert desk("report", "rules", "show", "--json").json["stopped"] == stopped
    assert desk("report", "rules", "check", str(rules), "--json").json["stopped"] == stopped

    desk("account", "add", "operator-1", "--role", "viewer")
    assert "account role operator-1 operator" in desk("report", "rules", "show").err
    desk("account", "role", "operator-1", "operator")
    assert desk("report", "rules", "check", str(rules)).err == ""
    disabled = desk("account", "disable", "operator-1").err
    assert "next: incidents account enable operator-1" in disabled


def test_an_owner_whose_name_can_be_no_account_is_to_be_replaced(desk: Cli, rules: Path) -> None:
    rules.write_text(FEED.replace("operator-1", "赵"), encoding="utf-8")
    desk("account", "add", "admin-1", "--role", "administrator")
    told = desk("report", "rules", "check", str(rules)).err
    assert "account add" not in told
    assert "next: incidents report rules activate FILE --reason R" in told


def test_rules_are_checked_without_a_database_but_not_their_owners(
    cli: Cli, rules: Path, tmp_path: Path
) -> None:
    answer = cli("report", "rules", "check", str(rules), "--db", f"sqlite:///{tmp_path}/none.db")
    assert answer.status == 0
    assert "1. trusted-feed" in answer.out
    assert "the owners were not checked: there is no database" in answer.err


def test_every_activation_is_shown_with_who_why_and_what_changed(desk: Cli, rules: Path) -> None:
    assert "every report waits for the desk" in desk("report", "rules", "show", "--history").err
    desk("report", "rules", "activate", str(rules), "--reason", "agreed")
    rules.write_text(FEED.replace('"log"', '"join"'), encoding="utf-8")
    desk("report", "rules", "activate", str(rules), "--reason", "too many")

    told = desk("report", "rules", "show", "--history").out

    first, second = told.split("activated ")[1:]
    assert "by li: agreed\n" in first
    assert '  +act = "log"' in first
    assert "by li: too many\n" in second
    assert '   name = "trusted-feed"' in second
    assert '  -act = "log"' in second
    assert '  +act = "join"' in second
    one, two = desk("report", "rules", "show", "--history", "--json").json
    assert (one["previous"], two["previous"]) == (None, one["rules"])
