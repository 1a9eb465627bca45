"""One SQLite file and two machines: the second one is refused until the first one is gone."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import host_mark
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.database.host_mark import CLOSED_AFTER_S, GONE_AFTER_S, HostMark
from tests.store.conftest import Opener

REFUSED = "is open on another machine, desk-1, last seen [0-9]+ s ago"


@pytest.fixture(autouse=True)
def open_marks(monkeypatch: pytest.MonkeyPatch) -> list[HostMark]:
    """The marks of this test, which no thread keeps fresh; each transaction looks at its own."""
    marks: list[HostMark] = []
    monkeypatch.setattr(host_mark, "_keep_refreshing", marks.append)
    monkeypatch.setattr(HostMark, "look", HostMark.beat)
    return marks


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def on_desk_1(opened: Opener, sqlite_url: str) -> Iterator[Engine]:
    """It has the file open, and has written to it."""
    with _machine("desk-1"):
        engine = opened(sqlite_url)
        _write(engine)
    yield engine
    with _machine("desk-1"):
        engine.dispose()


HIDDEN = ""


@contextmanager
def _machine(name: str, boot: str | None = None, machine: str | None = None) -> Iterator[None]:
    """What is done inside is done on the machine of that name, with its own ids or those."""
    known = f"boot of {name}" if boot is None else boot or None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(host_mark, "_boot", lambda: known)
        patched.setattr(host_mark, "_machine", lambda: machine or f"id of {name}")
        patched.setattr(host_mark, "_name", lambda: name)
        yield


def _write(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE desk SET seq = seq + 1"))


def _read(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.execute(text("SELECT seq FROM desk"))


def _age(file: Path, by_s: float) -> None:
    mark = Path(f"{file}-host")
    at = mark.stat().st_mtime - by_s
    os.utime(mark, (at, at))


@pytest.mark.parametrize("act", [_write, _read])
def test_a_file_that_another_machine_has_open_is_not_opened(
    opened: Opener, sqlite_url: str, file: Path, on_desk_1: Engine, act: Opener
) -> None:
    """Not to be read either: whoever closes it last takes the write-ahead log away."""
    _age(file, GONE_AFTER_S - 5)
    with _machine("desk-2"), pytest.raises(DatabaseError, match=REFUSED):
        act(opened(sqlite_url))

    assert Path(f"{file}-wal").stat().st_size
    with _machine("desk-1"):
        _write(on_desk_1)


def test_a_container_of_the_same_machine_may_open_it(
    opened: Opener, sqlite_url: str, on_desk_1: Engine
) -> None:
    with _machine("container", boot="boot of desk-1", machine="id of its image"):
        _write(opened(sqlite_url))


def test_a_hardened_daemon_and_the_command_line_of_a_machine_are_one(
    opened: Opener, sqlite_url: str, on_desk_1: Engine
) -> None:
    """The daemon's unit hides the boot id (ProcSubset=pid)."""
    with _machine("desk-1", boot=HIDDEN):
        daemon = opened(sqlite_url)
        _write(daemon)
    with _machine("desk-1"):
        _write(on_desk_1)
        _write(opened(sqlite_url))
    with _machine("desk-1", boot=HIDDEN):
        _write(daemon)


@pytest.mark.parametrize(("name", "machine"), [("desk-2", None), ("desk-2", "id of desk-1")])
@pytest.mark.parametrize(("one", "other"), [(HIDDEN, None), (None, HIDDEN), (HIDDEN, HIDDEN)])
def test_where_a_boot_id_is_hidden_another_machine_and_a_clone_by_its_name_are_others(
    opened: Opener,
    sqlite_url: str,
    name: str,
    machine: str | None,
    one: str | None,
    other: str | None,
) -> None:
    with _machine("desk-1", boot=one):
        _write(opened(sqlite_url))
    with _machine(name, other, machine), pytest.raises(DatabaseError, match=REFUSED):
        _write(opened(sqlite_url))


def test_a_clone_that_has_kept_all_but_its_boot_id_is_another_machine(
    opened: Opener, sqlite_url: str, on_desk_1: Engine
) -> None:
    with _machine("desk-1", boot="boot of the clone"), pytest.raises(DatabaseError, match=REFUSED):
        _write(opened(sqlite_url))


