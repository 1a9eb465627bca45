"""Trees of the log, for tests."""

from collections.abc import Iterable

from incidents.tlog.tree import Frontier


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of a tree of these leaves, as the program computes it."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()
