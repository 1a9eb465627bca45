"""The Merkle tree of RFC 6962 section 2.1, and the few hashes that it needs to grow.

A row is the concatenated hashes, 32 bytes each, of neighbouring nodes of one height. Rows are
hashed as a whole, because a method call for each node would cost more than its hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from incidents.errors import Cause, VerificationError

HASH_BYTES = 32
WIDTH = 256
"""The number of hashes in a full tile: a perfect subtree of height 8."""

LIMIT = 1 << 63
"""The limit below which all sizes and indices are, so that they fit a signed 64-bit integer."""

EMPTY_ROOT = sha256().digest()
"""The root of a tree without leaves: the hash of the empty string."""

_PAIR_BYTES = 2 * HASH_BYTES
_TILE_BYTES = WIDTH * HASH_BYTES
_BATCH = 1 << 16


class TreeError(VerificationError):
    """the tree is inconsistent: {detail}"""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right). The caller checks the lengths."""
    return sha256(b"\x01" + left + right).digest()


def tile_root(hashes: bytes) -> bytes:
    """The root of a full tile, given as 256 concatenated hashes. Raises TreeError otherwise."""
    if len(hashes) != _TILE_BYTES:
        raise TreeError(
            detail=Cause.of(
                "full_tile_bytes",
                "a full tile has {needed} bytes, and not {length}",
                needed=_TILE_BYTES,
                length=len(hashes),
            )
        )
    return rows_of(hashes)[-1]


def rows_of(row: bytes) -> list[bytes]:
    """The row and the rows above it, while there are pairs: the n-th row has roots of height n."""
    rows = [row]
    while len(rows[-1]) >= _PAIR_BYTES:
        rows.append(row_above(rows[-1]))
    return rows


def row_above(row: bytes) -> bytes:
    """The parents of a row that begins with a left child; a last, single child has no parent."""
    return b"".join(
        [
            sha256(b"\x01" + row[i : i + _PAIR_BYTES]).digest()
            for i in range(0, len(row) - HASH_BYTES, _PAIR_BYTES)
        ]
    )


def row_of(hashes: Sequence[bytes]) -> bytes:
    """Concatenate hashes to a row. Raises TreeError if one of them does not have 32 bytes."""
    if lengths := set(map(len, hashes)) - {HASH_BYTES}:
        raise TreeError(
            detail=Cause.of(
                "hash_bytes",
                "a hash has {needed} bytes, and not {length}",
                needed=HASH_BYTES,
                length=min(lengths),
            )
        )
    return b"".join(hashes)


def subtrees(size: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees of a tree of `size` leaves, the largest first.

    Each is given by its height h and its index n: it spans the leaves from n·2^h to (n+1)·2^h - 1.
    """
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            yield height, (size >> height) - 1


def join_roots(roots: Sequence[bytes]) -> bytes:
    """The root of a tree from the roots of its perfect subtrees (one or more), largest first."""
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


@dataclass(slots=True)
class Frontier:
    """The compact range: the roots of the perfect subtrees of a tree, the largest first.

    A tree needs nothing else to grow and to compute its root: at most 63 hashes. It grows in place.
    Raises TreeError, without a change, if the number of hashes does not fit the size, or if a hash
    does not have 32 bytes.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size < LIMIT:
            raise TreeError(
                detail=Cause.of("no_tree_of_size", "no tree has {size} leaves", size=self.size)
            )
        if len(row_of(self.hashes)) != HASH_BYTES * (count := self.size.bit_count()):
            raise TreeError(
                detail=Cause.of(
                    "number_of_subtrees",
                    "{size} leaves have {count} subtrees, and not {length}",
                    size=self.size,
                    count=count,
                    length=len(self.hashes),
                )
            )

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves on the right, from left to right, one hash for each leaf."""
        size, hashes, coming = self.size, self.hashes, iter(leaf_hashes)
        while batch := tuple(islice(coming, _BATCH)):
            hashes = _appended(size, hashes, row_of(batch))
            size += len(batch)
        self.size, self.hashes = size, hashes

    def root(self) -> bytes:
        """The root of the tree at its present size."""
        return join_roots(self.hashes) if self.hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """The concatenated hashes: 32 bytes for each bit that is set in `size`."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, blob: bytes) -> Frontier:
        """The frontier of a tree of that size, from the bytes of `to_bytes`."""
        return cls(size, tuple(blob[i : i + HASH_BYTES] for i in range(0, len(blob), HASH_BYTES)))


def _appended(size: int, hashes: tuple[bytes, ...], row: bytes) -> tuple[bytes, ...]:
    """The frontier's hashes after `row` is appended to its `size` leaves."""
    held, grown = list(hashes), []
    while row:
        if size & 1:
            row = held.pop() + row
        if len(row) % _PAIR_BYTES:
            grown.append(row[-HASH_BYTES:])
        row = row_above(row)
        size >>= 1
    return (*held, *reversed(grown))
