"""Tiles: their paths, what is in them, and how the right edge of a tree grows."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.tlog.proof import check_consistency, check_inclusion, root_at
from incidents.tlog.proof import consistency_proof as consistent
from incidents.tlog.proof import inclusion_proof as included
from incidents.tlog.tiles import (
    HASH_BYTES,
    WIDTH,
    Edge,
    Tile,
    TileError,
    entries_path,
    entry_bundle,
    nodes_from,
    partial_tiles_of,
    path,
    read_entry_bundle,
    tiles_of,
)
from incidents.tlog.tree import LIMIT, Frontier, TreeError, leaf_hash
from tests.tlog import model
from tests.tlog.trees import root_of

MANY = model.leaves(70_000)
SIZES = st.one_of(
    st.integers(0, 1_500), st.sampled_from([255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537])
)
Tiles = dict[tuple[int, int], bytes]


@pytest.fixture(scope="module")
def of_70_000() -> Tiles:
    return model.tiles(MANY)


# ── paths ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tile", "written"),
    [
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(2, 1_000, 12), "tile/2/x001/000.p/12"),
        (Tile(10, 999_999), "tile/10/x999/999"),
        (Tile(63, 1_000_000), "tile/63/x001/x000/000"),
        (Tile(0, LIMIT - 1), "tile/0/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_a_tile_has_the_path_that_the_specification_gives_it(tile: Tile, written: str) -> None:
    assert path(tile) == written


def test_entries_lie_beside_the_tiles_of_their_hashes() -> None:
    assert entries_path(1_234_067) == "tile/entries/x001/x234/067"
    assert entries_path(273, 112) == "tile/entries/273.p/112"


@pytest.mark.parametrize(
    ("level", "n", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, LIMIT, 1), (0, 0, 0), (0, 0, 257), (0, 0, -1)],
)
def test_a_tile_that_cannot_be_is_refused(level: int, n: int, width: int) -> None:
    with pytest.raises(TileError, match=f"no tile {n} of level {level}, {width} hashes wide"):
        Tile(level, n, width)


# ── the tiles of a tree ──────────────────────────────────────────────────────────────────────────


def test_a_tree_of_70_000_has_the_tiles_of_the_specifications_example() -> None:
    assert list(tiles_of(70_000)) == [
        *(Tile(0, n) for n in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, []),
        (1, [Tile(0, 0, 1)]),
        (255, [Tile(0, 0, 255)]),
        (256, [Tile(0, 0), Tile(1, 0, 1)]),
        (257, [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]),
        (512, [Tile(0, 0), Tile(0, 1), Tile(1, 0, 2)]),
        (65_536, [*(Tile(0, n) for n in range(256)), Tile(1, 0), Tile(2, 0, 1)]),
    ],
)
def test_a_tree_has_full_tiles_and_exact_partial_ones(size: int, expected: list[Tile]) -> None:
    assert list(tiles_of(size)) == expected


@given(SIZES)
def test_the_tiles_of_a_size_are_those_that_the_specification_defines(size: int) -> None:
    counted = Counter(
        (level, n // WIDTH)
        for level in range(4)
        for n in range(size // WIDTH**level)
        if size >= WIDTH**level
    )

    assert {(t.level, t.n): t.width for t in tiles_of(size)} == counted


@given(st.integers(0, LIMIT - 1))
def test_the_partial_tile_of_a_level_has_the_width_of_the_specifications_formula(size: int) -> None:
    widths = {level: size // 256**level % 256 for level in range(8)}

    assert [(t.level, t.n, t.width) for t in partial_tiles_of(size)] == [
        (level, size // 256 ** (level + 1), width) for level, width in widths.items() if width
    ]


# ── nodes out of tiles ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 2, 256, 257, 700, 65_537, 70_000])
def test_a_tree_is_read_out_of_its_tiles_alone(of_70_000: Tiles, size: int) -> None:
    nodes = nodes_from(_cut(of_70_000), size)
    root = root_of(MANY[:size])

    assert root_at(nodes, size) == root
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        check_inclusion(index, size, MANY[index], included(nodes, index, size), root)
    for old in {1, 2, 255, 256, 257, size // 2, size - 1, size} & set(range(1, size + 1)):
        proof = consistent(nodes, old, size)
        check_consistency(old, root_of(MANY[:old]), size, root, proof)


@pytest.mark.parametrize("size", [1, 5, 256, 300, 513])
def test_each_node_of_a_tree_is_what_the_rfc_defines(size: int) -> None:
    tiles = model.tiles(MANY[:size])
    nodes = nodes_from(lambda tile: tiles[tile.level, tile.n], size)
    expected = model.nodes(MANY[:size])

    for height in range(size.bit_length()):
        for n in range(size >> height):
            assert nodes(height, n) == expected(height, n), f"node {n} of height {height}"


def test_a_tile_that_has_grown_serves_the_smaller_tree(of_70_000: Tiles) -> None:
    nodes = nodes_from(lambda tile: of_70_000[tile.level, tile.n], 66_000)

    assert root_at(nodes, 66_000) == root_of(MANY[:66_000])


def test_a_tile_is_asked_for_as_wide_as_the_tree_has_it() -> None:
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return bytes(tile.width * HASH_BYTES)

    root_at(nodes_from(read, 70_000), 70_000)

    assert set(asked) == {Tile(2, 0, 1), Tile(1, 1, 17), Tile(0, 273, 112)}


def test_a_tile_is_read_once_for_many_proofs(of_70_000: Tiles) -> None:
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return _cut(of_70_000)(tile)

    nodes = nodes_from(read, 70_000)
    for index in range(2_560):
        included(nodes, index, 70_000)

    assert len(asked) == len(set(asked)) == 13


@pytest.mark.parametrize(
    ("height", "n"), [(0, 300), (8, 1), (9, 0), (0, -1), (-1, 0), (2, 75), (64, 0)]
)
def test_a_node_that_is_not_in_the_tree_is_refused(of_70_000: Tiles, height: int, n: int) -> None:
    nodes = nodes_from(_cut(of_70_000), 300)

    with pytest.raises(TileError, match=f"300 leaves have no subtree {n} of height {height}"):
        nodes(height, n)


@pytest.mark.parametrize("length", [0, 31, 32, 44 * 32 - 1, 44 * 32 - 32, 45 * 32 + 1, 257 * 32])
def test_a_tile_of_a_wrong_length_is_refused(length: int) -> None:
    nodes = nodes_from(lambda tile: bytes(length), 300)

    with pytest.raises(TileError, match=rf"tile/0/001.p/44 must have 1408 bytes, and has {length}"):
        nodes(0, 256)


def test_a_full_tile_that_is_short_is_refused() -> None:
    nodes = nodes_from(lambda tile: bytes(44 * 32), 300)

    with pytest.raises(TileError, match="tile/0/000 must have 8192 bytes"):
        nodes(0, 0)


# ── the edge ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 257, 1_000])
def test_an_edge_gives_every_tile_as_the_specification_defines_it(batch: int) -> None:
    edge, kept = Edge.of(0, {}), dict[tuple[int, int], bytes]()
    for start in range(0, 2_000, batch):
        kept |= _by_place(edge.append(MANY[start : min(start + batch, 2_000)]))

    assert kept == model.tiles(MANY[:2_000])
    assert edge.size == 2_000


def test_an_edge_gives_all_of_them_at_once_as_well(of_70_000: Tiles) -> None:
    assert _by_place(Edge.of(0, {}).append(iter(MANY))) == of_70_000


@given(st.lists(st.one_of(st.integers(0, 5), st.integers(0, 700)), max_size=6))
def test_an_edge_gives_exactly_what_has_changed_and_goes_on_from_what_is_kept(
    batches: list[int],
) -> None:
    kept: Tiles = {}
    size = 0
    for batch in batches:
        edge = Edge.of(size, _edge_of(kept, size))
        changed = edge.append(MANY[size : size + batch])
        size += batch
        after = model.tiles(MANY[:size])

        assert edge.size == size
        assert _by_place(changed) == {at: t for at, t in after.items() if kept.get(at) != t}
        kept = after


@pytest.mark.parametrize(
    "size",
    [
        65_535,
        *(
            pytest.param(size, marks=pytest.mark.long)
            for size in (65_279, 65_280, 65_536, 65_537, 69_999)
        ),
    ],
)
def test_an_edge_passes_into_each_level_leaf_by_leaf(of_70_000: Tiles, size: int) -> None:
    before, after = model.tiles(MANY[:size]), model.tiles(MANY[: size + 1])
    edge = Edge.of(size, _edge_of(before, size))

    changed = _by_place(edge.append([MANY[size]]))

    assert changed == {at: t for at, t in after.items() if before.get(at) != t}
    assert edge == Edge.of(size + 1, _edge_of(after, size + 1))


def test_a_tile_is_given_once_in_one_append() -> None:
    changed = Edge.of(0, {}).append(MANY[:1_000])

    assert [(level, n, len(tile) // HASH_BYTES) for level, n, tile in changed] == [
        (0, 0, 256), (0, 1, 256), (0, 2, 256), (0, 3, 232), (1, 0, 3),
    ]  # fmt: skip


def test_what_an_edge_was_made_of_stays_as_it_was() -> None:
    partial = {0: MANY[0]}

    Edge.of(1, partial).append(MANY[1:600])

    assert partial == {0: MANY[0]}


@given(SIZES)
def test_an_edge_knows_the_compact_range_of_its_tree(size: int) -> None:
    edge = Edge.of(0, {})
    edge.append(MANY[:size])
    expected = Frontier()
    expected.extend(MANY[:size])

    assert edge.frontier() == expected
    assert edge.frontier().root() == root_of(MANY[:size])


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_a_leaf_of_a_wrong_length_leaves_the_edge_as_it_was(wrong: bytes) -> None:
    edge = Edge.of(1, {0: MANY[0]})

    with pytest.raises(TreeError, match="32 bytes"):
        edge.append([MANY[1], wrong])

    assert edge == Edge.of(1, {0: MANY[0]})


@pytest.mark.parametrize(
    ("size", "partial"),
    [
        (0, {0: b""}),
        (0, {0: bytes(32)}),
        (1, {}),
        (1, {0: b""}),
        (1, {0: bytes(31)}),
        (1, {0: bytes(33)}),
        (1, {0: bytes(64)}),
        (1, {0: bytes(32), 1: bytes(32)}),
        (256, {}),
        (256, {0: bytes(256 * 32), 1: bytes(32)}),
        (257, {0: bytes(32)}),
        (257, {1: bytes(32)}),
        (70_000, {0: bytes(112 * 32), 1: bytes(17 * 32)}),
        (70_000, {0: bytes(112 * 32), 1: bytes(16 * 32), 2: bytes(32)}),
    ],
)
def test_tiles_that_are_not_the_edge_of_the_size_are_refused(
    size: int, partial: dict[int, bytes]
) -> None:
    with pytest.raises(TileError):
        Edge.of(size, partial)


# ── entries ──────────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_writes_two_bytes_of_length_before_each_entry() -> None:
    entries = [b"a", b"", b"bc" * 200, bytes(65_535)]

    bundle = entry_bundle(entries)

    assert bundle == b"\x00\x01a\x00\x00\x01\x90" + b"bc" * 200 + b"\xff\xff" + bytes(65_535)
    assert read_entry_bundle(bundle) == entries


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_any_bundle_is_read_back(entries: list[bytes]) -> None:
    bundle = entry_bundle(entries)

    assert read_entry_bundle(bundle) == entries
    assert entry_bundle(read_entry_bundle(bundle)) == bundle


def test_the_entries_of_a_full_bundle_have_the_hashes_of_its_tile() -> None:
    entries = [b"entry %d" % number for number in range(256)]
    [full, _] = Edge.of(0, {}).append(map(leaf_hash, entries))

    read = read_entry_bundle(entry_bundle(entries))

    assert b"".join(map(leaf_hash, read)) == full[2]


def test_an_entry_of_65_536_bytes_does_not_fit() -> None:
    with pytest.raises(TileError, match="65536 bytes, and 65535 are the most"):
        entry_bundle([b"short", bytes(65_536)])


@pytest.mark.parametrize("count", [0, 257])
def test_a_bundle_has_between_1_and_256_entries(count: int) -> None:
    with pytest.raises(TileError, match=f"1 to 256 entries, and not {count}"):
        entry_bundle([b"x"] * count)
    with pytest.raises(TileError, match=f"1 to 256 entries, and not {count}"):
        read_entry_bundle(b"\x00\x01x" * count)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.data())
def test_a_bundle_that_is_cut_short_is_refused_or_has_fewer_entries(
    entries: list[bytes], data: st.DataObject
) -> None:
    bundle = entry_bundle(entries)
    length = data.draw(st.integers(0, len(bundle) - 1))
    whole = [entry_bundle(entries[:count]) for count in range(1, len(entries))]

    if bundle[:length] in whole:
        assert len(read_entry_bundle(bundle[:length])) < len(entries)
    else:
        with pytest.raises(TileError):
            read_entry_bundle(bundle[:length])


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x01a\x00\x01"]
)
def test_a_bundle_that_ends_in_the_middle_is_refused(data: bytes) -> None:
    with pytest.raises(TileError, match="ends within"):
        read_entry_bundle(data)


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────


def _by_place(changed: list[tuple[int, int, bytes]]) -> Tiles:
    tiles = {(level, n): tile for level, n, tile in changed}
    assert len(tiles) == len(changed), "no tile is given twice"
    return tiles


def _edge_of(tiles: Tiles, size: int) -> dict[int, bytes]:
    return {t.level: tiles[t.level, t.n] for t in partial_tiles_of(size)}


def _cut(tiles: Tiles) -> Callable[[Tile], bytes]:
    return lambda tile: tiles[tile.level, tile.n][: tile.width * HASH_BYTES]
