"""The cause: the reason for a refusal, in English and by a code with facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Cause(str):
    """The reason for a refusal: in English, and by a code with facts for other languages."""

    __slots__ = ("code", "facts")

    code: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, code: str, sentence: str, /, **facts: Any) -> Cause:
        """Make the cause with that code; the facts fill in `sentence`."""
        return cls.formatted(code, sentence.format_map(facts), facts)

    @classmethod
    def formatted(cls, code: str, sentence: str, facts: dict[str, Any]) -> Cause:
        """Make the cause with that code from a sentence that already contains its facts."""
        made = cls(sentence)
        made.code, made.facts = code, facts
        return made


def one_of(choices: Sequence[str]) -> Cause:
    """The cause for a value that must be one of those words."""
    return Cause.of("must_choice", " or ".join(choices), choices=list(choices))


def wrong_value(name: str, expected: Cause, value: str) -> Cause:
    """The cause for a value with that name that is not as expected."""
    return Cause.of(
        "wrong_value", "{name} must be {expected}, got {value}",
        name=name, expected=expected, value=value,
    )  # fmt: skip
