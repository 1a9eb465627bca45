"""The fixtures of all tests: databases of both kinds, a clean environment, and no skips."""

import gc
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pydantic.type_adapter
import pydantic.v1  # noqa: F401 - as above
import pytest
import sqlakeyset  # noqa: F401 - loaded under a frozen clock, it takes frozen times for all
from hypothesis import is_hypothesis_test, settings

from incidents.system import umask
from scripts import catalogues
from tests import compiled, freezing
from tests.databases import (
    Databases,
    PostgresqlDatabases,
    SqliteDatabases,
    postgresql_server,
    sqlite_folder,
)
from tests.durations import Durations

# Read before the environment is cleaned. A test that does not run proves nothing.
NO_SKIPS = bool(os.environ.get("INCIDENTS_NO_SKIPS") or os.environ.get("CI"))

TESTS = Path(__file__).parent
# The folders whose tests all run on both databases. Elsewhere the mark `both_databases` says so.
BOTH_DATABASES = {"acceptance", "desk", "fire", "model", "store"}

# How a file mentions a rare mark. A run for these alone loads only such files, a quarter of all.
RARE_MARKS = {
    "hypothesis": re.compile("hypothesis"),
    "long": re.compile(r"mark\.long\b|\blong=|\blooks\("),
}

WriteSettings = Callable[[str], Path]
AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

# No deadline: two cores are shared by the workers, and the first example pays for the imports.
settings.register_profile("default", deadline=None, max_examples=60)
# The same examples in each run: a change never fails on another one's luck.
_SAME = settings(deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("ci", _SAME, max_examples=20)  # each change
settings.register_profile("deep", _SAME, max_examples=100)  # scripts/test --long
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# As `incidents` begins, so that no test depends on whether another one has called it before.
os.umask(umask.PRIVATE)
catalogues.compile_stale()
compiled.share()
freezing.make_cheap()


# Per module, not per test: freezing the clock takes ten times as long as most tests.
@pytest.fixture(autouse=True, scope="module")
def _clock_given_back() -> Iterator[None]:
    with freezing.clock_given_back():
        yield


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[SqliteDatabases]:
    """Make SQLite files, for what is true of SQLite alone."""
    with sqlite_folder() as databases:
        yield databases


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases]:
    """Make databases on this worker's own server, for what is true of PostgreSQL alone."""
    with postgresql_server() as databases:
        yield databases


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Make databases of one kind; on both kinds in turn where they can differ."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file that cannot hold what is asked for, as in `-m "long or hypothesis"`."""
    marks = config.option.markexpr.split(" or ")
    if not RARE_MARKS.keys() >= set(marks) or not collection_path.name.startswith("test_"):
        return None
    return None if any(_mentions(collection_path, mark) for mark in marks) else True


@cache
def _mentions(file: Path, mark: str) -> bool:
    return RARE_MARKS[mark].search(file.read_text(encoding="utf-8")) is not None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is collected is rubbish; to look for some was a fifth of what this costs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Freeze loaded modules and collected tests: to go through them again costs a tenth.

    Its rubbish stays too, some megabytes: to look for it costs half a second in each process.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what was counted: xdist kills a worker that takes more than ten seconds to end."""
    coverage = sys.modules.get("coverage")
    is_worker = hasattr(session.config, "workerinput")
    if is_worker and coverage and (running := coverage.Coverage.current()):
        running.save()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test on PostgreSQL only where SQL, locks or dialects can change its outcome."""
    if "databases" in metafunc.fixturenames:
        room = metafunc.definition.path.relative_to(TESTS).parts[0]
        mark = metafunc.definition.get_closest_marker("both_databases")
        kinds = ["sqlite", "postgresql"] if mark or room in BOTH_DATABASES else ["sqlite"]
        long = mark.kwargs.get("long") if mark else None
        assert long in {None, *kinds}, long
        marks = {long: [pytest.mark.long]}
        values = [pytest.param(kind, marks=marks.get(kind, ())) for kind in kinds]
        metafunc.parametrize("databases", values, indirect=True, scope="session")


@pytest.fixture
def empty_db_url(databases: Databases) -> Iterator[str]:
    """The URL of a database of this test's own, without a schema; see `databases`."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def db_url(databases: Databases) -> Iterator[str]:
    """The URL of a database of this test's own, with the newest schema; see `databases`."""
    with databases.at_head() as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """Like `db_url`, on SQLite alone."""
    with sqlite_databases.at_head() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    """Like `db_url`, on PostgreSQL alone."""
    with postgresql_databases.at_head() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def _apart_from_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings, or touches the data, of the person who runs it."""
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith("INCIDENTS_") or name in {"NO_COLOR", "CLICOLOR_FORCE"}:
                environment.delenv(name)
        home = tmp_path_factory.mktemp("home")
        for name in ("CACHE", "CONFIG", "DATA", "STATE"):
            environment.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        # In which the program answers people.
        environment.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture
def write_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSettings:
    """Write the settings file, which the program reads from then on."""
    file = tmp_path / "config.toml"

    def write(text: str) -> Path:
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("INCIDENTS_CONFIG", str(file))
        return file

    return write


def pytest_configure(config: pytest.Config) -> None:
    # How long a test takes depends on how many examples it draws.
    if not hasattr(config, "workerinput") and os.environ.get("HYPOTHESIS_PROFILE") == "ci":
        config.pluginmanager.register(Durations(config))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _refuse_unmentioned(_refuse_skip(report))


def _refuse_unmentioned(report: pytest.CollectReport) -> pytest.CollectReport:
    # A test whose rare mark its own file does not mention would never run.
    for item in report.result or ():
        if isinstance(item, pytest.Function):
            marks = {mark.name for mark in item.iter_markers()}
            # Hypothesis marks its tests only later.
            marks |= {"hypothesis"} if is_hypothesis_test(item.obj) else set()
            for mark in marks & RARE_MARKS.keys():
                if not _mentions(item.path, mark):
                    report.outcome = "failed"
                    report.longrepr = f"{item.nodeid} is marked {mark}, which its file must mention"
    return report


def _refuse_skip(report: AnyReport) -> AnyReport:
    # An expected failure bears the same outcome as a skip, but it did run.
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and a skipped test is a failure: {report.longrepr}"
    return report