@pytest.mark.parametrize("before", [None, HIDDEN])
def test_a_machine_that_was_started_again_does_not_wait_for_itself(
    opened: Opener,
    sqlite_url: str,
    file: Path,
    before: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However the kernel ended: the write-ahead log lies there still."""
    with _machine("desk-1", boot=before):
        _write(opened(sqlite_url))
    _age(file, 20)
    monkeypatch.setattr(host_mark, "_up_for_s", lambda: 15.0)
    with _machine("desk-1", boot="the next"):
        _write(opened(sqlite_url))
    assert Path(f"{file}-wal").stat().st_size


def test_a_hardened_daemon_that_is_there_first_after_a_start_leaves_no_boot_id_of_before(
    opened: Opener, sqlite_url: str, on_desk_1: Engine
) -> None:
    with _machine("desk-1", boot=HIDDEN):
        _write(opened(sqlite_url))
    with _machine("desk-1", boot="the next"):
        _write(opened(sqlite_url))


def test_a_beat_in_the_future_counts_from_when_it_is_seen(
    opened: Opener, sqlite_url: str, file: Path, on_desk_1: Engine
) -> None:
    """The clock of the file system was set back by hours, and who has beaten before it is gone."""
    _age(file, -7_200)
    with _machine("desk-2"):
        with pytest.raises(DatabaseError, match=REFUSED):
            _write(opened(sqlite_url))
        _age(file, GONE_AFTER_S + 1)
        _write(opened(sqlite_url))


def test_another_mount_of_the_same_folder_shares_no_memory(
    opened: Opener, sqlite_url: str, file: Path, on_desk_1: Engine
) -> None:
    mark = Path(f"{file}-host")
    left = json.loads(mark.read_text())
    mark.write_text(json.dumps(left | {"device": left["device"] + 1}))
    with _machine("desk-1"), pytest.raises(DatabaseError, match=REFUSED):
        _read(opened(sqlite_url))


def test_a_machine_that_was_cut_off_is_gone_after_a_minute_and_refused_when_it_comes_back(
    opened: Opener, sqlite_url: str, file: Path, on_desk_1: Engine
) -> None:
    _age(file, GONE_AFTER_S + 1)
    with _machine("desk-2"):
        _write(opened(sqlite_url))
    with _machine("desk-1"), pytest.raises(DatabaseError, match="another machine, desk-2"):
        _write(on_desk_1)


@pytest.mark.parametrize("closed", [True, False])
def test_a_machine_that_has_closed_the_file_is_gone_after_some_seconds(
    opened: Opener, sqlite_url: str, file: Path, on_desk_1: Engine, closed: bool
) -> None:
    if closed:
        on_desk_1.dispose()
    _age(file, CLOSED_AFTER_S + 1)
    with _machine("desk-2"):
        if closed:
            _write(opened(sqlite_url))
        else:
            with pytest.raises(DatabaseError, match=REFUSED):
                _write(opened(sqlite_url))


def test_the_mark_is_kept_fresh_by_its_own_machine_alone_while_nothing_is_asked(
    file: Path, on_desk_1: Engine, open_marks: list[HostMark]
) -> None:
    mark = Path(f"{file}-host")
    _age(file, GONE_AFTER_S)
    old = mark.stat().st_mtime
    with _machine("desk-2"):
        open_marks[0].refresh()
    assert mark.stat().st_mtime == old
    with _machine("desk-1"):
        open_marks[0].refresh()
    assert mark.stat().st_mtime > old


def test_of_two_machines_that_come_at_once_one_is_refused(
    opened: Opener, sqlite_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen no mark; the other one's is there a moment before one's own."""
    link = os.link

    def link_late(unnamed: Path, mark: Path) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(os, "link", link)
            with _machine("desk-1"):
                HostMark(str(file)).beat()
        link(unnamed, mark)

    monkeypatch.setattr(os, "link", link_late)
    with _machine("desk-2"), pytest.raises(DatabaseError, match=REFUSED):
        _write(opened(sqlite_url))


@pytest.mark.parametrize("closed", [True, False])
def test_where_no_mark_can_be_left_what_another_machine_has_open_is_not_read(
    opened: Opener,
    sqlite_url: str,
    on_desk_1: Engine,
    closed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if closed:
        on_desk_1.dispose()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(HostMark, "_write", refuse)
    with _machine("desk-2"):
        if closed:
            _read(opened(sqlite_url))
        else:
            with pytest.raises(DatabaseError, match=r"is open on another machine, desk-1\. Two"):
                _read(opened(sqlite_url))


def test_the_mark_is_for_those_whom_the_file_is_for(
    opened: Opener, sqlite_url: str, file: Path
) -> None:
    file.chmod(0o660)
    _write(opened(sqlite_url))
    assert Path(f"{file}-host").stat().st_mode & 0o777 == 0o660
    assert not list(file.parent.glob(f"{file.name}-host.*"))


def test_what_is_no_database_gets_no_mark(opened: Opener, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear customer, " * 100)
    engine = opened(f"sqlite:///{letter}")
    with pytest.raises(DatabaseError, match="is not a SQLite database"), plainly(engine):
        _read(engine)
    assert list(tmp_path.iterdir()) == [letter]


def test_a_mark_that_is_a_link_is_not_followed_to_another_file(
    opened: Opener, sqlite_url: str, file: Path
) -> None:
    mark, other = file.with_name(f"{file.name}-host"), file.with_name("other")
    _write(opened(sqlite_url))
    mark.rename(other)
    os.utime(other, (0, 0))
    mark.symlink_to(other)

    _write(opened(sqlite_url))

    assert other.stat().st_mtime == 0
    other.unlink()
