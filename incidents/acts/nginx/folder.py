"""The folder: the files that nginx includes, and the lock under which they are written."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from incidents import disk

_PAUSE_S = 0.01
_HEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that belongs to one nginx; any number of processes write into it, in turn."""

    path: Path

    @contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Keeps the lock, against threads and processes, inside the `with` block.

        Raises:
            TimeoutError: if others keep it up to that monotonic time.
            OSError: if it cannot be written to.
        """
        handle = disk.opened(self.path / "incidents.lock", make=True, mode=0o660)
        try:
            if os.fstat(handle).st_uid == os.geteuid():
                # The folder may be a group's: whoever in it writes next must get the lock.
                os.fchmod(handle, 0o660)
            while not _lock(handle):
                if time.monotonic() > deadline:
                    raise TimeoutError("another process is writing")
                time.sleep(_PAUSE_S)
            yield
        finally:
            os.close(handle)

    def missing(self) -> str | None:
        """Whether nothing can be written there, as a sentence; None if it can."""
        if not self.path.is_dir():
            return f"there is no folder {self.path}"
        return None if os.access(self.path, os.W_OK | os.X_OK) else f"{self.path} is not writable"

    def http(self) -> str | None:
        """The text of the file for the http block; None when it is not there.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        return _text(self._http)

    def http_head(self) -> str:
        """The first lines of that file; empty when it is not there or cannot be read."""
        try:
            with self._http.open("rb") as stream:
                return stream.read(_HEAD_BYTES).decode("ascii", "replace")
        except OSError:
            return ""

    def write(self, http: str, site: str) -> None:
        """Writes both files, each whole or not at all; what is there already is not written again.

        The http block comes first: the other file uses its variables.

        Raises:
            OSError: if the disk does not do its part.
        """
        for file, text in ((self._http, http), (self._site, site)):
            if _text(file) != text:
                disk.write_whole(file, [text.encode()], disk.PUBLIC)

    def put_back(self, http: str | None) -> None:
        """What stood in the file for the http block stands there again; raises as `write` does."""
        if http is not None:
            disk.write_whole(self._http, [http.encode()], disk.PUBLIC)
            return
        # The file for servers goes first: it uses the other's variables.
        for file in (self._site, self._http):
            file.unlink(missing_ok=True)
        disk.sync(self.path)

    @property
    def _http(self) -> Path:
        return self.path / "incidents.conf"

    @property
    def _site(self) -> Path:
        return self.path / "site.conf"


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
