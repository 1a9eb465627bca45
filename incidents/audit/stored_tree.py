"""The stored tree: its nodes out of the tiles that the database keeps."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from incidents.store import leaves
from incidents.store.engine import plainly, reading
from incidents.tlog import proof, tiles
from incidents.tlog.proof import Nodes
from incidents.tlog.tiles import Tile, TileError


def nodes(connection: Connection, size: int) -> Nodes:
    """The nodes of the first `size` leaves; they raise TileError where a tile is not as it was."""
    return tiles.nodes_from(lambda tile: hashes(connection, tile), size)


def hashes(connection: Connection, tile: Tile) -> bytes:
    """The hashes of a tile, which may have grown since.

    Raises:
        TileError: if it is missing.
    """
    place = (tile.level, tile.n)
    found = leaves.hashes(connection, [place]).get(place)
    if found is None:
        raise TileError(detail=f"{tiles.path(tile)} is missing")
    return bytes(found)


def consistency(engine: Engine, old: int, new: int) -> list[bytes]:
    """The proof that the first `new` leaves begin with the first `old` (RFC 9162, 2.1.4.1).

    Raises:
        ProofError, TileError: if there is no such proof.
        DatabaseError: when the database does not do its part.
    """
    with plainly(engine), reading(engine) as connection:
        return proof.consistency_proof(nodes(connection, new), old, new)
