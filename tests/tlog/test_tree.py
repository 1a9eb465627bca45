"""The Merkle tree and its compact range."""

import random
from hashlib import sha256

import pymerkle  # type: ignore[import-untyped]  # it carries no annotations
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.tlog.tree import (
    EMPTY_ROOT,
    LIMIT,
    Frontier,
    TreeError,
    leaf_hash,
    node_hash,
    row_above,
    rows_of,
    subtrees,
    tile_root,
)
from tests.tlog import model, vectors
from tests.tlog.trees import root_of

MANY = model.leaves(3_000)


@pytest.mark.parametrize("number", range(8))
def test_a_leaf_is_hashed_as_published(number: int) -> None:
    assert leaf_hash(vectors.LEAVES[number]).hex() == vectors.NODES[0][number]


@pytest.mark.parametrize(
    ("height", "n"), [(h, n) for h in range(1, 4) for n in range(len(vectors.NODES[h]))]
)
def test_a_node_is_hashed_as_published(height: int, n: int) -> None:
    below = vectors.hashes(vectors.NODES[height - 1])

    assert node_hash(below[2 * n], below[2 * n + 1]).hex() == vectors.NODES[height][n]


@pytest.mark.parametrize("size", range(9))
def test_a_root_is_as_published(size: int) -> None:
    assert root_of(map(leaf_hash, vectors.LEAVES[:size])).hex() == vectors.ROOTS[size]


def test_the_empty_tree_has_the_hash_of_the_empty_string() -> None:
    assert sha256(b"").digest() == EMPTY_ROOT == root_of([]) == Frontier().root()


def test_a_leaf_is_never_taken_for_a_node() -> None:
    left, right = MANY[:2]

    assert leaf_hash(left + right) != node_hash(left, right)


def test_a_root_is_what_the_rfc_defines() -> None:
    for size in (*range(71), 255, 256, 257, 511, 512, 513, 1_023, 1_025):
        assert root_of(MANY[:size]) == model.mth(MANY[:size]), size


def test_a_root_is_the_same_to_another_library() -> None:
    entries = [b"entry %d" % number for number in range(700)]
    other = pymerkle.InmemoryTree(algorithm="sha256")
    other.append_entries(entries)
    hashes = [leaf_hash(entry) for entry in entries]

    for size in range(len(entries) + 1):
        assert root_of(hashes[:size]) == other.get_root(size), f"of {size} leaves"


def test_leaves_may_come_one_by_one_from_a_stream_longer_than_a_batch() -> None:
    count = (1 << 16) + 5

    streamed = root_of(sha256(b"%d" % number).digest() for number in range(count))

    assert streamed == model.mth([sha256(b"%d" % number).digest() for number in range(count)])


def test_the_frontier_holds_the_perfect_subtrees_the_largest_first() -> None:
    grown = Frontier()
    grown.extend(vectors.hashes(vectors.NODES[0])[:7])

    first, second, third = vectors.NODES[2][0], vectors.NODES[1][2], vectors.NODES[0][6]

    assert [hash_.hex() for hash_ in grown.hashes] == [first, second, third]
    assert list(subtrees(7)) == [(2, 0), (1, 2), (0, 6)]


@given(st.integers(0, LIMIT - 1))
def test_the_subtrees_of_a_size_stand_side_by_side_and_span_it(size: int) -> None:
    end = 0
    for height, n in subtrees(size):
        assert n << height == end
        end = n + 1 << height

    assert end == size


def test_a_frontier_that_grows_leaf_by_leaf_has_each_root_on_the_way() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(MANY[:300], start=1):
        frontier.extend((leaf,))

        assert frontier == Frontier(size, tuple(_subtree_roots(size)))
        assert frontier.root() == model.mth(MANY[:size])


@given(st.lists(st.integers(0, 600), max_size=5))
def test_a_frontier_grows_the_same_in_batches_of_any_size(batches: list[int]) -> None:
    frontier, size = Frontier(), 0
    for batch in batches:
        frontier.extend(MANY[size : size + batch])
        size += batch

        assert frontier == Frontier(size, tuple(_subtree_roots(size)))


