"""A Maildir: one file for each mail, moved within the folder when it is on record.

A mail is taken from `new` and from `cur`, whatever its flags say: somebody may have looked at it.
What was taken is in the folder `.Taken`, so that nothing is lost. After a crash a mail may be taken
again; its bytes are then on record already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from incidents.system import disk

TAKEN = ".Taken"
"""The folder of the mails that are on record (Maildir++)."""


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A mail that waits in the folder."""

    path: Path

    def open(self) -> BinaryIO:
        """Open its bytes; raises FileError."""
        with disk.file_errors(self.path, "read"):
            return self.path.open("rb")


class Maildir:
    """The Maildir in that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def waiting(self) -> Iterator[WaitingMail]:
        """The mails that wait, the oldest first as far as their names tell; raises FileError."""
        for name in ("new", "cur"):
            folder = self.folder / name
            with disk.file_errors(folder, "read"):
                found = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
            yield from (WaitingMail(folder / each) for each in found if not each.startswith("."))

    def take(self, mail: WaitingMail) -> None:
        """Move a mail that is on record; it may be gone. Raises FileError."""
        with disk.file_errors(self._taken, "written"), suppress(FileNotFoundError):
            mail.path.rename(self._taken / "cur" / mail.path.name)

    @cached_property
    def _taken(self) -> Path:
        """The folder of the mails that are on record, which is made on first need."""
        taken = self.folder / TAKEN
        with disk.file_errors(taken, "written"):
            for part in ("new", "cur", "tmp"):
                (taken / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            (taken / "maildirfolder").touch()
        return taken
