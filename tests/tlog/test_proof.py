"""Proofs that a leaf is in a tree, and that a tree is the beginning of a larger one."""

from collections.abc import Iterator
from functools import reduce
from hashlib import sha256
from typing import Any, NamedTuple

import pymerkle  # type: ignore[import-untyped]  # it carries no annotations
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.errors import NOT_VERIFIED
from incidents.tlog.proof import (
    ProofError,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    root_at,
    root_from_inclusion,
    roots_from_consistency,
)
from incidents.tlog.tree import EMPTY_ROOT, LIMIT, leaf_hash, node_hash
from tests.tlog import model, vectors

MANY = model.leaves(600)
SOME = sha256(b"some hash").digest()
DAILY = frozenset({*range(10), 15, 16, 17, 31, 32, 33, 63, 64, 65, 70})


def _each(first: int, last: int, daily: frozenset[int] = DAILY) -> list[Any]:
    """These sizes of trees; most of them in the long run only."""
    sizes = range(first, last + 1)
    return [pytest.param(n, marks=[] if n in daily else pytest.mark.long) for n in sizes]


def _altered(first: int) -> list[Any]:
    return _each(first, 17, frozenset({1, 2, 3, 7, 8, 11}))


class Inclusion(NamedTuple):
    """What is said of a leaf."""

    place: int
    size: int
    leaf: bytes
    proof: list[bytes]
    root: bytes


class Consistency(NamedTuple):
    """What is said of two trees."""

    old: int
    old_root: bytes
    new: int
    new_root: bytes
    proof: list[bytes]


# ── as published, and as defined ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("index", "size", "hashes"), vectors.INCLUSION)
def test_an_inclusion_proof_is_as_published(index: int, size: int, hashes: tuple[str, ...]) -> None:
    proof = vectors.hashes(hashes)
    leaf = leaf_hash(vectors.LEAVES[index])

    assert inclusion_proof(vectors.nodes(), index, size) == proof
    assert root_from_inclusion(index, size, leaf, proof) == vectors.root(size)
    check_inclusion(index, size, leaf, proof, vectors.root(size))


@pytest.mark.parametrize(("old", "new", "hashes"), vectors.CONSISTENCY)
def test_a_consistency_proof_is_as_published(old: int, new: int, hashes: tuple[str, ...]) -> None:
    proof = vectors.hashes(hashes)
    old_root, new_root = vectors.root(old), vectors.root(new)

    assert consistency_proof(vectors.nodes(), old, new) == proof
    assert roots_from_consistency(old, old_root, new, proof) == (old_root, new_root)
    check_consistency(old, old_root, new, new_root, proof)


def test_the_proofs_of_seven_leaves_are_those_of_the_rfcs_example() -> None:
    """RFC 9162 section 2.1.5, with its letters for the nodes."""
    a, b, c, d, e, f, j = MANY[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l_ = node_hash(g, h), node_hash(i, j)
    nodes = model.nodes(MANY[:7])

    assert root_at(nodes, 7) == node_hash(k, l_)
    assert inclusion_proof(nodes, 0, 7) == [b, h, l_]
    assert inclusion_proof(nodes, 3, 7) == [c, g, l_]
    assert inclusion_proof(nodes, 4, 7) == [f, j, k]
    assert inclusion_proof(nodes, 6, 7) == [i, k]
    assert consistency_proof(nodes, 3, 7) == [c, d, g, l_]
    assert consistency_proof(nodes, 4, 7) == [l_]
    assert consistency_proof(nodes, 6, 7) == [i, j, k]


@pytest.mark.parametrize("size", _each(0, 70))
def test_each_leaf_has_the_proof_that_the_rfc_defines(size: int) -> None:
    leaves = MANY[:size]
    nodes, root = model.nodes(leaves), model.mth(leaves)

    assert root_at(nodes, size) == root
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(nodes, index, size)
        assert proof == model.path(index, leaves)
        check_inclusion(index, size, leaf, proof, root)


@pytest.mark.parametrize("new", _each(1, 70))
def test_each_older_tree_has_the_proof_that_the_rfc_defines(new: int) -> None:
    leaves = MANY[:new]
    nodes, root = model.nodes(leaves), model.mth(leaves)

    for old in range(1, new + 1):
        proof = consistency_proof(nodes, old, new)
        assert proof == model.proof(old, leaves)
        check_consistency(old, model.mth(MANY[:old]), new, root, proof)


@given(st.data())
def test_larger_trees_have_the_proofs_that_the_rfc_defines(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, len(MANY)), "new")
    old = data.draw(st.integers(1, new), "old")
    index = data.draw(st.integers(0, new - 1), "index")
    leaves = MANY[:new]

    found = inclusion_proof(model.nodes(leaves), index, new)
    grown = consistency_proof(model.nodes(leaves), old, new)

    assert found == model.path(index, leaves)
    assert grown == model.proof(old, leaves)
    check_inclusion(index, new, leaves[index], found, model.mth(leaves))
    check_consistency(old, model.mth(leaves[:old]), new, model.mth(leaves), grown)


