"""The tile: 256 hashes of the tree under a separate path, in the layout of C2SP tlog-tiles.

A tile of level l holds roots of subtrees of height 8·l. Tiles on the right edge of a tree are
partial: they have between 1 and 255 hashes, and no hash above them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct

from incidents.errors import Cause, VerificationError
from incidents.tlog.proof import Nodes
from incidents.tlog.tree import (
    HASH_BYTES,
    LIMIT,
    WIDTH,
    Frontier,
    row_of,
    rows_of,
    subtrees,
    tile_root,
)

__all__ = [
    "HASH_BYTES",
    "LONGEST_ENTRY",
    "WIDTH",
    "Edge",
    "Tile",
    "TileError",
    "entries_path",
    "entry_bundle",
    "nodes_from",
    "partial_tiles_of",
    "path",
    "read_entry_bundle",
    "tiles_of",
]

LONGEST_ENTRY = 65_535
"""The maximum number of bytes in an entry, whose length is stored in two bytes."""

_HEIGHT = 8
_TILE_BYTES = WIDTH * HASH_BYTES
_HIGHEST_LEVEL = 63
_CACHED_TILES = 64
_LENGTH = Struct(">H")


class TileError(VerificationError):
    """the tiles do not make a tree: {detail}"""


@dataclass(frozen=True, slots=True)
class Tile:
    """The n-th tile of a level, and the number of its hashes, 1 to 256."""

    level: int
    n: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (
            0 <= self.level <= _HIGHEST_LEVEL and 0 <= self.n < LIMIT and 1 <= self.width <= WIDTH
        ):
            raise TileError(
                detail=Cause.of(
                    "no_tile",
                    "there is no tile {n} of level {level}, {width} hashes wide",
                    n=self.n,
                    level=self.level,
                    width=self.width,
                )
            )


# ── paths ────────────────────────────────────────────────────────────────────────────────────────


def path(tile: Tile) -> str:
    """The path of a tile in a log: `tile/<L>/<N>`, followed by `.p/<W>` if the tile is partial."""
    return f"tile/{tile.level}/{_index_path(tile.n, tile.width)}"


def entries_path(n: int, width: int = WIDTH) -> str:
    """The path in a log of the entries of the n-th tile of level 0."""
    return f"tile/entries/{_index_path(n, width)}"


def _index_path(n: int, width: int) -> str:
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03}")
    return "/".join(groups) + (f".p/{width}" if width < WIDTH else "")


# ── the tiles of a tree ──────────────────────────────────────────────────────────────────────────


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, level by level and from left to right."""
    level = 0
    while size:
        full, rest = divmod(size, WIDTH)
        yield from (Tile(level, n) for n in range(full))
        if rest:
            yield Tile(level, full, rest)
        level, size = level + 1, full


def partial_tiles_of(size: int) -> Iterator[Tile]:
    """The tiles that change when a tree of `size` leaves grows: at most one for each level."""
    level = 0
    while size:
        size, rest = divmod(size, WIDTH)
        if rest:
            yield Tile(level, size, rest)
        level += 1


def nodes_from(read: Callable[[Tile], bytes], size: int) -> Nodes:
    """The nodes of a tree of `size` leaves, from its tiles. The last 64 tiles read are kept.

    `read` may return more hashes than the tile has at this size, because a tile only grows. Raises
    TileError if there are too few hashes, or for a node that is not in the tree.
    """

    @lru_cache(maxsize=_CACHED_TILES)
    def rows(level: int, n: int) -> list[bytes]:
        tile = Tile(level, n, min(WIDTH, (size >> _HEIGHT * level) - n * WIDTH))
        hashes = read(tile)
        length = len(hashes)
        if not tile.width * HASH_BYTES <= length <= _TILE_BYTES or length % HASH_BYTES:
            raise _wrong_length(tile, length)
        return rows_of(hashes)

    def nodes(height: int, n: int) -> bytes:
        if height < 0 or n < 0 or n + 1 << height > size:
            raise TileError(
                detail=Cause.of(
                    "no_subtree",
                    "{size} leaves have no subtree {n} of height {height}",
                    size=size,
                    n=n,
                    height=height,
                )
            )
        level, above = divmod(height, _HEIGHT)
        tile, place = divmod(n, WIDTH >> above)
        return rows(level, tile)[above][place * HASH_BYTES : (place + 1) * HASH_BYTES]

    return nodes


