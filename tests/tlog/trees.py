"""What tests know of trees."""

from collections.abc import Iterable

from incidents.tlog.tree import Frontier


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of a tree of these leaves, as the program comes to it."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()
