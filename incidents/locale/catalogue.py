"""The catalogue: all words of one language by their symbolic ids, from gettext's .mo files."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Literal

from incidents.values.language_tag import Tag

Domain = Literal["incidents", "filing", "console", "cli", "help"]
"""What everybody says, what checks of filings find, the texts of the console's pages, those of the
command line, and its help: that stands in the commands in English."""

FOLDER = Path(__file__).parent


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
