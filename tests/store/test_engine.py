"""How a database is named and reached, and what is said when it cannot be."""

import builtins
import os
import sqlite3
import stat
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import Conninfo
from sqlalchemy import make_url, text

from incidents.errors import DatabaseError, InputError
from incidents.settings.sources import data_folder
from incidents.store import entries
from incidents.store.database import schema, sqlite_file
from incidents.store.database.address import display_address, public_address
from incidents.store.database.engine import create, plainly, reading, single_query, writing
from incidents.store.database.failures import explain
from incidents.store.desk_state import database_time
from tests.databases import compares_clocks
from tests.store.conftest import Opener


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not the URL of a database: 'nonsense'"),
        ("mysql://root@localhost/x", "unknown kind of database: 'mysql'"),
        ("sqlite://", "not a SQLite file"),
        ("sqlite:///:memory:", "not a SQLite file"),
        ("sqlite:///a\0b", "not a SQLite file"),
        ("sqlite+aiosqlite:////tmp/x.db", "unknown driver for SQLite"),
        ("postgresql+asyncpg://h/x", "unknown driver for PostgreSQL"),
        ("postgresql://u:secret@h:port/x", "not the URL of a database: '…@h:port/x'"),
        ("postgresql://u:secret@/x?host=a,b&port=1,2,3", "differ in length: '…@/x?host"),
        ("postgresql://u:secret@/x?host=a,b&hostaddr=10.0.0.1", "differ in length: '…@/x?host"),
        ("postgresql://u:secret@a,b/x?hostaddr=10.0.0.1", "differ in length: '…@a,b/x"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_way_to_write_one(
    opened: Opener, url: str, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        opened(url)
    assert said in str(refused.value)
    assert "write sqlite:////path/to/file or postgresql://user@host/name" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_without_the_driver_postgresql_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        # Not so SQLAlchemy's own module of that name, which it imports from beside itself.
        relative = len(args) > 3 and args[3] > 0
        if name.startswith("psycopg") and not relative:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatabaseError, match=r"pip install 'incidents\[postgresql\]'"):
        create("postgresql://localhost/x")


def test_both_spellings_of_postgresql_are_the_same(opened: Opener) -> None:
    assert opened("postgres://h/x").url == opened("postgresql://h/x").url


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://li:a,b@one:5433,two:5434/desk", "one,two", "5433,5434"),
        ("postgres://li@one:5433,two/desk?target_session_attrs=read-write", "one,two", "5433,"),
        ("postgresql://[::1]:5433,[::2]:5434", "::1,::2", "5433,5434"),
    ],
)
def test_the_hosts_of_a_cluster_are_named_as_postgresql_has_it(
    opened: Opener, url: str, host: str, port: str
) -> None:
    engine = opened(url)
    _, told = engine.dialect.create_connect_args(engine.url)
    assert (told["host"], told["port"]) == (host, port)
    # So other programs are told of it (`db backup` names the command), and they read it so too.
    shown = display_address(engine)
    again = {each.keyword: each.val for each in Conninfo.parse(shown.encode())}
    assert (again[b"host"], again[b"port"]) == (host.encode(), port.encode())
    assert "a,b" not in shown
    assert "host=" not in shown


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_a_password_in_a_query_is_never_shown(opened: Opener, name: str) -> None:
    url = f"postgresql://li@db.example/desk?{name}=secret&sslmode=require"
    assert display_address(opened(url)) == "postgresql://li@db.example/desk?sslmode=require"
    with pytest.raises(InputError) as wrong:
        opened(url.replace("db.example", "a.example:x"))
    assert "secret" not in wrong.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://li:secret@db.example:5433/desk", "postgresql://db.example:5433/desk"),
        ("postgresql://one.example,two.example:5433/desk?password=secret",
         "postgresql://one.example,two.example:5433/desk"),
        ("postgresql://[::1]:5433/desk", "postgresql://[::1]:5433/desk"),
        ("postgresql:///desk", "postgresql:///desk"),
        ("sqlite:////srv/desk.db", "/srv/desk.db"),
    ],
)  # fmt: skip
def test_others_are_told_where_a_database_is_and_not_who_comes_in(
    opened: Opener, url: str, shown: str
) -> None:
    assert public_address(opened(url)) == shown


