"""Whatever the program makes is its owner's alone, however open the shell that started it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all that is made lies, and nothing else."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/incidents.db")
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(folder / "evidence"))
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(folder / "audit.key"))
    return folder


def test_databases_backups_exports_keys_and_evidence_are_for_nobody_else(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    proof, history = tmp_path / "proof.png", tmp_path / "history.csv"
    proof.write_text("seen")
    history.write_text("occurred_at,site\n2026-03-01T00:00:00Z,shop.example\n")

    for command in (
        "db upgrade",
        "site add shop.example",
        "log shop.example",
        f"attach 1-1 {proof}",
        f"db backup {folder}/copy.db",
        "audit key new desk.example/log",
        f"audit checkpoint -o {folder}/checkpoint",
        f"audit export -o {folder}/record.jsonl",
        f"audit export --format bundle -o {folder}/bundle",
        f"audit export --format bundle -o {folder}/bundle.tar.zst",
        f"audit report shop.example -o {folder}/report.html",
        f"filing export -o {folder}/filings.json",
        f"simulate {history} -o {folder}/picture.svg",
        f"audit witness --new-key witness.example --key {folder}/witness.key",
        f"metrics -o {folder}/incidents.prom",
    ):
        # Each begins as a process does, under the shell's umask.
        os.umask(0)
        answer = cli(*command.split())
        assert answer.status == 0, (command, answer.err)

    modes = {
        str(file.relative_to(folder)): stat.S_IMODE(file.stat().st_mode)
        for file in folder.rglob("*")
    }
    shared = {name: oct(mode) for name, mode in modes.items() if mode & 0o077}
    assert shared == {"incidents.prom": oct(0o644)}
    assert {"incidents.db", "copy.db", "audit.key", "evidence", "bundle", "witness.key.db"} <= (
        modes.keys()
    )


def test_an_export_in_the_place_of_an_open_file_is_private(cli: Cli, folder: Path) -> None:
    target = folder / "record.jsonl"
    target.touch(mode=0o666)
    cli("db", "upgrade")

    assert cli("audit", "export", "-o", str(target)).status == 0

    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o660, False), (0o600, False)])
def test_a_database_that_everybody_can_read_is_told_of(
    cli: Cli, folder: Path, mode: int, warned: bool
) -> None:
    cli("db", "upgrade")
    (folder / "incidents.db").chmod(mode)

    answer = cli("db", "check")

    assert answer.status == 0
    assert ("everybody on this machine can read" in answer.err) is warned
    assert ("chmod 600" in answer.err) is warned
