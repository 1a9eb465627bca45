"""The turn: whose it is to lock a SQLite file next, so that every writer comes to it soon.

SQLite gives its one write lock to whoever asks at the right moment, and who waits for it sleeps for
up to 100 ms between two attempts: a process that writes one act after the other was seen to keep a
daemon waiting for four seconds. Here mostly one waits at a time, attentively, and the others behind
it.
"""

from __future__ import annotations

import fcntl
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Who is next, asks this often; after a while, and where others are next, more seldom.
_NEXT_S = (0.0001, 0.0004)
_SELDOM_S = (0.0005, 0.0015)
_ATTENTIVE_S = 0.2
# Nobody's turn lasts for longer, if its process is stopped say: it is a courtesy, not a lock.
_COURTESY_S = 0.1


def begin(connection: sqlite3.Connection, file: str, *, wait_s: float) -> bool:
    """Begins a transaction that writes; False if it still cannot after about `wait_s` seconds.

    The connection's own busy timeout must be 0. False at once if the file is not merely locked.
    """
    with _turn(f"{file}-wal"):
        for pause_s in _pauses(wait_s, _NEXT_S):
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False
            else:
                return True
            time.sleep(pause_s)
    return False


@contextmanager
def _turn(file: str) -> Iterator[None]:
    """Holds the turn, or goes ahead without it where there is no such file, or nobody lets go.

    The write-ahead log lies beside every database in use, and SQLite has no locks of its own on
    it, which closing the file would lose.
    """
    try:
        held = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        held = None
    if held is None:
        yield
        return
    try:
        for pause_s in _pauses(_COURTESY_S, _SELDOM_S):
            if _took(held):
                break
            time.sleep(pause_s)
        yield
    finally:
        # And with it the turn.
        os.close(held)


def _took(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system that has no such locks.
        return True
    return True


def _pauses(in_all_s: float, often_s: tuple[float, float]) -> Iterator[float]:
    """Pauses that are slept after attempts; no clock is asked, since a simulated one may stand."""
    slept_s = 0.0
    while slept_s < in_all_s:
        pause_s = random.uniform(*(often_s if slept_s < _ATTENTIVE_S else _SELDOM_S))  # noqa: S311 - no secret
        yield pause_s
        slept_s += pause_s
