"""The publication of the log as a folder that any web server can serve (C2SP tlog-tiles).

Tiles are written first and the checkpoint last, each atomically, so that a reader finds everything
that the checkpoint covers. Only hashes are published, never an entry.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine

from incidents.audit.log import sequencer, status
from incidents.errors import Cause, FileError, VerificationError
from incidents.store.database.engine import plainly, reading
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.system import disk
from incidents.tlog import note, proof, tiles
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError
from incidents.tlog.tiles import HASH_BYTES, WIDTH, Tile

CHECKPOINT = "checkpoint"


class AnotherLogError(VerificationError):
    """nothing was published in {folder}: the checkpoint there is {what}. Find out which of the two
    belongs to this desk, and set another folder for the other"""


def publish(engine: Engine, folder: Path) -> Signed | None:
    """Update the folder to the last checkpoint, with the signatures of its witnesses.

    Returns that checkpoint; None if there was nothing new to publish.

    Raises:
        AnotherLogError: if the folder has the checkpoint of another log, or of a longer one.
        FileError: if the folder cannot be written.
        DatabaseError, TileError: if the database fails, or has wrong tiles.
    """
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        if last is None:
            return None
        written = status.note_of(connection, last)
        try:
            there = None
            with suppress(FileNotFoundError):
                there = (folder / CHECKPOINT).read_bytes().decode(errors="replace")
            if there == written:
                return None
            grown = list(_new_tiles(_published(connection, folder, there, last), last.size))
            for tile in grown:
                hashes = sequencer.hashes(connection, tile)[: tile.width * HASH_BYTES]
                _write(folder / tiles.path(tile), hashes)
            _write(folder / CHECKPOINT, written.encode())
            for tile in grown:
                # Partial tiles that are full by now: a client that wants one can read the full one.
                parts = folder / f"{tiles.path(tile)}.p"
                if tile.width == WIDTH and parts.is_dir():
                    shutil.rmtree(parts, ignore_errors=True)
        except OSError as error:
            why = error.strerror or str(error)
            file = error.filename or folder
            raise FileError(file=file, done="written", detail=why) from error
        return last


def _published(connection: Connection, folder: Path, there: str | None, last: Signed) -> int:
    """The number of leaves whose tiles are in the folder."""
    if there is None:
        return 0
    log = note.checkpoint_of(last.note)
    try:
        found = note.checkpoint_of(there)
    except (NoteError, CheckpointError) as error:
        raise AnotherLogError(
            folder=folder, what=Cause.of("checkpoint_unreadable", "not readable")
        ) from error
    what = _foreign_reason(found, log)
    if what is None:
        root = proof.root_at(sequencer.nodes(connection, log.size), found.size)
        if root != found.root:
            what = Cause.of(
                "checkpoint_of_other",
                "of {size:,} entries, and this log does not begin with them",
                size=found.size,
            )
    if what is not None:
        raise AnotherLogError(folder=folder, what=what)
    return found.size


def _foreign_reason(found: Checkpoint, log: Checkpoint) -> str | None:
    if found.origin != log.origin:
        return Cause.of("checkpoint_origin", "that of {origin!r}", origin=found.origin)
    if found.size > log.size:
        return Cause.of(
            "checkpoint_larger",
            "of {size:,} entries, and this log has {own:,}",
            size=found.size,
            own=log.size,
        )
    if found.size == log.size and found.root != log.root:
        return Cause.of("checkpoint_other_tree", "of another tree of the same size")
    return None


def _new_tiles(old: int, new: int) -> Iterator[Tile]:
    """The tiles that a tree of `new` leaves has and a tree of `old` leaves does not."""
    level = 0
    while new:
        for n in range(old // WIDTH, -(-new // WIDTH)):
            tile = Tile(level, n, min(WIDTH, new - n * WIDTH))
            if old - n * WIDTH < tile.width:
                yield tile
        level, old, new = level + 1, old // WIDTH, new // WIDTH


def _write(file: Path, data: bytes) -> None:
    _make_public(file.parent)
    disk.write_whole(file, [data], disk.PUBLIC)


def _make_public(folder: Path) -> None:
    """Create a folder and its missing parents so that any web server can read them."""
    if not folder.is_dir():
        _make_public(folder.parent)
        folder.mkdir(exist_ok=True)
        disk.make_readable(folder)
