"""Versions of the program in folders of their own, and their processes: one before another."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from incidents.store.database.migration import FIRST
from tests.nursery_process import CONSOLE
from tests.patience import PATIENCE_S, until
from tests.store.newer_program import add_sample

ROOT = Path(__file__).parents[2]
_PARTS = ("incidents", "alembic", "scripts", "pyproject.toml")
_LISTENS = re.compile(r"^http.*:(\d+)$", re.MULTILINE)


@dataclass(slots=True)
class Process:
    """A running process of one version, and its log."""

    popen: subprocess.Popen[bytes]
    log: Path

    def says(self, what: str) -> None:
        """Wait until its log has that."""
        until(lambda: what in self.log.read_text(), f"{self.log.name} says {what!r}")

    def port(self) -> int:
        """The port of a server, once it listens."""
        said = until(lambda: _LISTENS.findall(self.log.read_text()), f"{self.log.name} listens")
        return int(said[0])

    def stop(self) -> None:
        """Stop it as systemd does, which it obeys."""
        self.popen.terminate()
        status = self.popen.wait(PATIENCE_S)
        assert status == 0, f"{self.log.name} ended with {status}: {self.log.read_text()[-3_000:]}"

    def ends(self) -> int:
        """Wait until it ends by itself; its exit status."""
        return self.popen.wait(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the program, in a folder."""

    name: str
    folder: Path

    def run(self, words: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `incidents WORDS…` to its end."""
        return subprocess.run(
            [sys.executable, "-c", CONSOLE, *words], env=self._env(env), cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    def does(self, *words: str, env: Mapping[str, str]) -> str:
        """Run `incidents WORDS…`, which must succeed; its output."""
        done = self.run(words, env)
        assert done.returncode == 0, (self.name, words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def runs(self, *words: str, env: Mapping[str, str], log: Path) -> Iterator[Process]:
        """Run `incidents WORDS…` until the block ends."""
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-c", CONSOLE, *words], env=self._env(env), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        try:
            yield Process(popen, log)
        finally:
            popen.kill()
            popen.wait()

    def _env(self, env: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, **env, "PYTHONPATH": str(self.folder)}


def before_and_now(folder: Path) -> tuple[Version, Version]:
    """The first version that goes on beside a newer schema, and this one.

    As long as no migration is newer than it, this version is the one before, and the other has a
    sample of a migration.
    """
    first = _first_commit()
    if first is None:
        return this(folder), sample(folder)
    before = folder / "before"
    before.mkdir()
    packed = subprocess.run(
        ["git", "archive", first, *_PARTS], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x"], cwd=before, input=packed.stdout, check=True)
    env = {**os.environ, "PYTHONPATH": str(before)}
    compile_ = [sys.executable, "-m", "scripts.catalogues"]
    subprocess.run(compile_, cwd=before, env=env, capture_output=True, check=True)
    return Version("before", before), Version("now", ROOT)


def this(folder: Path) -> Version:
    """A copy of this version."""
    return Version("this", _copied(folder / "this"))


def sample(folder: Path, *, expands: bool = True) -> Version:
    """A copy of this version with one more migration, a sample."""
    copied = _copied(folder / "sample")
    add_sample(copied / "alembic", expands=expands)
    return Version("sample", copied)


def _copied(folder: Path) -> Path:
    for part in ("incidents", "alembic"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def _first_commit() -> str | None:
    """The first commit that checks the revision, if there is a migration after FIRST."""
    files = sorted((ROOT / "alembic" / "versions").glob("[0-9]*.py"))
    later = [file for file in files if file.name.partition("_")[0] > FIRST]
    if not later:
        return None
    path = "incidents/store/database/revision.py"
    words = ["git", "log", "--diff-filter=A", "--format=%H", "--", path]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.split()[-1]
