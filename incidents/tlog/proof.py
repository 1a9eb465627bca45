"""The proof that a leaf is in a tree, or that a tree is the beginning of a larger tree.

Proofs are made by sections 2.1.3.1 and 2.1.4.1 of RFC 9162, and checked by 2.1.3.2 and 2.1.4.2.
Hashes are SHA-256, 32 bytes each; sizes count leaves, and indices count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from incidents.errors import Cause, VerificationError
from incidents.tlog.tree import EMPTY_ROOT, HASH_BYTES, LIMIT, join_roots, node_hash, subtrees

Nodes = Callable[[int, int], bytes]
"""A function that returns the root of the n-th perfect subtree of height h: `nodes(h, n)`.

Height 0 is the leaf hashes.
"""

_Span = tuple[int, int]
"""The index of the first leaf, and the index after the last leaf."""


class ProofError(VerificationError):
    """the proof is invalid: {detail}"""


# ── making ───────────────────────────────────────────────────────────────────────────────────────


def root_at(nodes: Nodes, size: int) -> bytes:
    """The root of the tree's first `size` leaves."""
    return _root(nodes, (0, size)) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Prove that leaf `index` is in the tree of `size` leaves: PATH(m, D_n), from the leaf upwards.

    Raises ProofError if there is no such leaf.
    """
    _refuse_index(index, size)
    return [_root(nodes, span) for span in _path(index, (0, size))]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Prove that the tree of `new` leaves begins with the tree of `old` leaves: PROOF(m, D_n).

    The proof is empty for equal sizes. Raises ProofError if `old` is 0 or more than `new`.
    """
    _refuse_sizes(old, new)
    return [_root(nodes, span) for span in _subproof(old, (0, new), known=True)]


def _path(index: int, span: _Span) -> list[_Span]:
    start, end = span
    if end - start == 1:
        return []
    middle = _split_point(span)
    if index < middle:
        return [*_path(index, (start, middle)), (middle, end)]
    return [*_path(index, (middle, end)), (start, middle)]


def _subproof(old: int, span: _Span, *, known: bool) -> list[_Span]:
    """The SUBPROOF for the leaves of `span` that are before `old`.

    `known`: so far these are all leaves of `old`. The root of the whole old tree is left out,
    because the verifier has it.
    """
    start, end = span
    if old == end:
        return [] if known else [span]
    middle = _split_point(span)
    if old <= middle:
        return [*_subproof(old, (start, middle), known=known), (middle, end)]
    return [*_subproof(old, (middle, end), known=False), (start, middle)]


def _split_point(span: _Span) -> int:
    """The leaf at which a tree is split: the largest power of two below its size goes left."""
    start, end = span
    return start + (1 << (end - start - 1).bit_length() - 1)


def _root(nodes: Nodes, span: _Span) -> bytes:
    start, end = span
    return join_roots([nodes(h, (start >> h) + n) for h, n in subtrees(end - start)])


# ── computing ────────────────────────────────────────────────────────────────────────────────────


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a tree of `size` leaves must have, if `leaf` is its leaf hash at `index`.

    RFC 9162 section 2.1.3.2. Raises ProofError if there is no such leaf, if the proof has a wrong
    number of hashes, or if a hash does not have 32 bytes.
    """
    _refuse_index(index, size)
    _refuse_hashes(leaf, *proof)
    sides = list(_left_siblings(index, size - 1))
    _refuse_length(len(proof), len(sides))
    root = leaf
    for sibling, is_left in zip(proof, sides, strict=True):
        root = node_hash(sibling, root) if is_left else node_hash(root, sibling)
    return root


def roots_from_consistency(
    old: int, old_root: bytes, new: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots that the trees of `old` and of `new` leaves must have, if the proof holds.

    RFC 9162 section 2.1.4.2. `old_root` is used if `old` is a power of two, because the old root is
    then a node of the new tree. Raises ProofError if the sizes can have no proof, if the proof has
    a wrong number of hashes, or if a hash does not have 32 bytes.
    """
    _refuse_sizes(old, new)
    _refuse_hashes(old_root, *proof)
    known = old == new or old.bit_count() == 1
    sides = [] if old == new else list(_left_siblings(*_climb(old - 1, new - 1)))
    _refuse_length(len(proof), len(sides) + (not known))
    first, *siblings = (old_root, *proof) if known else proof
    old_side = new_side = first
    for sibling, is_left in zip(siblings, sides, strict=True):
        if is_left:
            old_side, new_side = node_hash(sibling, old_side), node_hash(sibling, new_side)
        else:
            new_side = node_hash(new_side, sibling)
    return old_side, new_side


def _left_siblings(place: int, last: int) -> Iterator[bool]:
    """For each sibling on the path up from node `place` of 0 … `last`, whether it is on the left.

    `place` and `last` are the numbers fn and sn in the RFC. A left child that is the last in its
    row has no sibling: it rises until it is a right child.
    """
    while last:
        is_left = bool(place & 1) or place == last
        yield is_left
        while is_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1


def _climb(place: int, last: int) -> tuple[int, int]:
    """The root of the largest subtree whose last leaf is `place`, and the last node of its row."""
    while place & 1:
        place, last = place >> 1, last >> 1
    return place, last


# ── comparing ────────────────────────────────────────────────────────────────────────────────────


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the proof shows `leaf` as the leaf hash at `index`; raises ProofError."""
    _refuse_hashes(root)
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ProofError(detail=_cause("root", leaf=index, size=size, root=root.hex()))


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the proof shows the old tree as the beginning of the new; raises ProofError."""
    _refuse_hashes(new_root)
    old_side, new_side = roots_from_consistency(old, old_root, new, proof)
    for size, computed, given in (old, old_side, old_root), (new, new_side, new_root):
        if computed != given:
            raise ProofError(detail=_cause("other_root", size=size, root=given.hex()))


_WRONG = {
    "root": "leaf {leaf} of {size} leads to another root than {root}",
    "other_root": "the root of {size} leaves would not be {root}",
    "no_leaf": "there is no leaf {leaf} in a tree of {size}",
    "sizes": "a tree of {new} leaves cannot be shown to begin with {old}",
    "hash": "a hash has {right} bytes, and not {n}",
    "length": "it must have {right} hashes, and has {n}",
}


def _cause(code: str, **facts: object) -> Cause:
    return Cause.of(f"proof_{code}", _WRONG[code], **facts)


# ── refusing ─────────────────────────────────────────────────────────────────────────────────────


def _refuse_index(index: int, size: int) -> None:
    if not 0 <= index < size < LIMIT:
        raise ProofError(detail=_cause("no_leaf", leaf=index, size=size))


def _refuse_sizes(old: int, new: int) -> None:
    if not 0 < old <= new < LIMIT:
        raise ProofError(detail=_cause("sizes", new=new, old=old))


def _refuse_hashes(*hashes: bytes) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ProofError(detail=_cause("hash", right=HASH_BYTES, n=len(hash_)))


def _refuse_length(found: int, needed: int) -> None:
    if found != needed:
        raise ProofError(detail=_cause("length", right=needed, n=found))
