"""The catalogue: all phrases of one language by their symbolic IDs, from gettext's .mo files."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Literal

from incidents.values.language_tag import Tag

Domain = Literal["incidents", "filing", "console", "cli", "help"]
"""The groups of phrases: for all surfaces, filing checks, the console, the command line, and
help."""

FOLDER = Path(__file__).parent


class _Phrases(gettext.GNUTranslations):
    """All phrases of a catalogue, because gettext's look-up returns the ID of a missing phrase."""

    def all(self) -> dict[str, str]:
        found: dict[str, str] = self._catalog  # type: ignore[attr-defined]  # typeshed has it not
        return {id_: phrase for id_, phrase in found.items() if id_}


@cache
def phrases(tag: Tag, domain: Domain) -> dict[str, str]:
    """The phrases of that language and domain, by their IDs."""
    with (FOLDER / tag / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        return _Phrases(file).all()
