"""The characters that make a terminal lie: shown by their code, kept as they are."""

import csv
import io
import json

import pytest

from incidents.system.terminal import (
    MOST_CHARACTERS,
    visible,
    visible_and_short,
    visible_but_coloured,
)
from tests.cli.conftest import Cli

TURNED = "\u202egnitirw"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("网站 faß é", "网站 faß é"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\x9b2J", "\\u009b2J"),
        ("a\rb\x07\x7f", "a\\rb\\u0007\\u007f"),
        (TURNED, "\\u202egnitirw"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_what_would_lie_is_told_by_its_code(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_programs_own_colours_stay_and_no_others_do() -> None:
    line = "\x1b[31m\x1b[1mOVERDUE\x1b[0m \x1b[35mred\x1b[8m"

    assert visible_but_coloured(line) == ("\x1b[31m\x1b[1mOVERDUE\x1b[0m \\u001b[35mred\\u001b[8m")


def test_a_complaint_about_a_million_characters_is_short_and_keeps_its_end() -> None:
    text = visible_and_short("no such name: " + "a" * 1_000_000 + " (write another)")

    assert len(text) < MOST_CHARACTERS + 10
    assert text.startswith("no such name: a")
    assert text.endswith("(write another)")


def test_a_note_that_turns_the_line_round_is_kept_and_cannot_do_it(cli: Cli) -> None:
    cli("site", "add", "a.example", "--person", TURNED)
    cli("log", "a.example", "--note", TURNED)

    for answer in (cli("show", "1-1"), cli("site", "show", "a.example"), cli("queue")):
        assert "\\u202egnitirw" in answer.out
        assert "\u202e" not in answer.out + answer.err
    document = cli("show", "1-1", "--json")
    assert "\u202e" not in document.out
    assert json.loads(document.out)["note"] == TURNED
    [row] = csv.DictReader(io.StringIO(cli("show", "1-1", "--format", "csv").out))
    assert row["note"] == TURNED


@pytest.mark.parametrize("file", ["a\0b", "\ud800.toml"])
def test_what_no_file_can_be_called_is_wrong_usage(cli: Cli, file: str) -> None:
    for words in (["attach", "1-1", file], ["policy", "check", file], ["simulate", file],
                  ["audit", "export", "-o", file], ["db", "backup", file]):  # fmt: skip
        answer = cli(*words)
        assert answer.status == 2, answer
        assert "cannot be a file name" in answer.err


def test_a_name_that_is_too_long_for_a_file_is_told_in_one_sentence(cli: Cli) -> None:
    for words in (["import", "a" * 5_000], ["db", "backup", "a" * 300]):
        answer = cli(*words)
        assert answer.status == 1, answer
        assert "fault in this program" not in answer.err
