"""The streams that are kept as evidence, many at once: each under the SHA-256 of what is kept.

A stream is on disk when its group ends, not before: to wait for the disk once for many of them
takes a fraction of the time.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from incidents import clock
from incidents.record import evidence
from incidents.system import disk

_PIECE = 2**20
_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = 128
"""The maximum number of files that are open at a time."""
_THREADS = 8
"""The number of parts of a group that wait for the disk at a time, if there are threads."""


class Kept(NamedTuple):
    """A stream that was kept: the SHA-256 (hexadecimal) and the size in bytes of all of it.

    `first`: its first bytes, as many as were asked for. `kept_digest`: the digest of what is kept,
    if that is not all.
    """

    digest: str
    size: int
    first: bytes
    kept_digest: str | None


class _New(NamedTuple):
    """A file that is not in its place yet, open, with the digest of its content."""

    descriptor: int
    path: Path
    digest: str


class Streams:
    """A group of streams in a `with` block; at its end they are on disk, complete.

    After an error none is sure to be kept, and no file is left half written. Of each stream the
    first `limit` bytes are kept; `first`: the number of bytes to return. `threads`: those that wait
    for the disk.

    Raises:
        FileError: if a stream cannot be read, or its copy cannot be written.
    """

    def __init__(
        self, folder: Path, *, limit: int, first: int, threads: ThreadPoolExecutor | None = None
    ) -> None:
        self._folder, self._limit, self._first = folder, limit, first
        self._threads = threads
        self._new: list[_New] = []
        self._count, self._token = 0, secrets.token_hex(8)
        self._parts: set[str] = set()
        self._entered: set[Path] = set()
        """The folders with entries that may not be on disk."""

    def __enter__(self) -> Self:
        with disk.file_errors(self._folder, "written"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with disk.file_errors(self._folder, "written"):
                    self._place()
                    self._each(disk.fsync_path, list(self._entered))
                    _ON_DISK.update(self._entered)
        finally:
            for each in self._new:
                os.close(each.descriptor)
                each.path.unlink(missing_ok=True)

    def keep(self, source: BinaryIO) -> Kept:
        """Copy a stream, to its end, and return what is known of it."""
        self._count += 1
        path = self._folder / f"{evidence.NEW}{self._token}-{self._count}"
        with disk.file_errors(self._folder, "written"):
            descriptor = os.open(path, _FLAGS, 0o600)
            # Until its digest is known it has a place in the list of what must not stay.
            self._new.append(_New(descriptor, path, ""))
            kept = self._copied(source, descriptor)
            now = clock.now().timestamp()
            os.utime(descriptor, (now, now))
            self._new[-1] = _New(descriptor, path, kept.kept_digest or kept.digest)
            if len(self._new) == _OPEN:
                self._place()
        return kept

    def _copied(self, source: BinaryIO, descriptor: int) -> Kept:
        whole, size, head = hashlib.sha256(), 0, bytearray()
        part = None
        while piece := source.read(_PIECE):
            own = piece[: max(0, self._limit - size)]
            if part is None and len(own) < len(piece):
                part = whole.copy()
                part.update(own)
            whole.update(piece)
            _write(descriptor, own)
            head += piece[: max(0, self._first - len(head))]
            size += len(piece)
        return Kept(
            whole.hexdigest(), size, bytes(head), None if part is None else part.hexdigest()
        )

    def _place(self) -> None:
        """Give the new files their names, once their content is on disk."""
        wanted: dict[str, _New] = {}
        for each in self._new:
            self._enter(each.digest[:2])
            # Otherwise it is there already, fresh again.
            if not evidence.touched(self._path(each.digest)):
                wanted.setdefault(each.digest, each)
        self._each(os.fsync, [each.descriptor for each in wanted.values()])
        for digest, each in wanted.items():
            each.path.rename(self._path(digest))
        while self._new:
            each = self._new.pop()
            os.close(each.descriptor)
            if wanted.get(each.digest) is not each:
                each.path.unlink()

    def _path(self, digest: str) -> str:
        return f"{self._folder}/{digest[:2]}/{digest}"

    def _enter(self, part: str) -> None:
        """Note that the part of the folder gets an entry; make it on first need."""
        if part in self._parts:
            return
        self._parts.add(part)
        folder = self._folder / part
        if folder not in _ON_DISK or not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._entered |= {self._folder, self._folder.parent}
        self._entered.add(folder)

    def _each(self, wait: Callable[[Any], None], on: Sequence[Any]) -> None:
        """Wait for the disk for each of those, in some threads."""
        if self._threads is None:
            _wait(wait, on)
        else:
            parts = [on[n::_THREADS] for n in range(min(_THREADS, len(on)))]
            list(self._threads.map(partial(_wait, wait), parts))


_ON_DISK: set[Path] = set()
"""The folders whose own entries are on disk, as far as this process knows."""


def keep(source: BinaryIO, folder: Path, *, limit: int, first: int) -> Kept:
    """Keep one stream, complete and on disk when this returns; see `Streams`."""
    with Streams(folder, limit=limit, first=first) as streams:
        return streams.keep(source)


def _wait(wait: Callable[[Any], None], on: Iterable[Any]) -> None:
    for each in on:
        wait(each)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
