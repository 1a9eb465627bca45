"""The sequencer, which numbers the entries in the log and extends the log's tree.

The desk assigns no numbers, because that would serialize its transactions. Transactions do not
commit in the order of entry IDs, so the sequencer looks for entries without a number, not for newer
entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from incidents.errors import Cause
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import leaves
from incidents.store.log.leaves import Head, Leaf, Snapshot
from incidents.tlog import proof, tiles
from incidents.tlog.proof import Nodes
from incidents.tlog.tiles import Edge, Tile, TileError, partial_tiles_of
from incidents.tlog.tree import Frontier

# On SQLite nobody else can write while a batch is numbered: for about 20 ms.
_AT_ONCE = {"sqlite": 1_000, "postgresql": 10_000}


@dataclass(frozen=True, slots=True)
class Numbered:
    """The number of entries numbered in one transaction; `more`: there may be further entries."""

    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Appended:
    """The leaves that were numbered, the new head, and the changed tiles."""

    leaves: list[Leaf]
    head: Head
    tiles: list[tuple[int, int, bytes]]


_NOTHING = Numbered(0, more=False)


def number_all(
    engine: Engine, stopped: Callable[[], bool] = lambda: False, limit: int | None = None
) -> int:
    """Number all entries, `limit` in each transaction, and return their count.

    Each transaction leaves a complete tree. `stopped` is called between transactions.

    Raises:
        DatabaseError: if the database fails; earlier transactions stay committed.
    """
    total = 0
    while not stopped():
        done = number_some(engine, limit)
        total += done.count
        if not done.more:
            break
    return total


def number_some(engine: Engine, limit: int | None = None) -> Numbered:
    """Number up to `limit` entries in one transaction; none if another sequencer is running.

    Raises:
        DatabaseError: if the database fails.
    """
    with plainly(engine):
        if engine.dialect.name == "sqlite":
            # Do not take SQLite's write lock to find nothing to do.
            with reading(engine) as connection:
                if not leaves.any_above(connection, leaves.head(connection).floor):
                    return _NOTHING
        with writing(engine) as connection:
            if not leaves.lock(connection):
                return _NOTHING
            return _number(connection, limit or _AT_ONCE[engine.dialect.name])


def number_missed(engine: Engine) -> int:
    """Number entries that the sequencer missed, and return their count.

    There should be none: this function verifies the floor of `raise_floor`. It reads all ids.

    Raises:
        DatabaseError: if the database fails.
    """
    total = 0
    with plainly(engine):
        while True:
            with reading(engine) as connection:
                ids = leaves.missed(connection, leaves.head(connection).floor, 1)
            if not ids:
                return total
            with writing(engine) as connection:
                if not leaves.lock(connection):
                    return total
                # The floor does not move: nothing was learned about entries above it.
                head = leaves.head(connection)
                grown = _append(connection, head, ids[0] - 1, _AT_ONCE[engine.dialect.name])
                leaves.keep(connection, grown.head, grown.tiles)
                total += len(grown.leaves)


def _number(connection: Connection, limit: int) -> Numbered:
    # The head is read in a statement after the lock's, which may not see it yet.
    head = leaves.head(connection)
    seen = leaves.snapshot(connection)
    grown = _append(connection, head, head.floor, limit)
    found = grown.leaves
    full = len(found) == limit
    if connection.dialect.name == "sqlite":
        # Writers come one after the other, and each id is higher than all before it.
        new = grown.head._replace(floor=found[-1].entry_id) if found else grown.head
    else:
        new = raise_floor(grown.head, seen, found[-1].entry_id if full else None)
        if new != head and new.horizon is None:
            # Assigned after the query, and only if needed, because it uses up a number.
            new = new._replace(horizon=leaves.own_transaction(connection))
    if new != head:
        leaves.keep(connection, new, grown.tiles)
    return Numbered(len(found), more=full)


def raise_floor(head: Head, seen: Snapshot, numbered_to: int | None) -> Head:
    """Return the head with its floor raised as far as is possible now (PostgreSQL).

    `seen` is a view of the database from before the numbering. All entries in the view now have
    numbers, or at least the entries up to the id `numbered_to`.

    An action of the desk locks a row, and so gets a transaction number, before it takes an id.
    Therefore every id in the view belongs to a transaction with a smaller number than the number
    that this transaction takes afterwards. That number becomes the horizon (None here: not yet
    taken). Once all transactions before the horizon have ended, their committed entries are visible
    and have numbers.
    """
    top = seen.newest if numbered_to is None else min(seen.newest, numbered_to)
    if head.next_floor is None or head.horizon is None:
        floor = head.floor
    elif seen.to_come is not None and head.horizon > seen.to_come:
        # A restored database counts its transactions anew: the search begins again.
        floor = head.floor
    elif seen.ended is not None and seen.ended >= head.horizon:
        floor = max(head.floor, min(head.next_floor, top))
    else:
        return head
    if floor == top == head.floor == head.next_floor:
        # Nothing has happened: an idle log is not written to.
        return head
    return head._replace(floor=floor, next_floor=top, horizon=None)


def _append(connection: Connection, head: Head, floor: int, limit: int) -> _Appended:
    """Number the entries above `floor`, and append them to the tree."""
    found = leaves.number(connection, size=head.size, floor=floor, limit=limit)
    if not found:
        return _Appended(found, head, [])
    hashes = [leaf.hash for leaf in found]
    places = ((tile.level, tile.n) for tile in partial_tiles_of(head.size))
    partial = leaves.hashes(connection, places)
    edge = Edge.of(head.size, {level: blob for (level, _), blob in partial.items()})
    frontier = Frontier.from_bytes(head.size, head.frontier)
    frontier.extend(hashes)
    new = head._replace(size=frontier.size, frontier=frontier.to_bytes())
    return _Appended(found, new, edge.append(hashes))


def nodes(connection: Connection, size: int) -> Nodes:
    """Return the nodes of the tree of the first `size` leaves; a changed tile raises TileError."""
    return tiles.nodes_from(lambda tile: hashes(connection, tile), size)


def hashes(connection: Connection, tile: Tile) -> bytes:
    """Return the stored hashes of a tile, which may have grown wider than `tile`.

    Raises:
        TileError: if the tile is missing.
    """
    place = (tile.level, tile.n)
    found = leaves.hashes(connection, [place]).get(place)
    if found is None:
        raise TileError(detail=Cause.of("path_missing", "{path} is missing", path=tiles.path(tile)))
    return bytes(found)


def consistency(engine: Engine, old: int, new: int) -> list[bytes]:
    """Prove that the first `new` leaves begin with the first `old` (RFC 9162, 2.1.4.1).

    Raises:
        ProofError, TileError: if no such proof exists.
        DatabaseError: if the database fails.
    """
    with plainly(engine), reading(engine) as connection:
        return proof.consistency_proof(nodes(connection, new), old, new)
