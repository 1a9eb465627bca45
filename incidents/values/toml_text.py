"""TOML that anybody may send: bounded before it is parsed, since parsing it can take for ever."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MAX_PARTS = 8
"""So many parts a key has at most: `tomllib` is quadratic in them."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+')"""
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}+'
    r"|'''(?:[^']|'(?!''))*+'{3,5}+"
    r"|\#[^\n]*+"
    # What is not closed is where tomllib stops too, and is looked through once.
    r"|(?P<open>\"\"\"|''')"
    rf"|(?P<long>{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_PARTS}}})"
    rf"|{_PART}"
    r"""|(?P<unclosed>["'])""",
    re.DOTALL,
)


class TomlTextError(ValueError):
    """A text that is not taken; the message goes on from `the policy` or `it`."""


def read(text: str, most: int) -> dict[str, Any]:
    """The document in a text of at most `most` characters.

    Raises:
        TomlTextError: for a longer text, a key of more than `MAX_PARTS` parts, and what is no TOML.
    """
    if len(text) > most:
        raise TomlTextError(f"has {len(text):,} characters, and {most:,} are the most")
    for token in _TOKEN.finditer(text):
        if token["long"] is not None:
            line = text.count("\n", 0, token.start()) + 1
            raise TomlTextError(f"has a key of more than {MAX_PARTS} parts in line {line}")
        if token["open"] or token["unclosed"]:
            break
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets through what int() says, too
        raise TomlTextError(f"is not valid TOML: {why(error)}") from error


def why(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that `tomllib` could not read, in no words about Python."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)
    # What int() says of more digits than it takes.
    return "a number in it is too long"
