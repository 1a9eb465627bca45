"""Readiness: a database is ready if a transaction that writes can be committed."""

from threading import Event

import pytest
from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import readiness
from incidents.store.database.engine import writing
from incidents.store.database.readiness import Readiness, check_writable
from tests.store.conftest import Opener
from tests.store.server_setting import setting


@pytest.mark.both_databases
def test_a_database_that_takes_a_write_is_ready_and_unchanged(db_url: str, opened: Opener) -> None:
    engine = opened(db_url)
    before = _entries(engine)
    check_writable(engine)
    assert _entries(engine) == before


def test_a_file_that_another_process_holds_for_long_is_not_ready(
    sqlite_url: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes long before an action would give up."""
    monkeypatch.setattr(readiness, "LIMIT_S", 0.2)
    with (
        writing(opened(sqlite_url)),
        pytest.raises(DatabaseError, match="held by another process for 0 seconds"),
    ):
        check_writable(opened(sqlite_url))


def test_a_database_that_only_reads_is_not_ready(postgresql_url: str, opened: Opener) -> None:
    with (
        setting(postgresql_url, "ALTER DATABASE {} SET default_transaction_read_only = on"),
        pytest.raises(DatabaseError, match="this server is a standby"),
    ):
        check_writable(opened(postgresql_url))


def test_a_database_that_waits_for_its_synchronous_standby_is_not_ready(
    postgresql_url: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LIMIT_S", 0.3)
    with (
        setting(postgresql_url, "ALTER DATABASE {} SET synchronous_commit = on"),
        setting(postgresql_url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"),
        pytest.raises(DatabaseError, match="the server said nothing"),
    ):
        check_writable(opened(postgresql_url))


@pytest.mark.both_databases
def test_a_database_of_another_schema_is_not_ready(db_url: str, opened: Opener) -> None:
    engine = opened(db_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(DatabaseError, match="older than this program"):
        check_writable(engine)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The checks that are really made; each raises what is in it meanwhile."""
    made: list[object] = []
    monkeypatch.setattr(readiness, "check_writable", made.append)
    return made


def test_callers_of_one_moment_share_a_check(
    checks: list[object], opened: Opener, postgresql_url: str
) -> None:
    now = 100.0
    ready = Readiness(opened(postgresql_url), monotonic=lambda: now)
    ready.check()
    ready.check()
    assert len(checks) == 1
    now += 0.5
    ready.check()
    assert len(checks) == 2


def test_callers_of_one_moment_share_a_failure(
    opened: Opener, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Engine) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(readiness, "check_writable", fail)
    ready = Readiness(opened(postgresql_url), monotonic=lambda: 100.0)
    for _ in range(2):
        with pytest.raises(DatabaseError, match="gone"):
            ready.check()
        monkeypatch.setattr(readiness, "check_writable", lambda _: None)


def test_nobody_waits_longer_than_the_limit_for_a_check(
    opened: Opener, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, over = list[bool](), Event()

    def hang(_: Engine) -> None:
        began.append(True)
        over.wait()

    monkeypatch.setattr(readiness, "check_writable", hang)
    monkeypatch.setattr(readiness, "LIMIT_S", 0.05)
    ready = Readiness(opened(postgresql_url))
    for _ in range(2):
        with pytest.raises(DatabaseError, match="has not answered yet"):
            ready.check()
    over.set()
    assert began == [True]
    monkeypatch.setattr(readiness, "LIMIT_S", 5)
    ready.check()


def _entries(engine: Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.scalar(text("SELECT count(*) FROM entries"))
        return found
