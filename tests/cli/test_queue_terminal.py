"""The keyboard: what a terminal sends is the key that was pressed, and never another one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.cli.queue.terminal import Keyboard

ACTS = set("12345rdcuantyq")


def keys_of(*sent: bytes) -> list[str]:
    keyboard = Keyboard()
    keys = [key for piece in sent for key in keyboard.take(piece)]
    return keys + keyboard.give_up()


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (b"j", ["j"]),
        (b"2n", ["2", "n"]),
        (b"\r", ["enter"]),
        (b"\n", ["enter"]),
        (b" ", ["space"]),
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F", ["page-up", "page-down", "home", "end"]),
        # The insert key, a function key, a mouse, an Alt: none of them is a 2, a 1 or a d.
        (b"\x1b[2~", ["unknown"]),
        (b"\x1b[11~", ["unknown"]),
        (b"\x1b[1;5C", ["unknown"]),
        (b"\x1b1", ["unknown"]),
        (b"\x1b[2", ["unknown"]),
        ("é二".encode(), ["é", "二"]),
        (b"\xff", ["\ufffd"]),
        (b"\x04", ["hung-up"]),
    ],
)
def test_a_key_is_known_by_what_it_sends(sent: bytes, keys: list[str]) -> None:
    assert keys_of(sent) == keys


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_the_pieces_in_which_it_comes_make_no_difference(sent: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(places)]
    assert keys_of(*pieces) == keys_of(sent)


@given(st.text(alphabet=st.characters(exclude_characters="\x1b"), max_size=300))
def test_what_is_pasted_is_no_key(text: str) -> None:
    pasted = b"\x1b[200~" + text.encode("utf-8", "replace") + b"\x1b[201~"
    assert keys_of(pasted + b"j") == ["pasted", "j"]
    assert keys_of(*(pasted[n : n + 1] for n in range(len(pasted))), b"j") == ["pasted", "j"]


@given(st.from_regex(rb"\x1b(\[[0-?]{0,6}[ -/]{0,2}[@-~]|O[ -~]|[ -N\\P-Z^-~])", fullmatch=True))
def test_no_sequence_of_a_terminal_is_an_act(sequence: bytes) -> None:
    if sequence != b"\x1b[200~":
        keys = keys_of(sequence)
        assert len(keys) == 1
        assert keys[0] not in ACTS


def test_the_rest_of_a_sequence_is_waited_for_and_that_of_a_key_is_not() -> None:
    keyboard = Keyboard()
    assert keyboard.take(b"j") == ["j"]
    assert keyboard.wait_s == 0
    assert keyboard.take(b"\x1b") == []
    alone = keyboard.wait_s
    assert keyboard.take(b"[") == []
    assert keyboard.wait_s > alone > 0
    assert keyboard.take(b"B") == ["down"]
    assert keyboard.wait_s == 0
