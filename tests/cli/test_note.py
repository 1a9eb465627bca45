"""Notes at the command line: for the desk alone, or for the customer when that is said."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli, Result


def _notes(desk: Cli) -> list[tuple[str, str]]:
    return [
        (note["audience"], note["text"]) for note in desk("show", "1-1", "--json").json["notes"]
    ]


def test_a_note_is_for_the_desk_and_to_the_customer_when_it_says_so(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    assert desk("note", "1-1", "a relative answers").out.startswith("1-1: internal note added\n")
    clock.tick(timedelta(minutes=5))
    told = desk("note", "1-1", "Please delete it.", "--to-customer", "--as", "wang")
    assert told.out.startswith("1-1: note to the customer added\n")
    assert _notes(desk) == [("desk", "a relative answers"), ("customer", "Please delete it.")]
    shown = desk("show", "1-1").out
    assert "note for the desk: 2026-03-02 12:00 by li: a relative answers\n" in shown
    assert "note for the customer: 2026-03-02 12:05 by wang: Please delete it.\n" in shown
    assert "1-1: note to the customer added: “Please delete it.”" in shown


def test_an_act_answers_with_a_reference_and_not_with_the_words(desk: Cli) -> None:
    answer = desk("note", "1-1", "a relative answers", "--json")
    [note] = answer.json["incident"]["notes"]
    assert note["text"].startswith("sha256:")
    assert "relative" not in answer.out


def test_with_a_key_it_is_added_once_and_a_dry_run_adds_nothing(desk: Cli) -> None:
    desk("note", "1-1", "seen", "--dry-run")
    assert _notes(desk) == []
    for _ in range(2):
        assert desk("note", "1-1", "seen", "--key", "k").status == 0
    assert _notes(desk) == [("desk", "seen")]


def test_the_same_line_typed_twice_at_a_terminal_is_one_note_and_a_script_means_two(
    desk: Cli,
) -> None:
    for _ in range(2):
        again = desk("note", "1-1", "seen", typed="")
    assert "To add another note, give a new --key" in again.err
    assert _notes(desk) == [("desk", "seen")]
    for _ in range(2):
        desk("note", "1-1", "seen")
    assert len(_notes(desk)) == 3


def test_a_dash_takes_what_comes_on_standard_input(desk: Cli) -> None:
    desk("note", "1-1", "-", typed="two\nlines\n")
    assert _notes(desk) == [("desk", "two\nlines")]


@pytest.mark.parametrize(
    ("text", "typed", "name"),
    [
        (" ", None, "empty_text"), ("-", "", "empty_text"), ("x" * 4_001, None, "text_too_long"),
        ("-", "x" * 9_000, "text_too_long"), ("a\x1b[2J", None, "bad_text"),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused_by_its_name(
    desk: Cli, text: str, typed: str | None, name: str
) -> None:
    answer: Result = desk("note", "1-1", text, "--json", typed=typed)
    assert (answer.status, answer.refused["name"]) == (3, name)
    assert _notes(desk) == []


def test_a_note_on_nothing_is_refused_and_one_on_a_closed_site_is_not(desk: Cli) -> None:
    assert desk("note", "1-9", "seen", "--json").refused["name"] == "unknown_incident"
    desk("contact", "1-1", "reached")
    desk("refused", "1-1", "--confirm", "shop.example")
    assert desk("note", "1-1", "they came in person").status == 0
    assert _notes(desk) == [("desk", "they came in person")]
