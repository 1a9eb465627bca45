"""The catalogue: all phrases of one language by their symbolic ids, from gettext's .mo files."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Literal

from incidents.values.language_tag import Tag

Domain = Literal["incidents", "filing", "console", "cli", "help"]
"""The phrases of all surfaces, filing checks, the console, the command line, and its help."""

FOLDER = Path(__file__).parent


class _Phrases(gettext.GNUTranslations):
    """All phrases of a catalogue: gettext's own look-up returns the id of a missing one."""

    def all(self) -> dict[str, str]:
        found: dict[str, str] = self._catalog  # type: ignore[attr-defined]  # typeshed has it not
        return {id_: phrase for id_, phrase in found.items() if id_}


@cache
def phrases(tag: Tag, domain: Domain) -> dict[str, str]:
    """The phrases of that language and domain by their ids."""
    with (FOLDER / tag / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        return _Phrases(file).all()
