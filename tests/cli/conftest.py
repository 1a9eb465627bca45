"""The command line as a test drives it: `main` itself, its status and what it wrote."""

import io
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import main
from tests.databases import Databases, SqliteDatabases
from tests.kept_engine import kept_engines, same_file

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai, on a Monday."""
REHEARSAL = "rehearsal: this database accepts simulated times"


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on its standard output."""
        return json.loads(self.out)

    @property
    def refused(self) -> Any:
        """The refusal that it wrote on standard error."""
        return json.loads(self.err)["refused"]


Cli = Callable[..., Result]


def copy(database: Path, other: Path) -> None:
    """Copy a SQLite database with its log, as `sqlite3 FILE .backup` does."""
    with closing(sqlite3.connect(database)) as here, closing(sqlite3.connect(other)) as there:
        here.backup(there)


@pytest.fixture(scope="module")
def _frozen() -> Iterator[FrozenDateTimeFactory]:
    """Time stands still for a whole module: to stop it takes longer than a command does."""
    with freeze_time(NOON) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
def clock(_frozen: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """The time, which stands at noon in Shanghai until the test moves it."""
    _frozen.move_to(NOON)
    return _frozen


@pytest.fixture
def db_url(databases: Databases) -> Iterator[str]:
    """The URL of a database of this test's own, at head; on PostgreSQL too if it is marked so."""
    found = same_file(databases) if isinstance(databases, SqliteDatabases) else databases.at_head()
    with found as url:
        yield url


@pytest.fixture
def cli(
    db_url: str,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Cli]:
    """Run a command on a fresh database, as `li`, off a terminal."""
    monkeypatch.setenv("INCIDENTS_DB", db_url)
    monkeypatch.setenv("INCIDENTS_AS", "li")
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")

    def run(*args: str, typed: str | None = None, asked: bool = False) -> Result:
        """Run a command; `typed`: input at a terminal; `asked`: standard error is on it too."""
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdin", _Terminal(typed) if typed is not None else io.StringIO())
            if asked:
                patched.setattr(sys.stderr, "isatty", lambda: True)
            capsys.readouterr()
            status = main(list(args))
        captured = capsys.readouterr()
        # The output of both kinds of databases is compared; only one of the tests' is a rehearsal.
        told = captured.err.replace(f"{REHEARSAL}\n", "")
        return Result(status, captured.out, told)

    with kept_engines():
        yield run


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A desk with one site, and a violation logged on it."""
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    return cli


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
