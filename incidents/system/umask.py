"""The umask: new files of this process are accessible to its owner alone."""

from __future__ import annotations

import os

PRIVATE = 0o077

_initial: list[int] = []


def set_private() -> None:
    """Make this process, and its child processes, create private files and folders from now on."""
    before = os.umask(PRIVATE)
    if not _initial:
        _initial.append(before)


def initial() -> int:
    """The umask when this process started, for an operator's own programs; -1 if unchanged."""
    return _initial[0] if _initial else -1
