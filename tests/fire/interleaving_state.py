"""The state of a search: how far each process has come with its transaction, and what stands."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tests.fire.interleaving_record import Record, Written


class Transaction(NamedTuple):
    """One process's transaction: the next step, and what it has learnt so far."""

    step: int = 0
    locked_at: datetime | None = None
    now: datetime | None = None
    kept: tuple[int, str | None] | None = None
    read: Record | None = None
    written: Written | None = None


ASLEEP = Transaction()
"""Between two transactions."""


class State(NamedTuple):
    """Everything that can matter from here on."""

    now: datetime
    record: Record
    act: int
    operator: Transaction
    daemons: tuple[Transaction, ...]
    orphan: tuple[int | None, Transaction] | None
    told: tuple[tuple[int, str | None], ...]


def locked(state: State) -> bool:
    """Whether some transaction holds the site."""
    orphan = () if state.orphan is None else (state.orphan[1],)
    processes = (state.operator, *state.daemons, *orphan)
    return any(process.locked_at is not None for process in processes)