@given(st.integers(0, 1_000), st.integers(0, 300))
def test_a_frontier_goes_on_from_what_was_kept_of_it(before: int, after: int) -> None:
    frontier = Frontier()
    frontier.extend(MANY[:before])

    again = Frontier.from_bytes(frontier.size, frontier.to_bytes())
    again.extend(MANY[before : before + after])

    assert again.root() == model.mth(MANY[: before + after])


def test_a_frontier_that_grows_by_nothing_stays_as_it_is() -> None:
    frontier = Frontier(3, (MANY[0], MANY[1]))

    frontier.extend([])

    assert frontier == Frontier(3, (MANY[0], MANY[1]))


@pytest.mark.parametrize("size", [1, 6, 255, 256])
@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_a_frontier_of_another_length_than_its_size_demands_is_refused(
    size: int, change: int
) -> None:
    blob = b"\x07" * (32 * size.bit_count() + change)

    with pytest.raises(TreeError):
        Frontier.from_bytes(size, blob)


def test_hashes_of_a_wrong_length_are_no_frontier_even_if_they_add_up() -> None:
    with pytest.raises(TreeError, match="32 bytes, and not 31"):
        Frontier(3, (bytes(31), bytes(33)))


@pytest.mark.parametrize("size", [-1, LIMIT])
def test_a_size_that_no_log_counts_is_refused(size: int) -> None:
    with pytest.raises(TreeError, match=str(size)):
        Frontier(size, (bytes(32),))


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_a_leaf_of_a_wrong_length_is_refused_and_changes_nothing(wrong: bytes) -> None:
    frontier = Frontier(1, (MANY[0],))

    with pytest.raises(TreeError, match="32 bytes"):
        frontier.extend([MANY[1], wrong, MANY[2]])
    with pytest.raises(TreeError, match="32 bytes"):
        frontier.extend((wrong,))

    assert frontier == Frontier(1, (MANY[0],))


def test_a_wrong_leaf_after_a_whole_batch_changes_nothing_either() -> None:
    frontier = Frontier(1, (MANY[0],))

    with pytest.raises(TreeError):
        frontier.extend([MANY[1]] * (1 << 16) + [b""])

    assert frontier == Frontier(1, (MANY[0],))


def test_wrong_lengths_that_cancel_out_are_refused() -> None:
    with pytest.raises(TreeError):
        root_of([bytes(31), bytes(33)])


def test_the_root_of_a_full_tile_is_that_of_its_leaves() -> None:
    assert tile_root(b"".join(MANY[:256])) == model.mth(MANY[:256])


@pytest.mark.parametrize("length", [0, 32, 8_160, 8_191, 8_193, 8_224])
def test_a_tile_that_is_not_full_has_no_root(length: int) -> None:
    with pytest.raises(TreeError, match=str(length)):
        tile_root(bytes(length))


def test_a_last_node_without_a_sibling_has_no_parent() -> None:
    row = b"".join(MANY[:5])

    assert row_above(row) == model.mth(MANY[:2]) + model.mth(MANY[2:4])
    assert row_above(MANY[0]) == row_above(b"") == b""
    assert [len(above) // 32 for above in rows_of(row)] == [5, 2, 1]


def test_any_leaf_that_is_changed_or_moved_changes_the_root() -> None:
    drawn = random.Random(7)
    for size in (2, 3, 7, 8, 257):
        root = root_of(MANY[:size])
        for place in range(size):
            other = bytearray(MANY[place])
            other[drawn.randrange(32)] ^= 1 << drawn.randrange(8)
            assert root_of([*MANY[:place], bytes(other), *MANY[place + 1 : size]]) != root
            assert root_of([*MANY[:place], *MANY[place + 1 : size]]) != root
            assert root_of([*MANY[: place + 1], *MANY[place:size]]) != root
        assert root_of([MANY[1], MANY[0], *MANY[2:size]]) != root


def _subtree_roots(size: int) -> list[bytes]:
    nodes = model.nodes(MANY[:size])
    return [nodes(height, n) for height, n in subtrees(size)]
