"""Fixtures of the tests of the log: desks with a log, and records for bundles."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from incidents.audit import redecide
from incidents.system import side_process
from incidents.testing import rehearsal
from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import LOG, NEXT, Desk
from tests.audit.histories import Histories
from tests.audit.log_rig import START, Rig
from tests.audit.verifying import Verifier
from tests.audit.worker_threads import WorkerThread
from tests.databases import Databases, SqliteDatabases, memory_folder
from tests.desk.rehearsal import Rehearsal


@pytest.fixture
def house(db_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A desk with a log, at a time that stands still."""
    with rehearsal(START) as time:
        found = Rig(db_url, tmp_path, time)
        yield found
        found.engine.dispose()


@pytest.fixture(scope="session")
def histories(sqlite_databases: SqliteDatabases) -> Histories:
    """Copies of desks with a long history."""
    return Histories(sqlite_databases)


@pytest.fixture(scope="module")
def day(
    request: pytest.FixtureRequest, databases: Databases, histories: Histories
) -> Iterator[Rehearsal]:
    """A desk after what the module's `fill` does; each test leaves it as it was."""
    with databases.at_head() as url, histories.after(request.module.fill, url) as day:
        yield day


@pytest.fixture
def own_day(
    request: pytest.FixtureRequest, db_url: str, histories: Histories
) -> Iterator[Rehearsal]:
    """The same, to do with as one likes."""
    with histories.after(request.module.fill, db_url) as day:
        yield day


@pytest.fixture(scope="session")
def desk(sqlite_databases: SqliteDatabases) -> Desk:
    """Twenty entries of a real desk."""
    with sqlite_databases.at_head() as url:
        return bundles.a_day(url)


@pytest.fixture(scope="session")
def rotated(desk: Desk) -> Desk:
    """The same, with the entry that hands over to another key behind it."""
    return bundles.handed_over(desk, LOG, NEXT)


@pytest.fixture
def worker_threads(monkeypatch: pytest.MonkeyPatch) -> list[WorkerThread]:
    """The threads that have begun in place of processes."""
    monkeypatch.setattr(side_process, "_start", lambda _, pipe: WorkerThread(pipe))
    monkeypatch.setattr(WorkerThread, "begun", [])
    return WorkerThread.begun


@pytest.fixture(params=[auditor.wrong, verifying.wrong], ids=["script", "program"])
def wrong(request: pytest.FixtureRequest) -> Verifier:
    """The errors in a bundle: by the one-file verifier, and by `audit verify`."""
    verifier: Verifier = request.param
    return verifier


@pytest.fixture(params=[1_000_000, -1], ids=["whole", "in parts"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cases are decided whole; here all are, or none is."""
    monkeypatch.setattr(redecide, "MAX_WHOLE", request.param)


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory, for the thousands of changed bundles that are written to it."""
    with TemporaryDirectory(prefix="incidents-bundles-", dir=memory_folder()) as folder:
        yield Path(folder)
