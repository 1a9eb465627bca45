"""The context of a run: its size, its databases, its folder, and whether peers take part."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeVar

from bench.databases import Databases

Size = Literal["tiny", "small", "full"]
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a scenario is given. `folder` lies on a real disk."""

    size: Size
    rounds: int
    databases: Mapping[str, Databases]
    folder: Path
    only_ours: bool = False

    def of_size(self, *, tiny: Number, small: Number, full: Number) -> Number:
        """The number for this run's size."""
        return {"tiny": tiny, "small": small, "full": full}[self.size]

    def each(self) -> Iterator[Databases]:
        """The kinds of database that are asked for."""
        yield from self.databases.values()

    def absent(self, *modules: str) -> str | None:
        """Why a peer that needs these modules does not take part; None if it does."""
        if self.only_ours:
            return "peers were not asked for"
        missing = [name for name in modules if find_spec(name) is None]
        return f"not installed: {', '.join(missing)}" if missing else None


def settle() -> None:
    """What was prepared is on the disk, and is not written while something is measured."""
    os.sync()
