"""A missing library: what of this program needs one, and how whoever runs it installs it."""

from __future__ import annotations

from typing import ClassVar

from incidents.errors import IncidentsError


def way_out(extra: str) -> str:
    """The command that brings the libraries of that extra along."""
    return f"pip install '.[{extra}]' in the source of incidents"


class LibraryError(IncidentsError):
    """a library is not installed"""

    extra: ClassVar[str]
    """What brings the library along, unless the fact `extra` says it; the message names it."""

    def _sentence(self) -> str:
        return f"{super()._sentence()}: {way_out(self.facts.get('extra') or self.extra)}"