def test_the_default_database_is_in_a_folder_for_the_user_alone(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    engine = opened(make=True)
    schema.ensure(engine, make=True)
    assert engine.url.database == str(data_folder() / "incidents.db")
    assert stat.S_IMODE(data_folder().stat().st_mode) == 0o700


def test_a_default_folder_that_cannot_be_made_is_named(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(
        DatabaseError, match=r"cannot make the folder .*: name another one with --db"
    ):
        opened(make=True)


def test_a_file_in_a_folder_that_is_not_there_is_named(opened: Opener, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"cannot open the file .*/no/x\.db: its folder must"):
        schema.ensure(opened(f"sqlite:///{tmp_path}/no/x.db", make=True), make=True)


def test_a_file_that_cannot_be_opened_is_named_with_what_is_wrong(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DatabaseError, match=r"tmp/x\.db: there is no folder tmp .*sqlite:////tmp/x"
    ):
        schema.check(opened("sqlite:///tmp/x.db"))
    with pytest.raises(DatabaseError, match="it is a folder"):
        schema.check(opened(f"sqlite:///{tmp_path}"))
    (tmp_path / "x.db").touch()
    told = "unable to open database file"
    engine, error = opened(f"sqlite:///{tmp_path}/x.db"), sqlite3.OperationalError(told)
    assert "must exist and be writable" in explain(engine, error)
    monkeypatch.setattr("os.access", lambda _, mode, **__: mode != os.R_OK)
    assert "you may not read it" in explain(engine, error)


def test_a_database_or_a_role_that_a_server_has_not_is_named_as_such(
    opened: Opener, postgresql_url: str
) -> None:
    there = make_url(postgresql_url)
    for wrong, told in (
        (there.set(database="incidets"), "check the name (createdb incidets makes one)"),
        (
            there.update_query_dict({"user": "incidets"}),
            "check the name (createuser incidets makes one)",
        ),
    ):
        engine = opened(wrong.render_as_string(hide_password=False))
        with pytest.raises(DatabaseError) as refused:
            schema.check(engine)
        assert told in str(refused.value)
        assert "start it" not in str(refused.value)


def test_a_file_that_is_no_database_is_named_and_left_alone(opened: Opener, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear customer, " * 100)
    with pytest.raises(DatabaseError, match=r"letter\.txt is not a SQLite database"):
        schema.ensure(opened(f"sqlite:///{file}"))
    assert file.read_text().startswith("Dear customer")


def test_a_server_that_is_not_there_is_named_without_the_password(opened: Opener) -> None:
    engine = opened("postgresql://li:secret@127.0.0.1:1/desk?connect_timeout=1")
    with pytest.raises(DatabaseError) as refused:
        schema.check(engine)
    assert "postgresql://li:***@127.0.0.1:1/desk" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_sqlite_is_as_safe_as_it_can_be(opened: Opener, sqlite_url: str) -> None:
    with reading(opened(sqlite_url)) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000,
    }  # fmt: skip


def test_a_transaction_that_writes_has_the_lock_before_it_reads(
    opened: Opener, sqlite_url: str
) -> None:
    """And one that reads neither waits for it nor sees what is not committed."""
    engine = opened(sqlite_url)
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM desk"))
        with reading(engine) as other:
            assert other.execute(text("SELECT count(*) FROM desk")).scalar() == 1
        busy = sqlite3.connect(str(engine.url.database), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            busy.execute("BEGIN IMMEDIATE")
        busy.close()


def test_a_reading_transaction_sees_one_state(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    with reading(engine) as connection:
        count = text("SELECT seq FROM desk")
        assert connection.execute(count).scalar() == 0
        with writing(engine) as other:
            other.execute(text("UPDATE desk SET seq = 5"))
        assert connection.execute(count).scalar() == 0


def test_after_a_glance_the_connection_begins_and_takes_back_transactions_as_before(
    opened: Opener, db_url: str
) -> None:
    engine = opened(db_url)
    with single_query(engine) as connection:
        assert entries.values(connection, ["sha256:0"]) == {}

    with engine.connect() as connection:
        connection.execute(text("UPDATE desk SET seq = 5"))
        connection.rollback()
    with single_query(engine) as connection:
        assert connection.execute(text("SELECT seq FROM desk")).scalar() == 0


def test_a_locked_file_is_said_to_be_held_by_another(
    opened: Opener, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "begin_write", lambda *_args, **_options: False)
    engine = opened(sqlite_url)

    def wait_for_the_lock() -> None:
        with plainly(engine), engine.connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout=0")
            other.rollback()
            other.execution_options(incidents_writes=True)
            other.begin()

    with writing(engine), pytest.raises(DatabaseError, match="held by another process for 30 s"):
        wait_for_the_lock()


def test_what_a_database_complains_of_holds_no_value_of_a_row(opened: Opener, db_url: str) -> None:
    engine = opened(db_url)
    row = entries.Sealed("Li Lei", b"s", "Li Lei", 1, datetime(2026, 3, 1, tzinfo=UTC))

    def keep_twice() -> None:
        with plainly(engine), writing(engine) as connection:
            for _ in range(2):
                entries.add_sealed(connection, [row])

    with pytest.raises(DatabaseError, match=r"(?i)unique constraint") as refused:
        keep_twice()
    assert "Li Lei" not in str(refused.value)


def test_only_a_server_has_a_clock_of_its_own(opened: Opener, db_url: str) -> None:
    is_sqlite = db_url.startswith("sqlite")
    engine = opened(db_url if is_sqlite else compares_clocks(db_url))
    with reading(engine) as connection:
        assert (database_time(connection) is None) == is_sqlite


def test_that_all_connections_are_in_use_is_the_databases_matter(
    opened: Opener, tmp_path: Path
) -> None:
    engine = opened(f"sqlite:///{tmp_path}/x.db", make=True)
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(engine.connect())
        with pytest.raises(DatabaseError, match="are in use"), plainly(engine), reading(engine):
            pass
