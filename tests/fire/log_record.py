"""The log under faults: what must be true of it on either database, whatever was cut off."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from incidents.audit.log import signed_files
from incidents.store.database.engine import reading
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves, log_head, tiles
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
from incidents.tlog.tiles import path, tiles_of
from incidents.tlog.tree import Frontier, leaf_hash


def assert_consistent(engine: Engine, key_file: Path, public: Path) -> None:
    """The tree is that of the entries, and nothing was signed or published that was not stored."""
    with reading(engine) as connection:
        hashes = _hashes(connection)
        _assert_tree(connection, hashes)
        signed = list(checkpoints.every(connection))
        keys = [VerifierKey.parse(key) for key in checkpoints.every_key(connection)]
    roots = {one.size: _root(hashes, one.size) for one in signed}
    for one in signed:
        _assert_signed(one, keys, roots[one.size])
    assert [one.size for one in signed] == sorted(one.size for one in signed)
    notes = {one.note for one in signed}
    for key in keys:
        beside = {each.note for each in signed_files.read(key_file, key)}
        assert beside <= notes, "the key has signed what was not stored"
    _assert_published(public, notes, hashes)


def assert_complete(engine: Engine) -> None:
    """Every entry is numbered and signed."""
    with reading(engine) as connection:
        there = len(connection.execute(select(entries.c.id)).all())
        last = checkpoints.last(connection)
        assert last is not None
        assert last.key == checkpoints.active(connection)
        assert connection.scalar(select(log_head.c.size)) == there == last.size


def _hashes(connection: Connection) -> list[bytes]:
    """The leaves, computed from the entries' own texts in the order of their numbers."""
    joined = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    found = select(leaves.c.leaf_index, entries.c.body).select_from(joined)
    rows = connection.execute(found.order_by(leaves.c.leaf_index)).all()
    assert [row.leaf_index for row in rows] == list(range(len(rows))), "the numbers have a gap"
    return [leaf_hash(row.body.encode()) for row in rows]


def _assert_tree(connection: Connection, hashes: list[bytes]) -> None:
    head: Any = connection.execute(select(log_head)).one()
    assert head.size == len(hashes)
    assert Frontier.from_bytes(head.size, head.frontier).root() == _root(hashes, head.size)
    stored = {(row.level, row.n): bytes(row.hashes) for row in connection.execute(select(tiles))}
    assert set(stored) == {(tile.level, tile.n) for tile in tiles_of(head.size)}
    for (level, n), found in stored.items():
        assert found == _tile(hashes, level, n)[: len(found)]
    assert all(len(stored[t.level, t.n]) == 32 * t.width for t in tiles_of(head.size))


def _tile(hashes: list[bytes], level: int, n: int) -> bytes:
    span = 256**level
    first = n * 256 * span
    roots = (hashes[at : at + span] for at in range(first, first + 256 * span, span))
    return b"".join(_root(part, span) for part in roots if len(part) == span)


def _root(hashes: list[bytes], size: int) -> bytes:
    frontier = Frontier()
    frontier.extend(hashes[:size])
    return frontier.root()


def _assert_signed(one: Signed, keys: list[VerifierKey], root: bytes) -> None:
    assert one.root == root
    found = note.parse(one.note)
    assert one.key in map(str, note.verified_keys(found, keys))
    assert note.parse_checkpoint(found.text).root == root


def _assert_published(public: Path, notes: set[str], hashes: list[bytes]) -> None:
    if not (public / "checkpoint").exists():
        return
    written = (public / "checkpoint").read_text()
    assert written in notes, "what was published was not stored"
    for tile in tiles_of(note.parse_checkpoint(note.parse(written).text).size):
        file = public / path(tile)
        assert file.exists(), f"{path(tile)} is not published, and its checkpoint is"
        assert file.read_bytes() == _tile(hashes, tile.level, tile.n)[: 32 * tile.width]
