"""The folder or archive of a bundle: writing one, and unpacking one.

The same files always make the same archive, byte for byte. It is a tar (POSIX pax) compressed with
Zstandard (RFC 8878), with the manifest first and then the files in the order of writing, without
owners.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from platform import python_version
from typing import IO, Any, Self

from incidents.audit.proof.bundle_files import ENTRIES, FORMAT, MANIFEST, NoBundleError, shown
from incidents.errors import Cause, InputError
from incidents.store.schema.types import canonical
from incidents.system import disk

ARCHIVE = ".tar.zst"

# Common endings of archives: a folder of such a name would be taken for one.
_OTHERS = frozenset(
    (".7z", ".bz2", ".gz", ".json", ".jsonl", ".tar", ".tgz", ".xz", ".zip", ".zst")
)
_LEVEL = 6

_CSV = b"site,site_id,"
"""The first bytes of an export as CSV."""


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
        """Open a file; yield the function that writes its next part."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with file.open("xb") as stream:

            def write(part: bytes) -> None:
                digest.update(part)
                stream.write(part)

            yield write
        self.digests[path] = digest.hexdigest()

    def write_manifest(self, *, size: int, entries: int, whole: bool) -> None:
        """Write the manifest in the form of RFC 8785, with a line feed."""
        document = {
            "entries": str(entries), "files": self.digests, "format": FORMAT, "size": str(size),
            "whole": whole,
        }  # fmt: skip
        with (self.folder / MANIFEST).open("xb") as stream:
            stream.write(canonical(document).encode() + b"\n")


@contextmanager
def new_bundle(target: Path, modified_at: int) -> Iterator[NewFiles]:
    """Write a new bundle, which appears once it is completely on disk, or not at all.

    `target` is a folder, or an archive if its name ends in `.tar.zst`. The files get the time
    `modified_at` (seconds since 1970, UTC). They are collected in a hidden folder beside the
    target, which is deleted afterwards unless the process is killed.

    Raises:
        InputError: if the target already exists, or has the name of another kind of archive.
        OSError: if the bundle cannot be written.
    """
    check_target(target)
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
            for path in (MANIFEST, *files.digests):
                os.utime(unfinished / path, (modified_at, modified_at))
        # With thousands of files, one fsync for each would take minutes.
        os.sync()
        check_target(target)
        whole.rename(target)
        disk.fsync_path(target.parent)
    finally:
        packed.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def check_target(target: Path) -> None:
    """Raise InputError if a bundle cannot have that name."""
    if os.path.lexists(target):
        sentence = "{target} already exists: name a new folder, or a new file that ends in .tar.zst"
        raise InputError.coded("bundle_exists", sentence, target=target)
    if target.suffix in _OTHERS and not target.name.endswith(ARCHIVE):
        sentence = "{target} cannot be a bundle: name a folder, or a file that ends in .tar.zst"
        raise InputError.coded("no_bundle_name", sentence, target=target)


def _pack(files: NewFiles, archive: Path, modified_at: int) -> None:
    import zstandard

    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        disk.create_private(archive) as raw,
        packer.stream_writer(raw, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (MANIFEST, *files.digests):
            file = files.folder / path
            member = tarfile.TarInfo(path)
            member.mode, member.size, member.mtime = 0o644, file.stat().st_size, modified_at
            with file.open("rb") as opened:
                tar.addfile(member, opened)


_SAFE = re.compile(r"(?:\./)?(?:[0-9A-Za-z_-][0-9A-Za-z_.-]*/)*[0-9A-Za-z_-][0-9A-Za-z_.-]*/?")
_MOST_FILES = 10_000_000
_WINDOW_BYTES = 1 << 27
_MOST_ZEROS = 1 << 20

MOST_BYTES = 64 << 30
"""The maximum size of all files of an archive in bytes: a small archive can unpack to any size."""

MOST_IN_FILE = 64 << 20
"""The maximum size of one file in bytes. The entries and the manifest may be larger, because they
grow with the log."""

_GROWING = (ENTRIES, MANIFEST)


@contextmanager
def unpacked(given: Path) -> Iterator[Path]:
    """Yield the folder of a bundle: `given` itself, or the content of the archive `given`.

    From an archive (tar, or tar compressed with Zstandard), only plain files are unpacked, to a
    folder that is deleted afterwards.

    Raises:
        FileError: if `given` cannot be read.
        NoBundleError: if an archive holds anything but plain files and folders, or `given` is not
            an archive.
        InputError: for a plain export.
    """
    with disk.file_errors(given, "read"):
        is_folder = given.is_dir()
    if is_folder:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="incidents-") as name:
        folder = Path(name)
        with disk.file_errors(given, "read"), given.open("rb") as file:
            _refuse_plain(file, given)
            _unpack(file, folder, given)
        yield _root(folder)


