"""The collector of cycles, which waits while any thread has a batch in hand.

A batch makes many values and no cycles, and to look for some among them again and again took a
fifth of its time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class _Waiting:
    """For how many batches it waits, and whether it is to go on after them."""

    lock: Lock = field(default_factory=Lock)
    batches: int = 0
    was_on: bool = False


_waiting = _Waiting()


@contextmanager
def waits() -> Iterator[None]:
    """Lets it wait for what is done inside; threads may overlap."""
    with _waiting.lock:
        if _waiting.batches == 0:
            _waiting.was_on = gc.isenabled()
            gc.disable()
        _waiting.batches += 1
    try:
        yield
    finally:
        with _waiting.lock:
            _waiting.batches -= 1
            if _waiting.batches == 0 and _waiting.was_on:
                gc.enable()
