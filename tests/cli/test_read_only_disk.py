"""A database on a read-only disk can be read, and a folder that cannot be written is named."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import schema
from incidents.store.database.engine import create, reading
from tests.cli.conftest import Cli, copy


@pytest.fixture
def archive(desk: Cli, db_url: str, tmp_path: Path) -> Path:
    """A copy of a desk's database in a folder of its own."""
    folder = tmp_path / "archive"
    folder.mkdir()
    copy(Path(db_url.removeprefix("sqlite:///")), folder / "desk.db")
    with closing(sqlite3.connect(folder / "desk.db")) as database:
        # As it was in use: written ahead.
        database.execute("PRAGMA journal_mode=WAL")
    return folder / "desk.db"


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in it can be written meanwhile; it takes root, as every mount does."""
    for how in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        subprocess.run(["mount", *how, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_what_is_on_a_read_only_disk_can_be_read_and_nothing_recorded(
    desk: Cli, archive: Path, tmp_path: Path
) -> None:
    named = ("--db", f"sqlite:///{archive}")
    before = desk("queue", "--json").json["items"]
    with read_only(archive.parent):
        assert desk("queue", "--json", *named).json["items"] == before
        assert desk("site", "list", "-q", *named).out == "shop.example\n"
        for words in ("audit verify", "audit replay", "audit export", "db check", "daemon status"):
            answer = desk(*words.split(), *named)
            assert "read-only" not in answer.err, words
            assert answer.status == (1 if words == "daemon status" else 0), (words, answer)
        assert desk("db", "backup", str(tmp_path / "copy.db"), *named).status == 0
        acted = desk("site", "add", "b.example", *named)

    assert (acted.status, acted.out) == (1, "")
    assert (
        f"the file {archive} is on a read-only disk: you can read it, but not record" in acted.err
    )
    assert [each.name for each in archive.parent.iterdir()] == ["desk.db"]


@pytest.mark.parametrize("alone", ["desk.db-wal", "desk.db-shm"])
def test_half_of_what_belongs_to_an_open_file_is_not_left_out_on_a_read_only_disk(
    desk: Cli, archive: Path, alone: str
) -> None:
    """What was acknowledged last may be missing without the other half."""
    # Empty, as the log is for a moment while the file is in use.
    archive.with_name(alone).touch()
    with read_only(archive.parent):
        looked = desk("queue", "--db", f"sqlite:///{archive}")

    assert (looked.status, looked.out) == (1, "")
    assert f"the file {archive} is on a read-only disk, with {alone} beside it" in looked.err
    assert "copy both to a folder that you can write" in looked.err


WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("UPDATE desk SET seq = 7")
database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
for line in iter(lambda: print(flush=True) or sys.stdin.readline(), ""):
    database.execute("UPDATE desk SET seq = ?", (int(line),))
"""


def test_what_another_mount_can_write_is_read_as_it_is_written(archive: Path) -> None:
    """Its log is empty at first, and the file alone is not all of it."""
    engine = create(f"sqlite:///{archive}")
    words = [sys.executable, "-c", WRITER, str(archive)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        assert Path(f"{archive}-wal").stat().st_size == 0
        with read_only(archive.parent):
            seen = [_seq(engine)]
            writer.stdin.write("8\n")
            writer.stdin.flush()
            writer.stdout.readline()
            seen.append(_seq(engine))
            engine.dispose()
        writer.stdin.close()
    assert seen == [7, 8]


def _seq(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT seq FROM desk")).scalar_one())


@contextmanager
def _anybody_else() -> Iterator[None]:
    """Root may write everywhere."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "desk.db"
        shutil.copyfile(archive, file)
        file.chmod(0o666)
        folder.chmod(0o555)
        engine = create(f"sqlite:///{file}")
        with _anybody_else(), pytest.raises(DatabaseError) as refused:
            schema.check(engine)
        folder.chmod(0o700)

    owner = pwd.getpwuid(os.geteuid()).pw_name
    assert str(refused.value) == (
        f"you cannot write to the folder {folder}, which SQLite needs even to read desk.db: run"
        f" this as {owner}, or give your user access to the folder"
    )


def test_the_owner_of_a_folder_that_is_closed_is_not_sent_to_themselves(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "desk.db"
        shutil.copyfile(archive, file)
        owner = 65_534 if os.geteuid() == 0 else os.geteuid()
        for each, mode in ((file, 0o444), (folder, 0o555)):
            os.chown(each, owner, -1)
            each.chmod(mode)
        engine = create(f"sqlite:///{file}")
        with _anybody_else(), pytest.raises(DatabaseError) as refused:
            schema.check(engine)
        folder.chmod(0o700)

    told = str(refused.value)
    assert told.endswith(f"even to read desk.db: chmod u+rwX {folder} {file}")
    assert "run this as" not in told