def _refuse_plain(file: IO[bytes], given: Path) -> None:
    """Refuse a JSON Lines or CSV export, which proves nothing because it has no signatures."""
    if not file.seekable():
        return
    begins = file.read(len(_CSV))
    file.seek(0)
    if begins.startswith((b"{", _CSV)):
        sentence = (
            "{file} is a plain export with nothing to prove it by: make a bundle with incidents"
            " audit export --format bundle -o DIR"
        )
        raise InputError.coded("plain_export", sentence, file=given.name)


def _unpack(file: IO[bytes], folder: Path, given: Path) -> None:
    import zstandard

    left = MOST_BYTES
    packed = given.suffix in (".zst", ".zstd")
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader
    try:
        with (
            reader(file, read_across_frames=True) if packed else file as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as members,
        ):
            for n, member in enumerate(members):
                if n > _MOST_FILES:
                    raise NoBundleError(
                        file=given.name,
                        detail=Cause.of("too_many_files", "it holds too many files"),
                    )
                if not (isinstance(member, _Header) and member.is_checked):
                    version = python_version()
                    detail = Cause.of(
                        "python_cannot_check",
                        "Python {version} cannot check it: unpack it, then verify the folder",
                        version=version,
                    )
                    raise NoBundleError(file=given.name, detail=detail)
                left -= member.size
                _refuse_large(member, left, given)
                _write(members, member, folder)
            # A byte behind its end could be changed unnoticed. Part of it may have been read
            # already, with the block that holds the end.
            behind: Any = members.fileobj
            rest = behind.read(_MOST_ZEROS + 1)
    except zstandard.ZstdError as error:
        detail = Cause.of(
            "archive_no_zstandard", "it is not a readable archive: Zstandard cannot unpack it"
        )
        raise NoBundleError(file=given.name, detail=detail) from error
    except (tarfile.TarError, EOFError) as error:
        detail = Cause.of(
            "archive_cut",
            "it is not a readable archive: it is cut off, or a header in it is wrong",
        )
        raise NoBundleError(file=given.name, detail=detail) from error
    if len(rest) > _MOST_ZEROS or rest.strip(b"\0"):
        raise NoBundleError(
            file=given.name,
            detail=Cause.of("archive_goes_on", "it goes on after the end of the archive"),
        )


class _Header(tarfile.TarInfo):
    """A checked header: `tarfile` would mistake a wrong header for the end of the archive."""

    is_checked = False  # stays so under a Python that calls neither of the hooks below

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        return cls._checked(super().frombuf, buf, encoding, errors)

    @classmethod
    def _frombuf(cls, *given: Any, **more: Any) -> Self:
        # Newer releases of Python call this instead.
        made: Any = super()
        return cls._checked(made._frombuf, *given, **more)  # noqa: SLF001 - our own base

    @classmethod
    def _checked(cls, read: Callable[..., Any], *given: Any, **more: Any) -> Self:
        try:
            header: Self = read(*given, **more)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # not in the stubs
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
        header.is_checked = True
        return header


def _refuse_large(member: tarfile.TarInfo, left: int, given: Path) -> None:
    if left < 0:
        detail = Cause.of(
            "archive_too_large",
            "its files have more than {limit:,} bytes: unpack it, and name the folder",
            limit=MOST_BYTES,
        )
        raise NoBundleError(file=given.name, detail=detail)
    if member.size > MOST_IN_FILE and Path(member.name).name not in _GROWING:
        raise NoBundleError(
            file=shown(member.name),
            detail=Cause.of("over_bytes", "it has more than {limit:,} bytes", limit=MOST_IN_FILE),
        )


def _write(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = member.name
    # A sparse file has more bytes than the archive, and no bundle is written with one.
    is_file = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    is_plain = is_file and member.size >= 0
    if _SAFE.fullmatch(name) is None or not (is_plain or member.isdir()):
        raise NoBundleError(
            file=shown(name),
            detail=Cause.of("no_plain_file_below", "it is no plain file below the bundle"),
        )
    if member.isdir():
        return
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    content = members.extractfile(member)
    assert content is not None
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)
    except FileExistsError as error:
        raise NoBundleError(
            file=shown(name), detail=Cause.of("twice", "it is there twice")
        ) from error


def _root(folder: Path) -> Path:
    """The folder of the bundle, if the archive holds the bundle in a single folder."""
    there = list(folder.iterdir())
    return there[0] if len(there) == 1 and there[0].is_dir() else folder