@given(st.data())
def test_a_tree_larger_than_any_machine_holds_is_proved_in_63_hashes(data: st.DataObject) -> None:
    """A tree whose leaves are all the same has one hash for all subtrees of a height."""
    new = data.draw(st.integers(1, LIMIT - 1), "new")
    old = data.draw(st.integers(1, new), "old")
    index = data.draw(st.integers(0, new - 1), "index")

    found = inclusion_proof(_alike, index, new)
    grown = consistency_proof(_alike, old, new)

    assert len(found) <= 63
    assert len(grown) <= 64
    check_inclusion(index, new, SOME, found, root_at(_alike, new))
    check_consistency(old, root_at(_alike, old), new, root_at(_alike, new), grown)


# ── another library ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def other() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries([b"entry %d" % number for number in range(70)])
    return tree


@pytest.fixture(scope="module")
def entries(other: pymerkle.InmemoryTree) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(other.get_size())]


def test_another_library_makes_the_same_inclusion_proofs(
    other: pymerkle.InmemoryTree, entries: list[bytes]
) -> None:
    nodes = model.nodes(entries)
    for size in range(1, len(entries) + 1):
        for index in range(size):
            leaf, *path = other.prove_inclusion(index + 1, size).path
            assert inclusion_proof(nodes, index, size) == path
            check_inclusion(index, size, leaf, path, other.get_root(size))


def test_another_library_makes_the_same_consistency_proofs(
    other: pymerkle.InmemoryTree, entries: list[bytes]
) -> None:
    for new in range(1, len(entries) + 1):
        for old in range(1, new + 1):
            theirs = other.prove_consistency(old, new)
            old_root, new_root = theirs.retrieve_prior_state(), theirs.compute_root()
            ours = consistency_proof(model.nodes(entries), old, new)
            assert ours == _as_the_rfc_has_it(theirs)
            assert roots_from_consistency(old, old_root, new, ours) == (old_root, new_root)


def _as_the_rfc_has_it(theirs: pymerkle.ConsistencyProof) -> list[bytes]:
    """The other library goes down to the first new leaf; the RFC stops at the subtree above it.

    And the RFC leaves out the root of the old tree, where it is a node of the new one.
    """
    if theirs.prior_size == theirs.size:
        return []
    below = theirs.subset.index(1)
    new_side = reduce(node_hash, theirs.path[:below])
    old_side = theirs.path[below : below + (theirs.prior_size.bit_count() > 1)]
    return [*old_side, new_side, *theirs.path[below + 1 :]]


