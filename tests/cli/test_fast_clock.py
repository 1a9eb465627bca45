"""A clock that runs faster: for a rehearsal on SQLite or PostgreSQL, and for nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from incidents import clock
from incidents.cli import main
from incidents.clock import read_rfc3339
from incidents.store.database import schema

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was right two minutes ago, and shows two hours more by now."""
    monkeypatch.setattr(clock, "fast_clock", None)
    fast_clock = clock.FastClock(60, clock.machine_now() - timedelta(minutes=2))
    monkeypatch.setenv("INCIDENTS_CLOCK", str(fast_clock))


@pytest.fixture
def rehearsal(empty_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.upgrade(empty_db_url, rehearsal=True)
    monkeypatch.setenv("INCIDENTS_DB", empty_db_url)


@pytest.mark.both_databases
@pytest.mark.usefixtures("rehearsal")
def test_a_rehearsal_is_worked_at_under_a_fast_clock(capsys: pytest.CaptureFixture[str]) -> None:
    before = clock.machine_now()
    assert main(["site", "add", "shop.example"]) == 0
    capsys.readouterr()
    assert main(["log", "shop.example", "--json"]) == 0
    logged = json.loads(capsys.readouterr().out)["incident"]
    ahead = read_rfc3339(logged["recorded_at"]) - before
    assert 1.9 * HOUR < ahead < 5 * HOUR


@pytest.mark.parametrize("command", [["queue"], ["daemon"], ["daemon", "--once"], ["serve"]])
def test_any_other_database_is_refused(
    sqlite_url: str, command: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "is not a rehearsal, so no clock may run 60 times as fast for it" in said
    assert "db upgrade --rehearsal" in said


def test_a_server_has_a_clock_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "--server", "https://desk.example"]) == 2
    assert "--server and INCIDENTS_CLOCK=60x since" in capsys.readouterr().err


def test_what_is_no_clock_is_named_with_what_could_be_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCIDENTS_CLOCK", "60x")
    assert main(["queue"]) == 1
    said = capsys.readouterr().err
    assert "'60x'" in said
    assert "60x since 2026-03-01T02:50:00Z" in said


def test_a_sign_in_link_is_for_a_rehearsal_alone(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("INCIDENTS_CLOCK")
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    assert main(["serve", "--port", "0", "--sign-in-links", str(tmp_path)]) == 1
    assert "nobody signs in there without a password" in capsys.readouterr().err


@pytest.mark.usefixtures("rehearsal")
def test_a_sign_in_link_is_for_this_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["serve", "--host", "0.0.0.0", "--port", "0", "--sign-in-links", str(tmp_path)]
    assert main(command) == 1
    assert "nobody signs in there without a password" in capsys.readouterr().err
