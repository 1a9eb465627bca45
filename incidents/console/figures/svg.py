"""Text in an SVG: how wide it can be, where it breaks, and its element."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

LETTER, SIGN = 6.5, 12.0
"""The maximum width of a letter and of a Chinese character in a text of 12 px."""
_FIRST_SIGN = 0x2E80
_MARKS = "，。、；：）"
"""They stay with what is before them."""


def width(text: str) -> float:
    """The maximum width of the text, at 12 px."""
    return sum(LETTER if ord(letter) < _FIRST_SIGN else SIGN for letter in text)


def fitting(text: str, room: float) -> str:
    """The part of the text that fits into the space."""
    wide = 0.0
    for n, letter in enumerate(text):
        wide += width(letter)
        if wide > room:
            return f"{text[: max(1, n - 1)]}…"
    return text


def wrapped(text: str, room: float) -> list[str]:
    """The lines of the text; it breaks at spaces, and between Chinese characters."""
    lines = [""]
    for word in _words(text):
        if lines[-1] and width((lines[-1] + word).rstrip()) > room:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines]


def _words(text: str) -> Iterator[str]:
    word = ""
    for letter in text:
        # A mark stays with what is before it.
        if word and (
            word[-1] == " " or (ord(letter) >= _FIRST_SIGN and letter not in "，。、；：）")
        ):
            yield word
            word = ""
        word += letter
    yield word


def text_element(x: float, y: float, text: str, kind: str) -> Markup:
    """The text at that place, with that class."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)
