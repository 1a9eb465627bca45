"""Hostile input to every command: the short run, and the checks themselves."""

from pathlib import Path

import pytest

from tests.fire.hostile import attack, complaint
from tests.fire.hostile_arguments import leaves
from tests.nursery import Outcome

FEW = 15
"""What all commands do wrong, the first list shows; the rest is the long run's: scripts/fire
hostile."""


def test_no_argument_list_brings_a_traceback_a_strange_status_or_a_lie_on_the_terminal(
    sqlite_url: str, tmp_path: Path
) -> None:
    assert attack(sqlite_url, tmp_path / "room", 1_001, FEW)["lists"] >= FEW


def test_the_lists_are_drawn_from_every_command_that_can_be_typed() -> None:
    words = [" ".join(leaf.words) for leaf in leaves()]

    assert len(set(words)) == len(words)
    assert {"log", "site why", "db backup", "policy activate", "audit export", ""} <= set(words)
    assert all(leaf.params for leaf in leaves() if leaf.words[:1] == ("log",))


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (Outcome(0, b"done\n", b""), None),
        (Outcome(3, b"", b"a\tb\n"), None),
        (Outcome(1, b"", b"Traceback (most recent call last)"), "it says"),
        (Outcome(1, b"", b"a fault in this program: b"), "it says"),
        (Outcome(6, b"", b""), "exit status 6"),
        (Outcome(-11, b"", b""), "exit status -11"),
        (Outcome(0, b"", b"", late=True), "it did not come to an end"),
        (Outcome(0, b"\x1b[35mred", b""), "it writes U+001B"),
        (Outcome(0, b"", "\u202eevil".encode()), "it writes U+202E"),
        (Outcome(0, b"", "\x9b2J".encode()), "it writes U+009B"),
        (Outcome(0, b"", b"\xff"), "it writes what is not UTF-8"),
        (Outcome(2, b"", b"a" * 100_000), "it says 100,000 bytes"),
    ],
)
def test_what_is_wrong_is_seen(outcome: Outcome, wrong: str | None) -> None:
    found = complaint(["log", "a.example"], outcome, terminal=False)

    assert found is None if wrong is None else found is not None and found.startswith(wrong)


def test_a_document_that_is_no_json_is_seen() -> None:
    outcome = Outcome(0, b'{"a": }\n', b"")

    assert str(complaint(["queue", "--json"], outcome, terminal=False)).startswith("it writes what")
