"""The command line as a test drives it: `main` itself, its status and what it wrote."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import main

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai, on a Monday."""


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote on standard output, as JSON."""
        return json.loads(self.out)

    @property
    def refused(self) -> Any:
        """The refusal that it wrote on standard error."""
        return json.loads(self.err)["refused"]


Cli = Callable[..., Result]


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    """The time, which stands at noon in Shanghai until the test moves it."""
    with freeze_time(NOON) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
def cli(
    sqlite_url: str,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """Runs a command on a fresh SQLite file, as `li`, off a terminal."""
    return _cli(sqlite_url, monkeypatch, capsys)


@pytest.fixture
def cli_on_both(
    db_url: str,
    clock: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """The same on both databases in turn."""
    return _cli(db_url, monkeypatch, capsys)


def _cli(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("INCIDENTS_DB", url)
    monkeypatch.setenv("INCIDENTS_AS", "li")
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")

    def run(*args: str, typed: str | None = None) -> Result:
        """`typed` is what a person at a terminal types; None: there is no terminal."""
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdin", _Terminal(typed) if typed is not None else io.StringIO())
            capsys.readouterr()
            status = main(list(args))
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
