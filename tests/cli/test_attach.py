"""Attached evidence: kept by its digest, whole or not at all, before the entry that names it."""

import hashlib
import os
from pathlib import Path

import pytest

from incidents.errors import EvidenceTooLargeError, FileError
from incidents.record import evidence
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    file = tmp_path / "屏幕.png"
    file.write_bytes(b"seen" * 1000)
    return file


def _kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_under_its_digest(desk: Cli, folder: Path, proof: Path) -> None:
    answer = desk("attach", "1-1", str(proof), "--json")
    digest = hashlib.sha256(proof.read_bytes()).hexdigest()
    [kept] = _kept(folder)
    assert kept == folder / digest[:2] / digest
    assert kept.read_bytes() == proof.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    [found] = answer.json["incident"]["evidence"]
    assert found["digest"] == digest
    assert found["size"] == 4000
    assert "屏幕" not in answer.out


def test_the_same_file_twice_is_once(desk: Cli, folder: Path, proof: Path) -> None:
    desk("attach", "1-1", str(proof))
    assert "nothing changed" in desk("attach", "1-1", str(proof)).out
    assert len(_kept(folder)) == 1


def test_what_is_refused_and_a_dry_run_leave_nothing_behind(
    desk: Cli, folder: Path, proof: Path
) -> None:
    assert desk("attach", "1-9", str(proof)).status == 3
    assert desk("attach", "1-1", str(proof), "--dry-run").status == 0
    assert _kept(folder) == []


def test_a_file_over_the_limit_is_refused_with_the_limit(
    desk: Cli, folder: Path, proof: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_EVIDENCE_LIMIT", "3999")
    answer = desk("attach", "1-1", str(proof))
    assert answer.status == 3
    assert "4,000 bytes" in answer.err
    assert "evidence_limit" in answer.err
    monkeypatch.setenv("INCIDENTS_EVIDENCE_LIMIT", "4000")
    assert desk("attach", "1-1", str(proof)).status == 0


def test_an_empty_file_shows_nothing(desk: Cli, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    answer = desk("attach", "1-1", str(empty))
    assert answer.status == 3
    assert "empty" in answer.err


def test_a_pipe_is_not_waited_for(desk: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    answer = desk("attach", "1-1", str(pipe))
    assert answer.status == 2
    assert "plain file" in answer.err


def test_a_folder_that_cannot_be_written_is_named(
    desk: Cli, proof: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.touch()
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(blocked))
    answer = desk("attach", "1-1", str(proof))
    assert answer.status == 1
    assert str(blocked) in answer.err
    assert desk("show", "1-1", "--json").json["evidence"] == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(folder: Path, proof: Path) -> None:
    digest, _ = evidence.measure(proof, limit=10_000)
    proof.write_bytes(b"something else")
    with pytest.raises(FileError, match="changed"):
        evidence.keep(proof, digest, folder)
    assert _kept(folder) == []


def test_a_file_that_grows_while_it_is_read_is_still_limited(
    proof: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fstat", _small(os.fstat))
    with pytest.raises(EvidenceTooLargeError):
        evidence.measure(proof, limit=3999)


def _small(fstat: object) -> object:
    def smaller(descriptor: int) -> os.stat_result:
        found = list(fstat(descriptor))  # type: ignore[operator]  # the real one
        found[6] = 1
        return os.stat_result(found)

    return smaller
