"""What the commands that erase share: how long is kept, what is left, and how both are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from incidents.clock import rfc3339

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.desk.erasure import Erased
    from incidents.retention import Retention
    from incidents.store.erasable import Scope
    from incidents.words import Document

_Which = Callable[[Iterable[datetime]], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """What is too young to be erased: how much of it, and from when (UTC) its first may go, and
    its last."""

    words: int
    files: int
    first: datetime | None
    last: datetime | None

    @property
    def anything(self) -> bool:
        """Whether there is any."""
        return self.words + self.files > 0

    def document(self) -> Document:
        """For programs."""
        return {
            "words": self.words,
            "files": self.files,
            "first_at": None if self.first is None else rfc3339(self.first),
            "last_at": None if self.last is None else rfc3339(self.last),
        }


def retention() -> Retention:
    """How long the settings file says that words are kept.

    Raises:
        RetentionTooShortError, BadRetentionError: for what it must not say.
    """
    from incidents import retention as rules
    from incidents import settings

    return rules.read(settings.section(rules.SECTION))


def staying(run: Run, scope: Scope, keep: Retention) -> Staying:
    """What of the scope is too young."""
    from incidents.store import erasable

    with run.house.reading() as connection:
        words = erasable.young_words(connection, scope)
        files = erasable.young_files(connection, scope)
    return Staying(
        words=words.n,
        files=files.n,
        first=_due(keep, min, words.first, files.first),
        last=_due(keep, max, words.last, files.last),
    )


def counted(words: int, files: int) -> str:
    """So many values and files, in words."""
    told = f"{words:,} text" if words == 1 else f"{words:,} texts"
    if files:
        told += f" and {files:,} file" + ("" if files == 1 else "s")
    return told


def gone(erased: Erased, *, dry_run: bool) -> str:
    """What is gone, or would be."""
    done = "would be erased" if dry_run else "erased"
    return f"{counted(erased.words, erased.files)} {done}"


def _due(keep: Retention, which: _Which, *at: datetime | None) -> datetime | None:
    moments = [moment for moment in at if moment is not None]
    return keep.due(which(moments)) if moments else None
