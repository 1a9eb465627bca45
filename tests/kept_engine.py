"""Kept engines: the commands that tests give share one for each database.

A command makes an engine of its own, connects, and compiles each of its statements. That is most of
what it costs in a process that is there already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from incidents.app import App
from incidents.store.database import engine
from tests.databases import SqliteDatabases

_SAME = "same.db"
_kept: dict[tuple[str | None, float, bool], Engine] = {}


@contextmanager
def kept_engines() -> Iterator[None]:
    """Meanwhile an engine is made once for each URL and timeout, and outlives a command."""
    create = engine.create

    def kept(url: str | None = None, *, make: bool = False) -> Engine:
        key = (url, engine.BUSY_TIMEOUT_S, make)
        if key not in _kept:
            _kept[key] = create(url, make=make)
        return _kept[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "create", kept)
        patched.setattr(App, "close", lambda _: None)
        try:
            yield
        finally:
            for key, each in list(_kept.items()):
                each.dispose()
                if key[0] is None or not key[0].endswith(_SAME):
                    del _kept[key]


@contextmanager
def same_file(databases: SqliteDatabases) -> Iterator[str]:
    """The URL of a database at head, in a file of the same name each time."""
    with databases.at_head() as url:
        file = Path(url.removeprefix("sqlite:///"))
        same = file.with_name(_SAME)
        file.rename(same)
        try:
            yield f"sqlite:///{same}"
        finally:
            # The next one is no older copy of this one, though it has its name.
            for each in (*same.parent.glob(f"{same.name}*"), *same.parent.glob("audit.key.*")):
                each.unlink()
