"""The inclusion: the proof that an entry is in the tree of a checkpoint, from the stored tiles."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from incidents.errors import VerificationError
from incidents.store.record import leaves
from incidents.store.record.checkpoints import Signed
from incidents.tlog import proof, tiles, tree
from incidents.tlog.tiles import Tile, TileError


class NotAsSignedError(VerificationError):
    """{what} not what the checkpoint of {size:,} entries was signed for: nothing is written, and
    `incidents audit verify` names what is wrong"""


Prove = Callable[[int, bytes], list[bytes]]
"""The proof (RFC 9162, 2.1.3) of an entry, by its leaf index and its bytes; it has been checked."""


def prover(connection: Connection, signed: Signed) -> Prove:
    """What proves entries to be in the tree of that checkpoint.

    What it gives raises NotAsSignedError if entry or tiles are others than those that were signed.
    """
    nodes = tiles.nodes_from(lambda tile: _read(connection, tile), signed.size)

    def prove(index: int, entry: bytes) -> list[bytes]:
        try:
            found = proof.inclusion_proof(nodes, index, signed.size)
            leaf = tree.leaf_hash(entry)
            proof.check_inclusion(index, signed.size, leaf, found, signed.root)
        except VerificationError as error:
            raise NotAsSignedError(what=f"the entry at {index} is", size=signed.size) from error
        return found

    return prove


def _read(connection: Connection, tile: Tile) -> bytes:
    place = (tile.level, tile.n)
    found = leaves.hashes(connection, [place]).get(place)
    if found is None:
        raise TileError(detail=f"{tiles.path(tile)} is missing")
    return bytes(found)
