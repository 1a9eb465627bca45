"""The bundle's target: a folder or an archive that has its name only when all of it is there.

The same files make the same archive to the byte: tar (POSIX pax) under Zstandard (RFC 8878), the
files in the order in which they were written, the manifest first, owned by nobody.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from incidents.audit.proof.bundle_manifest import FORMAT, MANIFEST
from incidents.errors import InputError
from incidents.store.schema.types import canonical
from incidents.system import disk

ARCHIVE = ".tar.zst"

# What people name archives by; a folder of that name would be taken for one.
_OTHERS = frozenset(
    (".7z", ".bz2", ".gz", ".json", ".jsonl", ".tar", ".tgz", ".xz", ".zip", ".zst")
)
_LEVEL = 6
_LISTED = 0o644
_TAKEN = "{} is there already: name a new folder, or a new file that ends in .tar.zst"


class NewFiles:
    """The files of a bundle below `folder`, each with its SHA-256, in the order of writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests: dict[str, str] = {}

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        with self.open(path) as write:
            write(data)

    @contextmanager
    def open(self, path: str) -> Iterator[Callable[[bytes], object]]:
        """Write a file part by part, with what is given."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with file.open("xb") as stream:

            def write(part: bytes) -> None:
                digest.update(part)
                stream.write(part)

            yield write
        self.digests[path] = digest.hexdigest()

    def seal(self, *, size: int, entries: int, whole: bool) -> None:
        """Write the manifest: RFC 8785 and a line feed."""
        document = {
            "entries": str(entries), "files": self.digests, "format": FORMAT, "size": str(size),
            "whole": whole,
        }  # fmt: skip
        with (self.folder / MANIFEST).open("xb") as stream:
            stream.write(canonical(document).encode() + b"\n")


@contextmanager
def appearing(target: Path, modified_at: int) -> Iterator[NewFiles]:
    """The files of a new bundle, which is there when all of it is on disk, or not at all.

    `target` is a folder, or an archive if it ends in `.tar.zst`; its files bear the time
    `modified_at` (seconds since 1970, UTC). They are collected in a hidden neighbour of it, which
    is gone afterwards unless the process is killed.

    Raises:
        InputError: if there is something of that name already, or it is that of another archive.
        OSError: if it cannot be written.
    """
    refuse(target)
    unfinished = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}")
    packed = unfinished.with_name(unfinished.name + ARCHIVE)
    unfinished.mkdir(mode=0o700)
    try:
        files = NewFiles(unfinished)
        yield files
        whole = unfinished
        if target.name.endswith(ARCHIVE):
            _pack(files, packed, modified_at)
            whole = packed
        else:
            _date(files, modified_at)
        # Of a folder with thousands of files, each on its own would take minutes.
        os.sync()
        refuse(target)
        whole.rename(target)
        disk.sync(target.parent)
    finally:
        packed.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def refuse(target: Path) -> None:
    """Raise InputError if no bundle can be made under that name."""
    if os.path.lexists(target):
        raise InputError(_TAKEN.format(target))
    if target.suffix in _OTHERS and not target.name.endswith(ARCHIVE):
        raise InputError(f"a bundle is a folder, or a file that ends in .tar.zst, not {target}")


def _pack(files: NewFiles, archive: Path, modified_at: int) -> None:
    import zstandard

    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        disk.new(archive) as raw,
        packer.stream_writer(raw, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (MANIFEST, *files.digests):
            file = files.folder / path
            member = tarfile.TarInfo(path)
            member.size, member.mtime = file.stat().st_size, modified_at
            member.mode = _LISTED
            with file.open("rb") as opened:
                tar.addfile(member, opened)


def _date(files: NewFiles, modified_at: int) -> None:
    for path in (MANIFEST, *files.digests):
        os.utime(files.folder / path, (modified_at, modified_at))
