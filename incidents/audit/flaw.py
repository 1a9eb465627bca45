"""The flaw: one thing in a log, or in a bundle of it, that is not as it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["bundle", "entries", "tree", "checkpoints", "policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Where it is, and in plain words what it is.

    If it is at an entry, `site` is the site's name, `entry` the site's number and the entry's in
    the site's stream (`12-3`), `leaf` its number in the log, from 0. `expected` is what it should
    be, where that can be said.
    """

    part: Part
    where: str
    what: str
    site: str | None = None
    entry: str | None = None
    leaf: int | None = None
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
