"""The house of a server: what the command line enters with --server, in place of a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

from incidents import clock
from incidents.client.desk import NotOverServerError, RemoteDesk
from incidents.client.http import Exchange
from incidents.client.views import RemoteViews

_WAY_OUT = "it needs the database itself: leave --server out"


class NoConnection:
    """What a view of a server's is given; whoever asks it as a database is told that it is none."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOverServerError(way_out=_WAY_OUT)


class RemoteHouse:
    """The rooms that a server opens: its desk and its views. Nothing is opened before it is asked.

    Whatever else somebody enters raises NotOverServerError, with the way out.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.desk = RemoteDesk(exchange)
        self.views = RemoteViews(exchange)

    @contextmanager
    def reading(self) -> Iterator[NoConnection]:
        """Where a database would open a transaction: each look is one of the server's own."""
        yield NoConnection()

    def now(self, _connection: object) -> datetime:
        """This machine's time, in UTC: to say how long ago something was."""
        return clock.now()

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """What people wrote: a server has put it in place of the references already."""
        return {ref: ref for ref in refs if ref is not None}

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOverServerError(way_out=_WAY_OUT)
