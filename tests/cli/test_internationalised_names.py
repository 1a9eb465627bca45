"""Names in other letters at the command line: in Unicode for people, in A-labels for programs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli, Result

SITE, KEPT = "例子.测试", "xn--fsqu00a.xn--0zwm56d"
HOMOGRAPH, ITS_NAME = "аррӏе.example", "xn--80ak6aa92e.example"
IN_FULL = f"{SITE} ({KEPT})"


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A desk with a Chinese site and two violations on it, and with a homograph."""
    cli("site", "add", SITE, "--person", "王", "--phone", "+86 10 5555 0100")
    cli("log", SITE, "--category", "spam")
    cli("log", SITE, "--url", "https://other.example/")
    cli("site", "add", HOMOGRAPH)
    return cli


def kept_in(answer: Result) -> list[str]:
    """The lines for people that have an A-label other than behind the name, to be copied."""
    lines = (answer.out + answer.err).replace(IN_FULL, "").splitlines()
    return [line for line in lines if "xn--" in line and not re.match("next: |下一步：", line)]


ACTS = [
    ("site", "add", SITE),
    ("site", "hold", SITE, "--reason", "公安来函"),
    ("site", "hold", SITE, "--reason", "公安来函"),
    ("site", "show", "例孑.测试"),
    ("site", "reinstate", SITE, "--reason", "已整改"),
    ("contact", "1-1", "reached"),
    ("refused", "1-1"),
    ("refused", "1-1", "--confirm", "other.example"),
    ("log", SITE, "--confirm", SITE),
    ("refused", "1-1", "--confirm", KEPT),
]
LOOKS = [
    ("queue",), ("site", "show", SITE), ("site", "why", SITE), ("show", "1-1"), ("acts", "list"),
    ("acts", "show", "1-o2"), ("acts", "list", "--site", SITE, "--dead"), ("acts", "reconcile"),
    ("duty",), ("filing", "show", SITE), ("filing", "check", SITE), ("filing", "terms"),
    ("alarms",), ("daemon", "status"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_people_read_a_name_in_its_own_letters(
    desk: Cli, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("INCIDENTS_LANG", language)
    answers = {words: desk(*words) for words in LOOKS}
    for n, words in enumerate(ACTS):
        answers[*words, str(n)] = desk(*words)
    answers |= {(*words, "after"): desk(*words) for words in LOOKS}
    assert [words for words, answer in answers.items() if answer.status == 2] == []
    left = {words: kept_in(answer) for words, answer in answers.items()}
    assert {words: lines for words, lines in left.items() if lines} == {}
    named = [words for words, answer in answers.items() if SITE in answer.out + answer.err]
    assert len(named) > len(ACTS) + len(LOOKS)


def test_its_a_label_stands_behind_it_once_where_it_is_the_subject(desk: Cli) -> None:
    for look in (("site", "show", SITE), ("site", "why", SITE), ("show", "1-1"), ("show", SITE)):
        assert desk(*look).out.count(IN_FULL) == 1, look


def test_programs_read_its_a_label(desk: Cli) -> None:
    assert desk("site", "list", "-q").out.splitlines() == [ITS_NAME, KEPT]
    assert {item["site"] for item in desk("queue", "--json").json["items"]} == {KEPT}
    assert f"{KEPT},active" in desk("site", "list", "--format", "csv").out
    assert f"next: incidents site edit {SITE} --phone P" in desk("site", "add", SITE).err


def test_a_list_has_a_column_of_a_labels_only_where_one_differs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.cli.text_table.is_terminal", lambda _stream: True)
    monkeypatch.setattr("incidents.cli.sites.is_terminal", lambda _stream: True)
    monkeypatch.setenv("COLUMNS", "100")
    cli("site", "add", HOMOGRAPH)
    assert "A-LABEL" not in cli("site", "list").out
    cli("site", "add", SITE)
    head, _, *rows = filter(str.strip, cli("site", "list").out.splitlines())
    assert head.split() == ["SITE", "STATE", "RULE", "RUN", "UNTIL", "REMARKS", "A-LABEL"]
    assert [row.split() for row in rows] == [
        [ITS_NAME, "active", "0"], [SITE, "active", "0", KEPT],
    ]  # fmt: skip
    monkeypatch.setenv("INCIDENTS_LANG", "zh")
    assert "ASCII 形式" in cli("site", "list").out


def test_on_a_pipe_a_row_has_the_same_fields_whatever_the_names_are(desk: Cli) -> None:
    assert {row.count("\t") for row in desk("site", "list").out.splitlines()} == {5}


def test_who_is_asked_reads_both_forms_and_may_type_either(desk: Cli) -> None:
    desk("contact", "1-1", "reached")
    asked = desk("refused", "1-1", typed="yes\n").err
    assert f"This closes {IN_FULL}: no after-sales service" in asked
    assert f"This closes {IN_FULL}" in asked
    assert desk("refused", "1-1", typed=f"{SITE}\n").status == 0


def test_who_logs_another_host_s_address_reads_both_forms(cli: Cli) -> None:
    cli("site", "add", SITE)
    log = ("log", SITE, "--url", "https://other.example/b")
    assert f"Type {IN_FULL} to log the violation there" in cli(*log, typed="no\n", asked=True).err
    assert cli(*log, typed=f"{KEPT}\n", asked=True).status == 0


def test_who_erases_people_s_words_reads_both_forms(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(days=200))
    erase = ("person", "erase", SITE, "--reason", "demanded")
    assert f"the contact of {IN_FULL}, and the texts" in desk(*erase, typed="no\n", asked=True).err


@pytest.mark.parametrize("typed", [SITE, KEPT, "例子。测试"])
def test_a_closing_is_confirmed_in_either_form(desk: Cli, typed: str) -> None:
    desk("contact", "1-1", "reached")
    assert desk("refused", "1-1", "--confirm", typed).status == 0


def test_a_homograph_is_shown_as_what_it_is(desk: Cli) -> None:
    for look in (("site", "show", ITS_NAME), ("site", "why", ITS_NAME), ("site", "list")):
        out = desk(*look).out
        assert ITS_NAME in out, look
        assert HOMOGRAPH not in out, look


def test_on_a_terminal_a_table_has_the_name_in_its_own_letters(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("_pytest.capture.CaptureIO.isatty", lambda self: True, raising=False)
    for look in (("queue",), ("show", "1-1")):
        answer = desk(*look)
        assert SITE in answer.out, look
        assert kept_in(answer) == [], look
