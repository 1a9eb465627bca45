"""Words are found in a text as their regular expression finds them, whatever the case."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.values.word_list import WordList, fold

WORDS = r"phish\w*|pirac?y|web[ _-]?shell|rumou?rs?|c&c|[儿兒]童色情|illegal content|斯K"


def test_a_list_finds_what_its_regular_expression_finds() -> None:
    own = WordList(WORDS)
    plain = re.compile(rf"(?<![a-z])(?:{WORDS})(?![a-z])", re.IGNORECASE)
    pieces = ["Phish", "PHİSH", "phıshing", "piray", "web_shell", "rumors", "C&C", "兒童色情",
              "illegal", " content", "ſ", "斯\u212a", "x", " ", "webſhell"]  # fmt: skip

    @given(st.lists(st.sampled_from(pieces), max_size=4).map("".join))
    def same(text: str) -> None:
        is_there = plain.search(text) is not None
        assert own.are_in(text) == is_there
        assert own.may_be_in(fold(text)) or not is_there

    same()


def test_a_text_without_any_beginning_is_dismissed() -> None:
    assert not WordList(WORDS).may_be_in(fold("Please look at it."))


def test_words_that_begin_with_no_letter_cannot_be_looked_for() -> None:
    with pytest.raises(AssertionError, match="begins with no letter"):
        WordList(r"phish|(?:remote )?shell")
