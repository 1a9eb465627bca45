"""The language tag: the supported language for a name, such as a locale's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Tag = Literal["en", "zh_CN"]
"""The supported languages, named as in gettext."""

_TAGS: dict[str, Tag] = {"en": "en", "zh": "zh_CN"}
_TRADITIONAL = ("TW", "HK", "MO", "Hant")


def tag(name: str) -> Tag | None:
    """Return the language for a name: `zh`, `zh_CN.UTF-8`, `zh-Hans`; None if it is not supported.

    Traditional Chinese is a different language, which is not supported.
    """
    language, _, rest = name.partition(".")[0].replace("-", "_").partition("_")
    return None if language == "zh" and rest in _TRADITIONAL else _TAGS.get(language)


def wanted(asked: str | None, environ: Mapping[str, str]) -> Tag:
    """The first supported language of `asked`, INCIDENTS_LANG and the locale; otherwise English."""
    names = (asked, environ.get("INCIDENTS_LANG"), of_locale(environ))
    return next(filter(None, (tag(name) for name in names if name)), "en")


def of_locale(environ: Mapping[str, str]) -> str:
    """Return the locale for messages in the environment (POSIX, section 8.2)."""
    names = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, names), "")
