"""The catalogue: all words of one language by their symbolic ids, from gettext's .mo files."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

Tag = Literal["en", "zh_CN"]
"""The languages that there are, as gettext names them."""

Domain = Literal["incidents", "filing", "console", "cli", "help"]
"""What everybody says, what checks of filings find, the texts of the console's pages, those of the
command line, and its help: that stands in the commands in English."""

FOLDER = Path(__file__).parent


_TAGS: dict[str, Tag] = {"en": "en", "zh": "zh_CN"}


def tag(name: str) -> Tag | None:
    """The language of such a name: `zh`, `zh_CN.UTF-8`, `zh-Hans`; None if it is none of ours.

    Traditional Chinese is another one, which nobody has written.
    """
    language, _, rest = name.partition(".")[0].replace("-", "_").partition("_")
    if language == "zh" and rest in ("TW", "HK", "MO", "Hant"):
        return None
    return _TAGS.get(language)


def of_locale(environ: Mapping[str, str]) -> str:
    """The locale of messages that the environment names (POSIX, section 8.2)."""
    names = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, names), "")


class _Phrases(gettext.GNUTranslations):
    """gettext offers a look-up that answers with the id where it has no phrase; here such an id is
    a fault, or means that a code is shown as it is."""

    def all(self) -> dict[str, str]:
        found: dict[str, str] = self._catalog  # type: ignore[attr-defined]  # typeshed has it not
        return {id_: phrase for id_, phrase in found.items() if id_}


@cache
def phrases(tag: Tag, domain: Domain) -> dict[str, str]:
    """The phrases of that language and domain by their ids."""
    with (FOLDER / tag / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        return _Phrases(file).all()
