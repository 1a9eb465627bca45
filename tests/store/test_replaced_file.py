"""A SQLite file that is replaced while a process has it open: nothing is read or written any more.

Neither in the file that is gone, nor in the one that has come into its place.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import sqlite_file
from incidents.store.database.engine import reading, single_query, writing
from incidents.store.database.sqlite_file import ReplacedError, UnseenError
from tests.store.conftest import Opener

Act = Callable[[Engine], object]


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


def _write(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE desk SET seq = seq + 1"))


def _read(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.scalar(text("SELECT seq FROM desk")) or 0)


def _glance(engine: Engine) -> None:
    with single_query(engine) as connection:
        connection.execute(text("SELECT seq FROM desk"))


def _in_another_connection(engine: Engine) -> None:
    with engine.connect(), reading(engine):
        pass


def _put_back(file: Path) -> Path:
    """As people do it: the copy takes the place of the file, which is moved away."""
    away = file.with_name("away.db")
    copy = file.with_name("copy.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    file.rename(away)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(f"{file}{suffix}")  # noqa: PTH108
    shutil.copy(copy, file)
    return away


def _seq(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT seq FROM desk").fetchone()[0])


@pytest.mark.parametrize("act", [_write, _read, _glance, _in_another_connection])
def test_what_was_put_in_its_place_is_neither_read_nor_written_nor_is_what_is_gone(
    opened: Opener, sqlite_url: str, file: Path, act: Act
) -> None:
    engine = opened(sqlite_url)
    _write(engine)
    away = _put_back(file)

    for _ in range(2):
        with pytest.raises(ReplacedError) as refused:
            act(engine)

    assert str(refused.value) == (
        f"the file {file} was replaced or removed while this process had it open: restart it"
    )
    assert isinstance(refused.value, DatabaseError)
    engine.dispose()
    assert _seq(file) == 1
    assert _seq(away) <= 1


def test_a_file_that_is_removed_is_refused_and_none_is_made_in_its_place(
    opened: Opener, sqlite_url: str, file: Path
) -> None:
    engine = opened(sqlite_url, make=True)
    _write(engine)
    file.unlink()

    for act in (_write, _read, _in_another_connection):
        with pytest.raises(ReplacedError):
            act(engine)

    assert not file.exists()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_disk_that_does_not_say_what_is_there_holds_up_one_transaction_and_ends_nothing(
    opened: Opener, sqlite_url: str, file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Daemon and server end for good where the file was replaced."""
    engine = opened(sqlite_url)
    _write(engine)

    def fail(*_: object, **__: object) -> os.stat_result:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr("incidents.store.database.sqlite_file.os.stat", fail)
        for act in (_read, _write):
            with pytest.raises(UnseenError, match=f"cannot check the file {file}: "):
                act(engine)

    _write(engine)
    assert _read(engine) == 2


def test_a_connection_that_is_made_is_closed_when_another_file_is_there_by_then(
    opened: Opener, sqlite_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be to another file than the engine's other ones."""
    engine = opened(sqlite_url)
    connect = sqlite3.connect
    made: list[sqlite3.Connection] = []

    def connect_late(*given: object, **options: object) -> sqlite3.Connection:
        _put_back(file)
        made.append(connect(*given, **options))  # type: ignore[call-overload]
        return made[-1]

    with engine.connect():
        monkeypatch.setattr(engine.dialect.dbapi, "connect", connect_late)
        with pytest.raises(ReplacedError), engine.connect():
            pass
    [late] = made
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        late.execute("SELECT 1")


def test_one_that_is_replaced_while_the_write_lock_is_waited_for_is_not_written(
    opened: Opener, sqlite_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(sqlite_url)
    _write(engine)
    begin = sqlite_file.begin_write

    def begin_late(*given: object, **options: object) -> bool:
        _put_back(file)
        return begin(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite_file, "begin_write", begin_late)
    with pytest.raises(ReplacedError):
        _write(engine)


def test_a_process_that_has_closed_it_may_open_what_is_there(
    opened: Opener, sqlite_url: str, file: Path
) -> None:
    engine = opened(sqlite_url)
    _write(engine)
    _put_back(file)
    engine.dispose()

    _write(engine)

    assert _read(engine) == 2


def test_another_name_for_the_same_file_is_followed_to_where_it_leads(
    opened: Opener, sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    link = tmp_path / "desk.db"
    link.symlink_to(file)
    engine = opened(f"sqlite:///{link}")
    _write(engine)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(other)) as target:
        source.backup(target)
    link.unlink()
    link.symlink_to(other)

    with pytest.raises(ReplacedError):
        _read(engine)
