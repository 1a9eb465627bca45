"""The keyboard: which keys were pressed, in what a terminal has sent."""

from __future__ import annotations

import codecs
import re

# An escape key is followed by nothing for so long; what has begun as a sequence is waited for.
_ALONE_S, _BEGUN_S = 0.1, 1.0
_KEYS = {
    "\r": "enter", "\n": "enter", " ": "space", "\x04": "hung-up",
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
    "\x1b[5~": "page-up", "\x1b[6~": "page-down",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end",
}  # fmt: skip
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O\x1b]|(?=\x1b))", re.DOTALL)


class Keyboard:
    """Takes what a terminal sends, byte by byte or in pieces of any size."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""

    @property
    def wait_s(self) -> float:
        """How long the rest of what has come may take, in seconds; 0 if nothing is incomplete."""
        return _ALONE_S if self._text == "\x1b" else _BEGUN_S if self._text else 0.0

    def take(self, sent: bytes) -> list[str]:
        """The keys that are complete: a character, or the name of a key that has none.

        `pasted` stands for all that was pasted, `unknown` for a sequence that is no known key.
        """
        self._text += self._decoder.decode(sent)
        keys = []
        while self._text and (key := self._next()) is not None:
            keys.append(key)
        return keys

    def give_up(self) -> list[str]:
        """What has come and is not followed by anything: the escape key, if it was that."""
        text = self._text
        if text.startswith(_PASTE):
            return []
        self._text = ""
        return ["escape"] if text == "\x1b" else ["unknown"] if text else []

    def _next(self) -> str | None:
        text = self._text
        if text.startswith(_PASTE):
            _, ended, rest = text.partition(_PASTED)
            # What is pasted may be long, and none of it is wanted but its end.
            self._text = rest if ended else _PASTE + text[len(_PASTE) :][-len(_PASTED) :]
            return "pasted" if ended else None
        if text[0] != "\x1b":
            self._text = text[1:]
            return _KEYS.get(text[0], text[0])
        found = _SEQUENCE.match(text)
        if found is None:
            return None
        self._text = text[found.end() :]
        return "escape" if found[0] == "\x1b" else _KEYS.get(found[0], "unknown")
