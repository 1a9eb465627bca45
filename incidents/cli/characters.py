"""The characters that make a terminal lie: what is shown in their place, wherever words come from.

A note, a file's name or a mistyped argument may hold a control sequence that paints, moves the
cursor or sets a title, or a mark that turns the order of the letters round. They are told by their
code, as JSON escapes them, so that a document with such an escape is the same document.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 4_000
"""So much of a complaint is told: what was typed wrongly may have been a whole file."""

# Line ends and tabs are what people write. U+200C and U+200D join the letters of honest words.
_LYING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# What `click.style` writes for the styles of this program, and no other.
_PAINT = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")


def visible(text: str) -> str:
    """The text, with each character that could make a terminal lie as its escape, `\\u202e`."""
    return _LYING.sub(_escaped, text)


def visible_but_painted(text: str) -> str:
    """Like `visible`, for a line in which the program itself has set colours."""
    if "\x1b" not in text:
        return visible(text)
    parts = _PAINT.split(text)
    return "".join(part if n % 2 else visible(part) for n, part in enumerate(parts))


def told(text: str) -> str:
    """A complaint as it is told: visible and shortened."""
    return visible(shortened(text))


def shortened(text: str) -> str:
    """The text without its middle, if it has more than `MOST_CHARACTERS`."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _escaped(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1]
