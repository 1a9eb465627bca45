"""Hostile input to every command: the short run, and the checks themselves."""

import zlib
from pathlib import Path

import pytest

from tests.fire.cell import Outcome
from tests.fire.hostile import attack, complaint
from tests.fire.hostile_arguments import leaves

LISTS = 120
"""On each database, and in each of two pieces: about 500 in all."""


@pytest.mark.parametrize("seed", [1_001, 1_002])
def test_no_argument_list_brings_a_traceback_a_strange_status_or_a_lie_on_the_terminal(
    db_url: str, tmp_path: Path, seed: int
) -> None:
    seed += zlib.crc32(db_url[:4].encode()) % 1_000
    figures = attack(db_url, tmp_path / "room", seed, LISTS)

    assert figures["lists"] == LISTS
    assert figures["on a terminal"] > 0
    # What is always refused would prove little of the commands.
    assert figures["status 0"] > LISTS // 20


def test_the_lists_are_drawn_from_every_command_that_can_be_typed() -> None:
    words = [" ".join(leaf.words) for leaf in leaves()]

    assert len(set(words)) == len(words)
    assert {"log", "site why", "db backup", "policy activate", "audit export", ""} <= set(words)
    assert all(leaf.params for leaf in leaves() if leaf.words[:1] == ("log",))


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (Outcome(0, b"done\n", b"", 0.1, late=False), None),
        (Outcome(3, b"", b"a\tb\n", 0.1, late=False), None),
        (Outcome(1, b"", b"Traceback (most recent call last)", 0.1, late=False), "it says"),
        (Outcome(1, b"", b"a fault in this program: b", 0.1, late=False), "it says"),
        (Outcome(6, b"", b"", 0.1, late=False), "exit status 6"),
        (Outcome(-11, b"", b"", 0.1, late=False), "exit status -11"),
        (Outcome(0, b"", b"", 0.1, late=True), "it did not come to an end"),
        (Outcome(0, b"\x1b[35mred", b"", 0.1, late=False), "it writes U+001B"),
        (Outcome(0, b"", "\u202eevil".encode(), 0.1, late=False), "it writes U+202E"),
        (Outcome(0, b"", "\x9b2J".encode(), 0.1, late=False), "it writes U+009B"),
        (Outcome(0, b"", b"\xff", 0.1, late=False), "it writes what is not UTF-8"),
        (Outcome(2, b"", b"a" * 100_000, 0.1, late=False), "it says 100,000 bytes"),
    ],
)
def test_what_is_wrong_is_seen(outcome: Outcome, wrong: str | None) -> None:
    found = complaint(["log", "a.example"], outcome, terminal=False)

    assert found is None if wrong is None else found is not None and found.startswith(wrong)


def test_a_document_that_is_no_json_is_seen() -> None:
    outcome = Outcome(0, b'{"a": }\n', b"", 0.1, late=False)

    assert str(complaint(["queue", "--json"], outcome, terminal=False)).startswith("it writes what")