# ── what is refused: of a leaf ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("index", "size", "hashes"), vectors.INCLUSION)
def test_each_published_corruption_of_an_inclusion_proof_is_refused(
    index: int, size: int, hashes: tuple[str, ...]
) -> None:
    proof, root = vectors.hashes(hashes), vectors.root(size)
    right = Inclusion(index, size, leaf_hash(vectors.LEAVES[index]), proof, root)
    check_inclusion(*right)

    for wrong in (
        right._replace(place=index - 1),
        right._replace(place=index + 1),
        right._replace(place=index ^ 2),
        right._replace(size=size * 2),
        right._replace(size=size // 2),
        right._replace(leaf=b"WrongLeaf"),
        right._replace(root=EMPTY_ROOT),
        right._replace(root=SOME),
        *(right._replace(proof=longer) for longer in _lengthened(proof, b"", root)),
        right._replace(proof=[SOME, *proof]),
    ):
        _refused_inclusion(wrong)


@pytest.mark.parametrize("size", _altered(1))
def test_each_changed_byte_and_hash_of_an_inclusion_proof_is_refused(size: int) -> None:
    for right in _inclusions(size):
        for proof in _changed(right.proof):
            _refused_inclusion(right._replace(proof=proof))
        for leaf in _flipped(right.leaf):
            _refused_inclusion(right._replace(leaf=leaf))
        for root in _flipped(right.root):
            _refused_inclusion(right._replace(root=root))


@pytest.mark.parametrize("size", _altered(1))
def test_a_leaf_is_proved_at_no_other_index(size: int) -> None:
    for right in _inclusions(size):
        for index in range(-1, size + 2):
            if index != right.place:
                _refused_inclusion(right._replace(place=index))


@pytest.mark.parametrize("size", _altered(2))
def test_an_inner_node_is_proved_to_be_no_leaf(size: int) -> None:
    """The attack on trees whose leaves and nodes are hashed alike: the proof without its start."""
    for right in _inclusions(size):
        start = right.proof[0]
        for node in node_hash(right.leaf, start), node_hash(start, right.leaf):
            for index in range(size):
                wrong = right._replace(place=index, leaf=node, proof=right.proof[1:])
                _refused_inclusion(wrong)


@pytest.mark.parametrize(
    ("index", "size"),
    [(0, 0), (1, 0), (1, 1), (2, 1), (-1, 1), (-1, 0), (0, -1), (5, LIMIT), (LIMIT, LIMIT + 1)],
)
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    for leaf, root in (SOME, SOME), (SOME, EMPTY_ROOT), (EMPTY_ROOT, EMPTY_ROOT):
        with pytest.raises(ProofError, match=f"no leaf {index} in a tree of {size}"):
            check_inclusion(index, size, leaf, [], root)
    with pytest.raises(ProofError, match=f"no leaf {index} in a tree of {size}"):
        root_from_inclusion(index, size, SOME, [])
    with pytest.raises(ProofError, match=f"no leaf {index} in a tree of {size}"):
        inclusion_proof(_alike, index, size)


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytes(64)])
def test_an_empty_or_odd_leaf_root_or_sibling_is_refused(wrong: bytes) -> None:
    check_inclusion(0, 1, SOME, [], SOME)
    check_inclusion(0, 2, SOME, [SOME], node_hash(SOME, SOME))

    for said in (
        Inclusion(0, 1, wrong, [], SOME),
        Inclusion(0, 1, SOME, [], wrong),
        Inclusion(0, 1, wrong, [], wrong),
        Inclusion(0, 2, SOME, [wrong], node_hash(SOME, wrong)),
        Inclusion(0, 2, wrong, [SOME], node_hash(wrong, SOME)),
    ):
        with pytest.raises(ProofError, match=f"32 bytes, and not {len(wrong)}"):
            check_inclusion(*said)


# ── what is refused: of two trees ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("old", "new", "hashes"), vectors.CONSISTENCY[1:])
def test_each_published_corruption_of_a_consistency_proof_is_refused(
    old: int, new: int, hashes: tuple[str, ...]
) -> None:
    proof = vectors.hashes(hashes)
    right = Consistency(old, vectors.root(old), new, vectors.root(new), proof)
    check_consistency(*right)

    for wrong in (
        right._replace(old=old - 1),
        right._replace(old=old + 1),
        right._replace(old=old ^ 2),
        right._replace(new=new * 2),
        right._replace(new=new // 2),
        right._replace(old_root=b"WrongRoot"),
        right._replace(new_root=b"WrongRoot"),
        right._replace(old_root=right.new_root, new_root=right.old_root),
        right._replace(proof=[]),
        *(
            right._replace(proof=longer)
            for longer in _lengthened(proof, b"", right.old_root, right.new_root, proof[0])
        ),
    ):
        _refused_consistency(wrong)


@pytest.mark.parametrize("new", _altered(1))
def test_each_changed_byte_and_hash_of_a_consistency_proof_is_refused(new: int) -> None:
    for right in _consistencies(new):
        for proof in _changed(right.proof):
            _refused_consistency(right._replace(proof=proof))
        for old_root in _flipped(right.old_root):
            _refused_consistency(right._replace(old_root=old_root))
        for new_root in _flipped(right.new_root):
            _refused_consistency(right._replace(new_root=new_root))


@pytest.mark.parametrize("new", _altered(2))
def test_a_log_that_was_rewritten_cannot_be_shown_to_continue(new: int) -> None:
    for old in range(1, new):
        for changed in range(old):
            rewritten = [*MANY[:changed], SOME, *MANY[changed + 1 : new]]
            proof = consistency_proof(model.nodes(rewritten), old, new)
            said = Consistency(old, model.mth(MANY[:old]), new, model.mth(rewritten), proof)
            _refused_consistency(said)


@pytest.mark.parametrize(
    ("old", "new"), [(0, 0), (0, 1), (0, 8), (-1, 1), (1, 0), (2, 1), (8, 7), (1, LIMIT)]
)
def test_nothing_is_proved_from_size_0_nor_of_the_past(old: int, new: int) -> None:
    for proof in [], [SOME]:
        for old_root in EMPTY_ROOT, SOME:
            with pytest.raises(ProofError, match=f"tree of {new} leaves .* begin with {old}"):
                check_consistency(old, old_root, new, SOME, proof)
            with pytest.raises(ProofError, match=f"tree of {new} leaves .* begin with {old}"):
                roots_from_consistency(old, old_root, new, proof)
    with pytest.raises(ProofError, match=f"tree of {new} leaves .* begin with {old}"):
        consistency_proof(_alike, old, new)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 8])
