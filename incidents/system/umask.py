"""The umask: what this process makes is its owner's alone."""

from __future__ import annotations

import os

PRIVATE = 0o077

_given: list[int] = []


def set_private() -> None:
    """From now on this process, and what it starts, makes private files and folders."""
    before = os.umask(PRIVATE)
    if not _given:
        _given.append(before)


def given() -> int:
    """The umask that this process was started with, for an operator's own programs; -1 if it was
    never changed."""
    return _given[0] if _given else -1
