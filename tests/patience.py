"""Patience: how a test waits for a process, a thread or a page, on a machine of any load.

A wait ends when what it waits for is there; its limit is for what is broken. No test asserts how
long something took: to show that a call does not wait for a server, hold the server until the call
is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120.0
"""For calls that want seconds. A busy machine is slower than an idle one by far less than this."""

_LOOKS = 4_000
_BETWEEN_LOOKS_S = 0.01
_LONGER_EACH_TIME_S = 0.001
_AT_MOST_S = 0.05

T = TypeVar("T")


def until(look: Callable[[], T], what: str, *, looks: int = _LOOKS) -> T:
    """Look until there is something, and answer it.

    The limit counts looks and not seconds: on a machine that is slowed down each takes longer. What
    has not come in a second is looked for more rarely: to look costs more than to wait.

    Raises:
        AssertionError: with `what` was waited for, after that many looks.
    """
    for n in range(looks):
        if found := look():
            return found
        time.sleep(min(_BETWEEN_LOOKS_S + n * _LONGER_EACH_TIME_S, _AT_MOST_S))
    raise AssertionError(f"timed out waiting: {what}")