def test_equal_sizes_need_the_same_root_and_no_proof(size: int) -> None:
    root = model.mth(MANY[:size])
    check_consistency(size, root, size, root, [])

    for said in (
        Consistency(size, root, size, SOME, []),
        Consistency(size, SOME, size, root, []),
        Consistency(size, root, size, root, [root]),
        Consistency(size, root, size, root, [SOME]),
    ):
        _refused_consistency(said)


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytes(64)])
@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 2), (3, 5)])
def test_an_empty_or_odd_root_or_hash_between_trees_is_refused(
    old: int, new: int, wrong: bytes
) -> None:
    right = next(said for said in _consistencies(new) if said.old == old)
    check_consistency(*right)

    for said in (
        right._replace(old_root=wrong),
        right._replace(new_root=wrong),
        right._replace(old_root=wrong, new_root=wrong),
        *(right._replace(proof=[*right.proof[:-1], wrong]) for _ in right.proof[:1]),
    ):
        with pytest.raises(ProofError, match=f"32 bytes, and not {len(wrong)}"):
            check_consistency(*said)


def test_a_proof_that_does_not_hold_ends_the_program_as_a_failed_verification() -> None:
    with pytest.raises(ProofError, match=f"leaf 0 of 1 leads to another root than {'00' * 32}"):
        check_inclusion(0, 1, SOME, [], bytes(32))
    with pytest.raises(ProofError, match="must have 1 hashes, and has 0"):
        check_inclusion(0, 2, SOME, [], SOME)

    assert ProofError.exit_status == NOT_VERIFIED


# ── what is said, rightly and wrongly ────────────────────────────────────────────────────────────


def _inclusions(size: int) -> Iterator[Inclusion]:
    leaves = MANY[:size]
    for index, leaf in enumerate(leaves):
        yield Inclusion(index, size, leaf, model.path(index, leaves), model.mth(leaves))


def _consistencies(new: int) -> Iterator[Consistency]:
    leaves = MANY[:new]
    for old in range(1, new + 1):
        proof = model.proof(old, leaves)
        yield Consistency(old, model.mth(leaves[:old]), new, model.mth(leaves), proof)


def _refused_inclusion(said: Inclusion) -> None:
    with pytest.raises(ProofError):
        check_inclusion(*said)


def _refused_consistency(said: Consistency) -> None:
    with pytest.raises(ProofError):
        check_consistency(*said)


def _changed(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Each byte changed, and each hash dropped, doubled, cut short, or swapped with the next."""
    for place, hash_ in enumerate(proof):
        before, after = proof[:place], proof[place + 1 :]
        yield from ([*before, flipped, *after] for flipped in _flipped(hash_))
        yield [*before, *after]
        yield [*before, hash_, hash_, *after]
        yield [*before, hash_[:-1], *after]
        if after:
            yield [*before, after[0], hash_, *after[1:]]
    yield from _lengthened(proof, b"", SOME)


def _flipped(hash_: bytes) -> Iterator[bytes]:
    for place in range(len(hash_)):
        yield hash_[:place] + bytes([hash_[place] ^ 1 << place % 8]) + hash_[place + 1 :]


def _lengthened(proof: list[bytes], *hashes: bytes) -> Iterator[list[bytes]]:
    for hash_ in hashes:
        yield [*proof, hash_]
        yield [hash_, *proof]


def _alike(height: int, n: int) -> bytes:
    root = SOME
    for _ in range(height):
        root = node_hash(root, root)
    return root