def _wrong_length(tile: Tile, length: int) -> TileError:
    return TileError(
        detail=Cause.of(
            "tile_bytes",
            "{path} must have {needed} bytes, and has {found}",
            path=path(tile),
            needed=tile.width * HASH_BYTES,
            found=length,
        )
    )


# ── entries ──────────────────────────────────────────────────────────────────────────────────────


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Encode 1 to 256 entries in a log's format: before each entry, its length in two bytes.

    Raises TileError for another number of entries, or for an entry of more than 65,535 bytes.
    """
    _check_width(len(entries))
    if (longest := max(map(len, entries))) > LONGEST_ENTRY:
        raise TileError(
            detail=Cause.of(
                "entry_bytes",
                "an entry has {longest} bytes, and {limit} are the most",
                longest=longest,
                limit=LONGEST_ENTRY,
            )
        )
    return b"".join([part for entry in entries for part in (_LENGTH.pack(len(entry)), entry)])


def read_entry_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises TileError for anything that `entry_bundle` does not write."""
    entries, at = [], 0
    while at < len(data):
        start = at + _LENGTH.size
        if start > len(data):
            raise TileError(
                detail=Cause.of("ends_within_length", "a bundle of entries ends within a length")
            )
        at = start + _LENGTH.unpack_from(data, start - _LENGTH.size)[0]
        entries.append(data[start:at])
    if at > len(data):
        raise TileError(
            detail=Cause.of("ends_within_entry", "a bundle of entries ends within an entry")
        )
    _check_width(len(entries))
    return entries


def _check_width(entries: int) -> None:
    if not 1 <= entries <= WIDTH:
        raise TileError(
            detail=Cause.of(
                "bundle_entries",
                "a bundle has 1 to {width} entries, and not {entries}",
                width=WIDTH,
                entries=entries,
            )
        )


# ── the edge ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Edge:
    """The partial tiles on the right edge of a tree: all that the tree needs to grow in place."""

    size: int = 0
    _partial: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, size: int, partial: Mapping[int, bytes]) -> Edge:
        """The edge of a tree of `size` leaves, from its partial tiles by level.

        Raises TileError unless the tiles are exactly those that `partial_tiles_of` names.
        """
        tiles = {tile.level: tile for tile in partial_tiles_of(size)}
        if extra := set(partial) - set(tiles):
            raise TileError(
                detail=Cause.of(
                    "no_partial_tile",
                    "{size} leaves have no partial tile of level {level}",
                    size=size,
                    level=min(extra),
                )
            )
        for level, tile in tiles.items():
            length = len(partial.get(level, b""))
            if length != tile.width * HASH_BYTES:
                raise _wrong_length(tile, length)
        return cls(size, dict(partial))

    def append(self, leaf_hashes: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
        """Add leaves on the right; return the level, n and all hashes of each changed tile.

        A tile that became full is returned once, and a partial tile in its state after the last
        leaf. Raises TreeError, without a change, if a hash does not have 32 bytes.
        """
        row = row_of(tuple(leaf_hashes))
        changed: list[tuple[int, int, bytes]] = []
        level, size = 0, self.size
        self.size += len(row) // HASH_BYTES
        while row:
            held = self._partial.pop(level, b"") + row
            tiles = [held[i : i + _TILE_BYTES] for i in range(0, len(held), _TILE_BYTES)]
            size //= WIDTH
            changed += [(level, n, tile) for n, tile in enumerate(tiles, size)]
            if len(tiles[-1]) < _TILE_BYTES:
                self._partial[level] = tiles.pop()
            row = b"".join(map(tile_root, tiles))
            level += 1
        return changed

    def frontier(self) -> Frontier:
        """The compact range of the tree, computed from at most 255 hashes for each level."""
        nodes = nodes_from(lambda tile: self._partial[tile.level], self.size)
        return Frontier(self.size, tuple(nodes(*subtree) for subtree in subtrees(self.size)))
