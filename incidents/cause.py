"""The cause: why something was refused, in English and by a code with facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Cause(str):
    """Why something was refused: in English, and by a code with facts for other languages."""

    __slots__ = ("code", "facts")

    code: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, code: str, sentence: str, /, **facts: Any) -> Cause:
        """The cause of that code; the facts fill in `sentence`."""
        return cls.said(code, sentence.format_map(facts), facts)

    @classmethod
    def said(cls, code: str, sentence: str, facts: dict[str, Any]) -> Cause:
        """The cause of that code, whose facts `sentence` has already."""
        made = cls(sentence)
        made.code, made.facts = code, facts
        return made


def one_of(choices: Sequence[str]) -> Cause:
    """That one of those words must stand there."""
    return Cause.of("must_choice", " or ".join(choices), choices=list(choices))


def wrong_value(name: str, expected: Cause, value: str) -> Cause:
    """That what is called so must be as expected, and is not."""
    return Cause.of(
        "wrong_value", "{name} must be {expected}, got {value}",
        name=name, expected=expected, value=value,
    )  # fmt: skip
