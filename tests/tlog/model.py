"""The model: RFC 6962 section 2.1 and the tiles of C2SP, word for word, and as slow as that is."""

from collections.abc import Sequence
from hashlib import sha256

from incidents.tlog.proof import Nodes

Hashes = Sequence[bytes]


def leaves(count: int) -> list[bytes]:
    """Leaf hashes, no two of them the same."""
    return [sha256(b"leaf %d" % number).digest() for number in range(count)]


def mth(d: Hashes) -> bytes:
    """The Merkle Tree Hash, MTH(D[n]), of leaf hashes."""
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = _k(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Hashes) -> list[bytes]:
    """The Merkle Audit Path, PATH(m, D[n])."""
    if len(d) == 1:
        return []
    k = _k(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: Hashes) -> list[bytes]:
    """The Merkle Consistency Proof, PROOF(m, D[n])."""
    return subproof(m, d, b=True)


def subproof(m: int, d: Hashes, *, b: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(d):
        return [] if b else [mth(d)]
    k = _k(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b=b), mth(d[k:])]
    return [*subproof(m - k, d[k:], b=False), mth(d[:k])]


def nodes(d: Hashes) -> Nodes:
    """The perfect subtrees of a tree, each made from its leaves."""

    def root(height: int, n: int) -> bytes:
        assert n + 1 << height <= len(d), "a proof may ask for no more than is there"
        return mth(d[n << height : n + 1 << height])

    return root


def tiles(d: Hashes) -> dict[tuple[int, int], bytes]:
    """The tiles of a tree: by level and number the hashes, partial tiles included."""
    made: dict[tuple[int, int], bytes] = {}
    level = 0
    while span := len(d) // 256**level:
        row = [mth(d[i * 256**level : (i + 1) * 256**level]) for i in range(span)]
        for n in range(0, span, 256):
            made[level, n // 256] = b"".join(row[n : n + 256])
        level += 1
    return made


def _k(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k
