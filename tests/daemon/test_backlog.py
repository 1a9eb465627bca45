"""A backlog on PostgreSQL is decided by two threads; with a desk of its own, to see both."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, current_thread, main_thread
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from incidents.daemon import backlog
from incidents.desk import Answer, Desk
from incidents.errors import DatabaseError

_LIMIT, _LONG_S = 2, 30.0


class _Desk:
    """A desk on which `batches` full batches are due, or one that is not full."""

    def __init__(self, batches: int, *, most: int = _LIMIT, both: Barrier | None = None) -> None:
        self.left, self._most, self._both = batches, most, both
        self.fails_beside = False

    def elapse(self, *, limit: int, full: Callable[[], object]) -> list[Answer]:
        if not self.left:
            return []
        self.left -= 1
        if self._most == limit:
            full()
        if self._both is not None:
            self._both.wait(_LONG_S)
        if self.fails_beside and current_thread() is not main_thread():
            raise DatabaseError("gone")
        return [_answer() for _ in range(self._most)]


def _answer() -> Answer:
    event = cast("Any", object())
    return Answer(
        site="a.example", site_id=1, refusal=None, make_document=lambda: cast("Any", {}),
        events=(event,),
    )  # fmt: skip


@pytest.fixture
def server() -> Engine:
    """An engine of PostgreSQL to which nothing connects."""
    return create_engine("postgresql+psycopg:///nothing")


def _decide(engine: Engine, desk: _Desk) -> backlog.Decided:
    return backlog.decide(
        engine, cast("Desk", desk), limit=_LIMIT, stopped=lambda: False, done=lambda _: None
    )


def test_while_one_batch_is_under_way_so_is_another(server: Engine) -> None:
    desk = _Desk(2, both=Barrier(2))

    found = _decide(server, desk)

    assert (found.sites, found.events) == (4, 4)


def test_beside_a_batch_that_is_not_full_there_is_none(server: Engine) -> None:
    desk = _Desk(1, most=1)
    desk.fails_beside = True

    assert _decide(server, desk).sites == 1


def test_a_failure_in_the_other_thread_is_raised(server: Engine) -> None:
    desk = _Desk(2, both=Barrier(2))
    desk.fails_beside = True

    with pytest.raises(DatabaseError):
        _decide(server, desk)


def test_a_file_of_sqlite_has_one_writer() -> None:
    desk = _Desk(3)
    desk.fails_beside = True

    assert _decide(create_engine("sqlite://"), desk).sites == 6
