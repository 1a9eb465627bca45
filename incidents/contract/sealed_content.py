"""Sealed content: what may show child abuse, and who may get its bytes.

Such material is not previewed, quoted or fetched. Its digest is enough for the record; the bytes
themselves leave only for a stated reason.
"""

from __future__ import annotations

import re
from typing import Literal

from incidents.values.word_list import WordList, fold

WORDS = (
    r"csam|csem|child(?:ren)? (?:sex(?:ual)? )?(?:abuse|exploitation|material)|child porn\w*"
    r"|childabuse|underage (?:porn\w*|sex\w*)|sexual (?:abuse|exploitation) of (?:children|minors)"
    r"|[儿兒]童色情|未成年人?色情|[儿兒]童性(?:侵害|虐待|剥削)|未成年人?性(?:侵害|虐待|剥削)"
    r"|猥[亵褻][儿兒]童|[恋戀]童|幼女"
)
"""The words, as a regular expression, by which a category or a report names child abuse."""

Decision = Literal["allowed", "no_right", "sealed", "reason_missing"]
"""Whether the bytes may leave, and otherwise why not."""

_WORDS = WordList(WORDS)
_BETWEEN = re.compile(r"[\s_-]+")


def is_sealed(*categories: str | None) -> bool:
    """Whether one of the categories, as codes or as people write them, is child abuse."""
    return any(each is not None and _is_named(each) for each in categories)


def _is_named(text: str) -> bool:
    return _WORDS.may_be_in(fold(text)) and _WORDS.are_in(_BETWEEN.sub(" ", text))


def decide(*, sealed: bool, may_reveal: bool, may_open: bool, reason: str | None) -> Decision:
    """Decide whether a person may get the bytes of a report, an attachment or a file of evidence.

    `may_reveal`, `may_open`: whether the person has the rights `reveal` and `open_sealed`.
    """
    if not sealed:
        return "allowed" if may_reveal else "no_right"
    if not may_open:
        return "sealed" if may_reveal else "no_right"
    return "allowed" if reason else "reason_missing"
